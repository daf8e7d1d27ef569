package soak

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/hyperlane-go/hyperlane"
	"github.com/hyperlane-go/hyperlane/broadcast"
	"github.com/hyperlane-go/hyperlane/sse"
	"github.com/hyperlane-go/hyperlane/websocket"
)

var topicKinds = []kind{
	{"an event stream of a topic", 3, listen},
	{"an event stream that comes back", 2, listenAgain},
	{"an event stream that is too slow", 1, lag},
	{"a WebSocket of a topic", 2, member},
}

// news is the topic that is published to all the time.
var news = broadcast.TopicOf("news")

// kept is how many of its messages those can get who come back.
const kept = 2000

// floodOf is a topic that one client alone listens to, and publishes to.
func floodOf(id string) broadcast.Topic { return broadcast.TopicOf("flood", id) }

func newHub() *broadcast.Hub {
	return broadcast.NewHub(broadcast.HubConfig{Rules: func(topic broadcast.Topic) broadcast.Rules {
		if topic == news {
			return broadcast.Rules{History: broadcast.Retention{Count: kept}}
		}
		return broadcast.Rules{Backlog: 8}
	}})
}

func (s *stage) fillTopics(v *server) {
	members := websocket.NewSource(s.hub, websocket.SourceConfig{})
	v.Get("/topic", func(c *hyperlane.Context) error { return s.streams.Subscribe(c, news, broadcast.As{}) })
	v.Get("/flood/{id}", func(c *hyperlane.Context) error {
		return s.streams.Subscribe(c, floodOf(c.Param("id")), broadcast.As{})
	})
	v.Get("/ws/topic", websocket.New(websocket.Config{}, websocket.Events{
		Open: func(conn *websocket.Conn) {
			s.sockets.Add(1)
			if _, err := members.Subscribe(conn.Context(), conn, news, broadcast.As{}); err != nil {
				conn.Close(websocket.StatusTryAgain, "")
			}
		},
		Close: func(*websocket.Conn, error) { s.sockets.Add(-1) },
	}).Serve)
}

// publish publishes until stop is closed.
func (s *stage) publish(t *testing.T, stop <-chan struct{}) {
	for tick := time.NewTicker(2 * time.Millisecond); ; {
		select {
		case <-stop:
			tick.Stop()
			return
		case <-tick.C:
		}
		if !s.publishNext(t) {
			return
		}
	}
}

// renewHistory fills the history with messages that nobody has heard. Those that were heard keep the forms in which they were sent, so
// what a history holds depends on who was there.
func (s *stage) renewHistory(t *testing.T) {
	for range kept {
		if !s.publishNext(t) {
			return
		}
	}
}

func (s *stage) publishNext(t *testing.T) bool {
	n := s.published.Add(1)
	if _, err := s.hub.Publish(context.Background(), news, broadcast.Publication{Data: []byte(message(n))}); err != nil {
		t.Errorf("publish: %v", err)
		return false
	}
	return true
}

// message is the text of the message with that number, from which all of it follows.
func message(n int64) string { return fmt.Sprint(n, " ", ribbon{n, n * 7919 % 2000}.text()) }

// lines is text as an event stream can carry it: a line break of any kind arrives as "\n".
var lines = strings.NewReplacer("\r\n", "\n", "\r", "\n")

// numberOf returns the number of a message whose text is right. plain says what has become of its line breaks.
func numberOf(text string, plain func(string) string) (int64, error) {
	first, _, _ := strings.Cut(text, " ")
	n, err := strconv.ParseInt(first, 10, 64)
	if err != nil || text != plain(message(n)) {
		return 0, fmt.Errorf("got the message %q, which nobody has published", shown([]byte(text)))
	}
	return n, nil
}

// ear is what listens to an event stream.
type ear struct {
	*sse.Reader
	body  io.Closer
	stage *stage
	next  int64 // number of the next message; 0 is any
}

// open opens an event stream behind the event lastID.
func (c *client) open(ctx context.Context, target, lastID string) (*ear, error) {
	request, err := http.NewRequestWithContext(ctx, "GET", "http://"+c.addr+target, nil)
	if err != nil {
		return nil, err
	}
	if lastID != "" {
		request.Header.Set("Last-Event-ID", lastID)
	}
	response, err := c.http.Do(request)
	if err != nil {
		return nil, err
	}
	if kind := response.Header.Get("Content-Type"); response.StatusCode != 200 || kind != "text/event-stream" {
		response.Body.Close()
		return nil, fmt.Errorf("got %s, %q for an event stream", response.Status, kind)
	}
	return &ear{Reader: sse.NewReader(response.Body), body: response.Body, stage: c.stage}, nil
}

