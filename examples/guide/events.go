package guide

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/hyperlane-go/hyperlane"
	"github.com/hyperlane-go/hyperlane/broadcast"
	"github.com/hyperlane-go/hyperlane/sse"
)

// Countdown says what it has to say.
func Countdown(c *hyperlane.Context) error {
	return sse.Serve(c, sse.Config{}, func(s *sse.Stream) error {
		for n := 3; n > 0; n-- {
			if err := s.Send(sse.Event{Name: "count", Data: strconv.Itoa(n)}); err != nil {
				return err
			}
			select {
			case <-time.After(10 * time.Millisecond):
			case <-s.Context().Done(): // the client has gone, or the server shuts down
				return s.Context().Err()
			}
		}
		return s.SendJSON(sse.Event{Name: "liftoff"}, map[string]any{"crew": 3})
	})
}

// News registers a stream that many read, and the way to write to it.
func News(server *hyperlane.Server) {
	news := broadcast.TopicOf("news")
	hub := broadcast.NewHub(broadcast.HubConfig{Rules: func(broadcast.Topic) broadcast.Rules {
		return broadcast.Rules{History: broadcast.Retention{Count: 1000, Age: time.Hour}}
	}})
	source := sse.NewSource(hub, sse.Config{})

	server.Get("/news", func(c *hyperlane.Context) error {
		return source.Subscribe(c, news, broadcast.As{Key: c.Query("user")})
	})
	server.Post("/news", func(c *hyperlane.Context) error {
		body, err := c.Request.Body()
		if err != nil {
			return err
		}
		_, err = hub.Publish(c.Context(), news, broadcast.Publication{Name: "headline", Data: body})
		if err != nil {
			return err
		}
		return c.NoContent()
	})
}

// ReadNews reads a stream of somebody else's.
func ReadNews(ctx context.Context, client *http.Client, url, lastEventID string, read func(sse.Event)) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return lastEventID, err
	}
	if lastEventID != "" {
		request.Header.Set("Last-Event-ID", lastEventID)
	}
	response, err := client.Do(request)
	if err != nil {
		return lastEventID, err
	}
	defer response.Body.Close()
	events := sse.NewReader(response.Body)
	for event, err := range events.All() {
		if err != nil {
			return events.LastEventID(), err
		}
		read(event)
	}
	return events.LastEventID(), nil
}
