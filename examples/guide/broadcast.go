package guide

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/hyperlane-go/hyperlane"
	"github.com/hyperlane-go/hyperlane/broadcast"
)

// Tick is a price at one moment.
type Tick struct {
	Symbol string
	Price  float64
}

// Print writes the ticks of a broadcast until ctx is done or the broadcast ends.
func Print(ctx context.Context, ticks *broadcast.Receiver[Tick], out io.Writer) {
	for tick, err := range ticks.All(ctx) {
		var missed *broadcast.Missed
		if errors.As(err, &missed) {
			fmt.Fprintf(out, "(%d missed)\n", missed.Count)
			continue
		}
		if err != nil {
			return
		}
		fmt.Fprintln(out, tick.Symbol, tick.Price)
	}
}

// Messenger registers what the members of a topic can do to one another.
func Messenger(server *hyperlane.Server) {
	hub := broadcast.NewHub(broadcast.HubConfig{Rules: func(topic broadcast.Topic) broadcast.Rules {
		return broadcast.Rules{
			History:     broadcast.Retention{Count: 100, Age: time.Hour},
			Presence:    true,
			Subscribers: 1000,
			Lag:         broadcast.Disconnect, // they come back, and recover
		}
	}})
	server.OnShutdown(func() { hub.Close(context.Background()) })
	team := func(c *hyperlane.Context) broadcast.Topic { return broadcast.TopicOf("team", c.Param("team")) }
	text := func(c *hyperlane.Context) []byte { body, _ := c.Request.Body(); return body }
	answer := func(c *hyperlane.Context, err error) error {
		if err != nil {
			return err
		}
		return c.NoContent()
	}

	// To everybody but the sender.
	server.Post("/teams/{team}/say", func(c *hyperlane.Context) error {
		user := c.Query("user")
		_, err := hub.Publish(c.Context(), team(c), broadcast.Publication{From: user, ExceptKey: user, Data: text(c)})
		return answer(c, err)
	})
	// To one, on all devices.
	server.Post("/teams/{team}/tell/{to}", func(c *hyperlane.Context) error {
		_, err := hub.Publish(c.Context(), team(c), broadcast.Publication{From: c.Query("user"), To: c.Param("to"), Data: text(c)})
		return answer(c, err)
	})
	// To those of a group.
	server.Post("/teams/{team}/alert", func(c *hyperlane.Context) error {
		_, err := hub.Publish(c.Context(), team(c), broadcast.Publication{Group: "on-call", Data: text(c)})
		return answer(c, err)
	})

	// Who is here, on all nodes.
	server.Get("/teams/{team}/members", func(c *hyperlane.Context) error {
		members, err := hub.Presence(c.Context(), team(c))
		if err != nil {
			return err
		}
		keys := make([]string, len(members))
		for i, m := range members {
			keys[i] = m.Key
		}
		return c.JSON(keys)
	})

	// What one has missed: exactly that, or the news that it cannot be told.
	server.Get("/teams/{team}/missed", func(c *hyperlane.Context) error {
		since, err := broadcast.ParsePosition(c.Query("since"))
		if err != nil {
			return hyperlane.Errorf(400, "since is no position")
		}
		messages, err := hub.Recover(c.Context(), team(c), since, broadcast.As{Key: c.Query("user")})
		if errors.Is(err, broadcast.ErrUnrecoverable) {
			return hyperlane.Errorf(410, "load everything anew")
		}
		if err != nil {
			return err
		}
		lines := []string{}
		for _, m := range messages {
			lines = append(lines, m.From+": "+string(m.Data))
		}
		return c.JSON(lines)
	})

	// A member that is Go code: it keeps the minutes, and nobody sees it.
	server.Get("/teams/{team}/minutes", func(c *hyperlane.Context) error {
		inbox, err := hub.Inbox(c.Context(), team(c), broadcast.As{Key: c.Query("user"), Groups: []string{"on-call"}, Hidden: true})
		if err != nil {
			return err
		}
		defer inbox.Close()
		for m, err := range inbox.All(c.Context()) {
			if err != nil {
				return err
			}
			if m.Kind == broadcast.Published {
				return c.Text(m.From + ": " + string(m.Data))
			}
		}
		return c.Context().Err()
	})

	// How it goes.
	server.Get("/stats", func(c *hyperlane.Context) error {
		s := hub.Stats()
		return c.JSON(map[string]any{"topics": s.Topics, "subscribers": s.Subscribers, "published": s.Published, "missed": s.Missed})
	})
}
