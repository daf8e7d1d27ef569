package sse_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hyperlane-go/hyperlane"
	"github.com/hyperlane-go/hyperlane/broadcast"
	"github.com/hyperlane-go/hyperlane/hyperlanetest"
	"github.com/hyperlane-go/hyperlane/sse"
)

// patience is how long anything that should happen may take.
const patience = 10 * time.Second

func await[T any](t *testing.T, from <-chan T, what string) T {
	t.Helper()
	select {
	case v := <-from:
		return v
	case <-time.After(patience):
		t.Fatalf("%s: nothing came in %v", what, patience)
		panic("not reached")
	}
}

// eventually waits for a state that nothing announces.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain until %s", what)
		}
	}
}

// client reads one event stream.
type client struct {
	*sse.Reader
	t        *testing.T
	response *http.Response
	comments []string
	close    context.CancelFunc
}

// connect opens a stream. lastEventID is what the client brings back, if it is not empty.
func connect(t *testing.T, c *hyperlanetest.Client, method, target, lastEventID string) *client {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	var body *strings.Reader
	if method == http.MethodPost {
		body = strings.NewReader(`{"a":1}`)
	} else {
		body = strings.NewReader("")
	}
	request, err := http.NewRequestWithContext(ctx, method, hyperlanetest.URL+target, body)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Accept", "text/event-stream")
	if lastEventID != "" {
		request.Header.Set("Last-Event-ID", lastEventID)
	}
	response, err := c.HTTP().Do(request)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { response.Body.Close() })
	cl := &client{Reader: sse.NewReader(response.Body), t: t, response: response, close: cancel}
	cl.OnComment(func(text string) { cl.comments = append(cl.comments, text) })
	for name, want := range map[string]string{
		"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no", "Content-Length": "",
	} {
		if got := response.Header.Get(name); got != want {
			t.Errorf("got %s: %q, want %q", name, got, want)
		}
	}
	return cl
}

// want reads the next event.
func (cl *client) want(want sse.Event) sse.Event {
	cl.t.Helper()
	e, err := cl.Next()
	if err != nil {
		cl.t.Fatalf("got %v, want the event %q", err, want)
	}
	id := e.ID
	if want.ID == "" {
		e.ID = ""
	}
	if e != want {
		cl.t.Fatalf("got %q, want %q", e, want)
	}
	e.ID = id
	return e
}

// wantEnd reads the orderly end of the stream.
func (cl *client) wantEnd() {
	cl.t.Helper()
	for e, err := range cl.All() {
		cl.t.Fatalf("got %q, %v, want the end", e, err)
	}
}

// topics is a server with a source of topics: GET /{topic} subscribes.
type topics struct {
	hub    *broadcast.Hub
	source *sse.Source
}

func newTopics(t *testing.T, rules broadcast.Rules, config sse.Config) *topics {
	hub := broadcast.NewHub(broadcast.HubConfig{Rules: func(broadcast.Topic) broadcast.Rules { return rules }})
	t.Cleanup(func() {
		if err := hub.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return &topics{hub, sse.NewSource(hub, config)}
}

func (ts *topics) fill(s *hyperlane.Server) {
	s.Any("/{topic}", func(c *hyperlane.Context) error {
		return ts.source.Subscribe(c, broadcast.TopicOf(c.Param("topic")), broadcast.As{Key: c.Query("key")})
	})
}

func (ts *topics) publish(t *testing.T, topic string, data ...string) (at broadcast.Position) {
	t.Helper()
	for _, d := range data {
		r, err := ts.hub.Publish(context.Background(), broadcast.TopicOf(topic), broadcast.Publication{Data: []byte(d)})
		if err != nil {
			t.Fatal(err)
		}
		at = r.Position
	}
	return at
}

// ours runs test on the drivers that are hyperlane's own.
func ours(t *testing.T, test func(t *testing.T, d hyperlanetest.Driver)) {
	hyperlanetest.Each(t, func(t *testing.T, d hyperlanetest.Driver) {
		if d != hyperlanetest.NetHTTP {
			test(t, d)
		}
	})
}

func contains(t *testing.T, list []string, want string) {
	t.Helper()
	if !slices.Contains(list, want) {
		t.Errorf("got %q, want %q among them", list, want)
	}
}
