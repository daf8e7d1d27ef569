package hyperlane_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hyperlane-go/hyperlane"
	"github.com/hyperlane-go/hyperlane/broadcast"
	"github.com/hyperlane-go/hyperlane/hyperlanetest"
	"github.com/hyperlane-go/hyperlane/sse"
	"github.com/hyperlane-go/hyperlane/websocket"
)

// Everything that a server can have open is open and busy when it shuts down. Each WebSocket sees 1001, each stream its end, each
// response that has begun is whole, and (hyperlanetest sees to it) no goroutine is left.
func TestAShutdownUnderLoadEndsEverything(t *testing.T) {
	const each = 20 // clients of a kind
	hyperlanetest.Each(t, func(t *testing.T, d hyperlanetest.Driver) {
		hub := broadcast.NewHub(broadcast.HubConfig{})
		t.Cleanup(func() { hub.Close(context.Background()) })
		begun, whole := new(atomic.Int64), new(atomic.Int64) // responses of /stream, as the server and as the clients count them
		c := d.Serve(t, hyperlane.Config{}, func(s *hyperlane.Server) { fillLoad(s, hub, begun) })

		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		var clients sync.WaitGroup
		warm := new(atomic.Int64) // of the clients, how many have seen something
		for i := range each {
			for _, path := range []string{"/ws/topic", "/ws/echo", "/ws/blocking", "/ws/writer"} {
				clients.Go(func() {
					if err := keepTalking(ctx, c, path, i, warm); err != nil {
						t.Errorf("%s: %v", path, err)
					}
				})
			}
			for _, path := range []string{"/sse/topic", "/sse/blocking"} {
				clients.Go(func() {
					if err := keepListening(ctx, c, path, warm); err != nil {
						t.Errorf("%s: %v", path, err)
					}
				})
			}
			clients.Go(func() {
				n, err := keepAsking(c, warm)
				if whole.Add(n); err != nil {
					t.Errorf("/stream: %v", err)
				}
			})
		}
		publishing, quiet := context.WithCancel(ctx)
		defer quiet()
		clients.Go(func() {
			for n := 0; publishing.Err() == nil; n++ {
				hub.Publish(publishing, busyTopic, broadcast.Publication{Data: fmt.Appendf(nil, "message %d", n)})
				time.Sleep(time.Millisecond)
			}
		})
		for warm.Load() < 7*each {
			if ctx.Err() != nil || t.Failed() {
				t.Fatalf("%d of %d clients have seen something", warm.Load(), 7*each)
			}
			time.Sleep(time.Millisecond)
		}
		if err := c.Shutdown(ctx); err != nil {
			t.Errorf("the shutdown: %v", err)
		}
		quiet()
		clients.Wait()
		if begun.Load() != whole.Load() {
			t.Errorf("%d responses have begun, %d have arrived", begun.Load(), whole.Load())
		}
	})
}

var busyTopic = broadcast.TopicOf("busy")

