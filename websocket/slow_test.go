package websocket_test

import (
	"errors"
	"io"
	"os"
	"testing"
	"time"

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
