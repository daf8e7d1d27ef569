//go:build !race && !hyperlanedebug

package websocket_test

import (
	"io"
	"runtime"
	"testing"

	"github.com/hyperlane-go/hyperlane"
	"github.com/hyperlane-go/hyperlane/hyperlanetest"
	"github.com/hyperlane-go/hyperlane/websocket"
)

// What an echo in the style of events may allocate, on the server and its connection together: nothing on the event loop. The other drivers
// start a goroutine for what Send has queued.
func TestAnEchoAllocatesNoMoreThanPromised(t *testing.T) {
	most := map[hyperlanetest.Driver]float64{hyperlanetest.Loop: 0, hyperlanetest.LoopUnix: 0}
	hyperlanetest.Each(t, func(t *testing.T, d hyperlanetest.Driver) {
		most, ok := most[d]
		if !ok {
			most = 2
		}
		endpoint := websocket.New(websocket.Config{}, websocket.Events{
			Message: func(c *websocket.Conn, m websocket.Message) { c.Send(m.Type, m.Data) },
		})
		c := d.Serve(t, hyperlane.Config{}, func(s *hyperlane.Server) { s.Get("/ws", endpoint.Serve) })
		w, _ := upgrade(t, c)
		ask, back := []byte(f(0x82, "sixty-four bytes or so, which is what most messages are, at most")), make([]byte, 66)
		echo := func() {
			if _, err := w.nc.Write(ask); err != nil {
				t.Fatal(err)
			}
			if _, err := io.ReadFull(w.r, back); err != nil {
				t.Fatal(err)
			}
		}
		const messages = 2000
		for range messages / 10 {
			echo()
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for range messages {
			echo()
		}
		runtime.ReadMemStats(&after)
		if got := float64(after.Mallocs-before.Mallocs) / messages; got > most+0.1 { // the clock ticks meanwhile
			t.Errorf("got %.3f allocations for a message, want %.0f at most", got, most)
		}
	})
}
