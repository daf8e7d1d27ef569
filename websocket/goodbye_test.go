package websocket_test

import (
	"context"
	"testing"
	"time"

	"github.com/hyperlane-go/hyperlane"
	"github.com/hyperlane-go/hyperlane/hyperlanetest"
	"github.com/hyperlane-go/hyperlane/websocket"
)

// The end of the peer's side comes together with its last frame. The connection must not be over before the close frame is sent.
func TestAPeerThatEndsItsSideBehindItsLastFrameSeesTheCloseFrame(t *testing.T) {
	for name, test := range map[string]struct{ last, answer string }{
		"a close frame":             {f(0x88, closing(1000, "")), got(0x88, closing(1000, ""))},
		"a frame against the rules": {f(0xb1, "reserved bits"), got(0x88, closing(1002, ""))},
	} {
		t.Run(name, func(t *testing.T) {
			hyperlanetest.Each(t, func(t *testing.T, d hyperlanetest.Driver) {
				conns, ends := make(chan *websocket.Conn, 1), make(chan error, 1)
				e := websocket.NewBlocking(websocket.Config{}, func(ctx context.Context, c *websocket.Conn) error {
					conns <- c
					_, _, err := c.Read(ctx)
					ends <- err
					return err
				})
				c := d.Serve(t, hyperlane.Config{}, func(s *hyperlane.Server) { s.Any("/ws", e.Serve) })
				w, _ := upgrade(t, c)
				conn := await(t, "the connection", conns)
				for end := time.Now().Add(soon); !websocket.Idle(conn) && time.Now().Before(end); time.Sleep(time.Millisecond) {
				}
				w.send(test.last)
				if err := w.nc.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
					t.Fatal(err)
				}
				w.wants(test.answer)
				if err, ok := await(t, "the end of Read", ends).(*websocket.CloseError); !ok {
					t.Errorf("Read returned %v, want how the connection was closed", err)
				}
			})
		})
	}
}
