package websocket_test

import (
	"context"
	"testing"
	"time"

	"github.com/hyperlane-go/hyperlane"
	"github.com/hyperlane-go/hyperlane/hyperlanetest"
	"github.com/hyperlane-go/hyperlane/websocket"
)

// The end of the peer's side comes together with a frame that is against the rules, while the function waits for the next message: the
// connection must not be over before the peer was told.
func TestAPeerThatBreaksTheRulesAndEndsItsSideSeesTheCloseFrame(t *testing.T) {
	hyperlanetest.Each(t, func(t *testing.T, d hyperlanetest.Driver) {
		conns, ends := make(chan *websocket.Conn, 1), make(chan error, 1)
		e := websocket.NewBlocking(websocket.Config{}, func(_ context.Context, c *websocket.Conn) error {
			conns <- c
			_, _, err := c.Read(context.Background())
			ends <- err
			return err
		})
		c := d.Serve(t, hyperlane.Config{}, func(s *hyperlane.Server) { s.Any("/ws", e.Serve) })
		w, _ := upgrade(t, c)
		conn := await(t, "the connection", conns)
		for end := time.Now().Add(soon); !websocket.Idle(conn); time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				t.Fatal("the function does not read")
			}
		}
		w.send(f(0xb1, "reserved bits"))
		if err := w.nc.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
			t.Fatal(err)
		}
		w.wants(got(0x88, closing(1002, "")))
		err := await(t, "the end of Read", ends)
		if e, ok := err.(*websocket.CloseError); !ok || e.Status != websocket.StatusProtocolError || e.Remote {
			t.Errorf("Read returned %v, want that the peer was told 1002", err)
		}
	})
}

// A function that waits is told of the peer's close frame at once, and not when the connection has ended: here the peer keeps it open.
func TestReadReturnsWithTheCloseFrameOfThePeer(t *testing.T) {
	hyperlanetest.Each(t, func(t *testing.T, d hyperlanetest.Driver) {
		last := make(chan error, 1)
		e := websocket.NewBlocking(websocket.Config{}, func(ctx context.Context, c *websocket.Conn) error {
			_, _, err := c.Read(ctx)
			if end, ok := err.(*websocket.CloseError); !ok || end.Status != websocket.StatusNormal || !end.Remote {
				t.Errorf("Read returned %v, want the peer's 1000", err)
			}
			last <- c.SendText("bye")
			return nil
		})
		c := d.Serve(t, hyperlane.Config{}, func(s *hyperlane.Server) { s.Any("/ws", e.Serve) })
		w, _ := upgrade(t, c)
		w.send(f(0x88, closing(1000, "")))
		if err := await(t, "a message behind the peer's close frame", last); err != nil {
			t.Error(err)
		}
		w.wants(got(0x81, "bye"), got(0x88, closing(1000, "")))
	})
}