// hear checks that the next event is the next message, or tells how many are missing.
func (e *ear) hear() error {
	event, err := e.Next()
	if err != nil {
		return fmt.Errorf("event %d: %w", e.next, err)
	}
	switch event.Name {
	case "":
		n, err := numberOf(event.Data, lines.Replace)
		if err == nil && e.next != 0 && n != e.next {
			err = fmt.Errorf("got message %d, want %d", n, e.next)
		}
		e.next = n + 1
		return err
	case sse.MissedEvent:
		var missed struct{ Count int64 }
		if err := json.Unmarshal([]byte(event.Data), &missed); err != nil || missed.Count < 1 {
			return fmt.Errorf("got %q for what was missed, %w", event.Data, orNothing(err))
		}
		if e.next != 0 {
			e.next += missed.Count
		}
		return nil
	case sse.UnrecoverableEvent:
		if away := e.stage.published.Load() - e.next; away < kept {
			return fmt.Errorf("got %q behind message %d, %d messages ago; %d are kept", event.Name, e.next-1, away, kept)
		}
		e.next = 0
		return nil
	}
	return fmt.Errorf("got an event %q", event.Name)
}

func (e *ear) hearSome(n int) error {
	for range n {
		if err := e.hear(); err != nil {
			return err
		}
	}
	return nil
}

func listen(c *client) error {
	ctx, cancel := context.WithTimeout(c.ctx, patience)
	defer cancel()
	e, err := c.open(ctx, "/topic", "")
	if err != nil {
		return err
	}
	defer e.body.Close()
	return e.hearSome(1 + c.IntN(100))
}

// listenAgain goes on where it was: what was published while it was away comes first.
func listenAgain(c *client) error {
	ctx, cancel := context.WithTimeout(c.ctx, patience)
	defer cancel()
	e, err := c.open(ctx, "/topic", "")
	if err != nil {
		return err
	}
	for range 3 {
		err := e.hearSome(1 + c.IntN(20))
		e.body.Close()
		if err != nil {
			return err
		}
		c.upTo(20 * time.Millisecond)
		next := e.next
		if e, err = c.open(ctx, "/topic", e.LastEventID()); err != nil {
			return err
		}
		e.next = next
	}
	defer e.body.Close()
	return e.hear()
}

// lag does not read until the hub has given messages up, and must then be told how many.
func lag(c *client) error {
	ctx, cancel := context.WithTimeout(c.ctx, patience)
	defer cancel()
	id := strconv.FormatInt(c.serial.Add(1), 10)
	topic := floodOf(id)
	e, err := c.open(ctx, "/flood/"+id, "")
	if err != nil {
		return err
	}
	defer e.body.Close()
	last := int64(0)
	for missed := false; !missed; {
		last++
		data := fmt.Sprint(last, " ", flood.text())
		if _, err := c.hub.Publish(ctx, topic, broadcast.Publication{Data: []byte(data)}); err != nil {
			return err
		}
		stats, ok := c.hub.TopicStats(topic)
		if !ok {
			return errors.New("nobody listens any more")
		}
		missed = stats.Missed > 0
	}
	told := false
	for next := int64(1); next <= last; {
		event, err := e.Next()
		if err != nil {
			return err
		}
		if event.Name == sse.MissedEvent {
			var missed struct{ Count int64 }
			if err := json.Unmarshal([]byte(event.Data), &missed); err != nil {
				return err
			}
			told = true
			next += missed.Count
			continue
		}
		if want := lines.Replace(fmt.Sprint(next, " ", flood.text())); event.Data != want {
			return fmt.Errorf("got %q, want message %d of %d", shown([]byte(event.Data)), next, last)
		}
		next++
	}
	if !told {
		return errors.New("messages were missed, and it was not told")
	}
	return nil
}

// flood is what fills buffers.
var flood = ribbon{77, 60_000}

// member is a WebSocket that hears the topic.
func member(c *client) error {
	conn, nc, err := c.dialSocket("/ws/topic")
	if err != nil {
		return err
	}
	defer hangUp(conn, nc)
	ctx, cancel := context.WithTimeout(c.ctx, patience)
	defer cancel()
	next := int64(0)
	for range 1 + c.IntN(100) {
		text, err := conn.ReadText(ctx)
		if err != nil {
			return err
		}
		var missed struct{ Missed int64 }
		if json.Unmarshal([]byte(text), &missed) == nil && missed.Missed > 0 {
			next += missed.Missed
			continue
		}
		n, err := numberOf(text, strings.Clone)
		if err == nil && next != 0 && n != next {
			err = fmt.Errorf("got message %d, want %d", n, next)
		}
		if err != nil {
			return err
		}
		next = n + 1
	}
	return nil
}
