package websocket_test

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/hyperlane-go/hyperlane"
	"github.com/hyperlane-go/hyperlane/hyperlanetest"
	"github.com/hyperlane-go/hyperlane/websocket"
)

// soon is how long a test waits for what must happen.
const soon = 10 * time.Second

func within(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), soon)
	t.Cleanup(cancel)
	return ctx
}

// each serves an endpoint at /ws on every driver.
func each(t *testing.T, endpoint func() *websocket.Endpoint, test func(t *testing.T, c *hyperlanetest.Client, e *websocket.Endpoint)) {
	hyperlanetest.Each(t, func(t *testing.T, d hyperlanetest.Driver) {
		e := endpoint()
		c := d.Serve(t, hyperlane.Config{}, func(s *hyperlane.Server) { s.Any("/ws", e.Serve) })
		test(t, c, e)
	})
}

// dial opens a connection by Dial.
func dial(t *testing.T, c *hyperlanetest.Client, d websocket.DialConfig) *websocket.Conn {
	t.Helper()
	return dialPath(t, c, "/ws", d)
}

func dialPath(t *testing.T, c *hyperlanetest.Client, path string, d websocket.DialConfig) *websocket.Conn {
	t.Helper()
	d.DialContext = func(context.Context, string, string) (net.Conn, error) { return c.Dial(), nil }
	conn, err := websocket.Dial(within(t), "ws://example.com"+path, d)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(websocket.StatusNormal, "") })
	return conn
}

// echo answers each message with itself.
func echo(config websocket.Config) func() *websocket.Endpoint {
	return func() *websocket.Endpoint {
		return websocket.New(config, websocket.Events{
			Message: func(c *websocket.Conn, m websocket.Message) { c.Write(context.Background(), m.Type, m.Data) },
		})
	}
}

func await[T any](t *testing.T, what string, from <-chan T) T {
	t.Helper()
	select {
	case v := <-from:
		return v
	case <-time.After(soon):
		t.Fatalf("%s: has not happened", what)
		panic("unreachable")
	}
}

// blockingEcho is echo in the blocking style.
func blockingEcho(config websocket.Config) *websocket.Endpoint {
	return websocket.NewBlocking(config, func(ctx context.Context, c *websocket.Conn) error {
		for {
			kind, p, err := c.Read(ctx)
			if err != nil {
				return err
			}
			if err := c.Write(ctx, kind, p); err != nil {
				return err
			}
		}
	})
}