// fillLoad registers the routes that TestAShutdownUnderLoadEndsEverything keeps busy.
func fillLoad(s *hyperlane.Server, hub *broadcast.Hub, begun *atomic.Int64) {
	members := websocket.NewSource(hub, websocket.SourceConfig{})
	streams := sse.NewSource(hub, sse.Config{})
	s.Get("/ws/topic", websocket.New(websocket.Config{}, websocket.Events{
		Open: func(conn *websocket.Conn) { members.Subscribe(context.Background(), conn, busyTopic, broadcast.As{}) },
	}).Serve)
	s.Get("/ws/echo", websocket.New(websocket.Config{}, websocket.Events{
		Message: func(conn *websocket.Conn, m websocket.Message) { conn.Send(m.Type, m.Data) },
	}).Serve)
	s.Get("/ws/blocking", websocket.NewBlocking(websocket.Config{}, func(ctx context.Context, conn *websocket.Conn) error {
		for {
			kind, p, err := conn.Read(ctx)
			if err != nil {
				return err
			}
			if err := conn.Write(ctx, kind, p); err != nil {
				return err
			}
		}
	}).Serve)
	s.Get("/ws/writer", websocket.NewBlocking(websocket.Config{}, func(ctx context.Context, conn *websocket.Conn) error {
		for {
			if err := conn.Write(ctx, websocket.Text, []byte("tick")); err != nil {
				return err
			}
			select {
			case <-time.After(time.Millisecond):
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}).Serve)
	s.Get("/sse/topic", func(c *hyperlane.Context) error { return streams.Subscribe(c, busyTopic, broadcast.As{}) })
	s.Get("/sse/blocking", func(c *hyperlane.Context) error {
		return sse.Serve(c, sse.Config{}, func(s *sse.Stream) error {
			for s.Context().Err() == nil {
				if err := s.Send(sse.Event{Data: "tick"}); err != nil {
					return err
				}
				time.Sleep(time.Millisecond)
			}
			return nil
		})
	})
	s.Get("/stream", func(c *hyperlane.Context) error {
		begun.Add(1)
		return c.Stream(func(w *hyperlane.Stream) error {
			for range 10 {
				if _, err := io.WriteString(w, strings.Repeat("x", 1000)); err != nil {
					return err
				}
				time.Sleep(time.Millisecond)
			}
			return nil
		})
	})
}

// keepTalking opens a WebSocket, sends until it ends unless it is a member of a topic, and returns an error if it did not end with 1001.
func keepTalking(ctx context.Context, c *hyperlanetest.Client, path string, id int, warm *atomic.Int64) error {
	conn, err := websocket.Dial(ctx, "ws://example.com"+path, websocket.DialConfig{
		DialContext: func(context.Context, string, string) (net.Conn, error) { return c.Dial(), nil },
	})
	if err != nil {
		return err
	}
	sends := path == "/ws/echo" || path == "/ws/blocking"
	if sends {
		conn.SendText("first")
	}
	for n := 0; ; n++ {
		text, err := conn.ReadText(ctx)
		var end *websocket.CloseError
		switch {
		case errors.As(err, &end) && end.Status == websocket.StatusGoingAway && end.Remote:
			return nil
		case err != nil:
			return fmt.Errorf("client %d, message %d: %w", id, n, err)
		case text == "":
			return errors.New("an empty message")
		}
		if n == 0 {
			warm.Add(1)
		}
		if sends {
			conn.SendText(text) // it may be too late to
		}
	}
}

// keepListening opens an event stream and returns an error if it was broken off.
func keepListening(ctx context.Context, c *hyperlanetest.Client, path string, warm *atomic.Int64) error {
	request, err := http.NewRequestWithContext(ctx, "GET", hyperlanetest.URL+path, nil)
	if err != nil {
		return err
	}
	response, err := c.HTTP().Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	events := sse.NewReader(response.Body)
	for n := 0; ; n++ {
		switch _, err := events.Next(); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		if n == 0 {
			warm.Add(1)
		}
	}
}

// keepAsking sends one request after the other on a connection until the server closes it, and returns how many responses came, all of
// them whole. A request that meets a connection that is just being closed is not one of them; nor has a handler seen it.
func keepAsking(c *hyperlanetest.Client, warm *atomic.Int64) (int64, error) {
	nc := c.Dial()
	defer nc.Close()
	nc.SetDeadline(time.Now().Add(30 * time.Second))
	r := bufio.NewReader(nc)
	for n := int64(0); ; n++ {
		if n == 1 {
			warm.Add(1)
		}
		io.WriteString(nc, "GET /stream HTTP/1.1\r\nHost: example.com\r\n\r\n")
		if _, err := r.Peek(1); err != nil {
			return n, nil
		}
		response, err := http.ReadResponse(r, nil)
		if err != nil {
			return n, err
		}
		if p, err := io.ReadAll(response.Body); err != nil || len(p) != 10_000 {
			return n, fmt.Errorf("response %d: %d bytes, %v", n, len(p), err)
		}
		if response.Close {
			return n + 1, nil
		}
	}
}
