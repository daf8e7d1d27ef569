package websocket_test

import (
	"errors"
	"io"
	"os"
	"testing"
	"time"

	"github.com/hyperlane-go/hyperlane"
	"github.com/hyperlane-go/hyperlane/hyperlanetest"
	"github.com/hyperlane-go/hyperlane/websocket"
)

func TestSendTellsOfASlowPeer(t *testing.T) {
	results := make(chan error, 1)
	endpoint := func() *websocket.Endpoint {
		return websocket.New(websocket.Config{CloseTimeout: 50 * time.Millisecond}, websocket.Events{Message: func(c *websocket.Conn, m websocket.Message) {
			var err error
			for n := 0; err == nil && n < 1000; n++ {
				err = c.Send(websocket.Binary, make([]byte, 64<<10))
			}
			c.Close(websocket.StatusPolicy, "")
			results <- err
		}})
	}
	each(t, endpoint, func(t *testing.T, c *hyperlanetest.Client, _ *websocket.Endpoint) {
		w, _ := upgrade(t, c)
		w.send(f(0x81, "go"))
		if err := await(t, "the end of sending", results); err != websocket.ErrSlow {
			t.Errorf("sending without end to who does not read: %v", err)
		}
		if _, err := io.Copy(io.Discard, w.r); errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("the connection does not end: %v", err)
		}
	})
}

// The write timeout is for a peer that does not take what waits for it. Who has taken everything may be quiet for longer.
func TestAConnectionThatIsQuietBehindAPushStaysOpen(t *testing.T) {
	const timeout = 300 * time.Millisecond
	hyperlanetest.Each(t, func(t *testing.T, d hyperlanetest.Driver) {
		opened, closed := make(chan *websocket.Conn, 1), make(chan error, 1)
		e := websocket.New(websocket.Config{}, websocket.Events{
			Open:    func(c *websocket.Conn) { opened <- c },
			Message: func(c *websocket.Conn, m websocket.Message) { c.Send(m.Type, m.Data) },
			Close:   func(c *websocket.Conn, err error) { closed <- err },
		})
		c := d.Serve(t, hyperlane.Config{WriteTimeout: timeout}, func(s *hyperlane.Server) { s.Get("/ws", e.Serve) })
		w, _ := upgrade(t, c)
		if err := await(t, "the upgrade", opened).SendText("news"); err != nil {
			t.Fatal(err)
		}
		w.wants(got(0x81, "news"))
		select {
		case err := <-closed:
			t.Fatalf("closed with %v", err)
		case <-time.After(2 * timeout):
		}
		w.send(f(0x81, "still there?"))
		w.wants(got(0x81, "still there?"))
	})
}
