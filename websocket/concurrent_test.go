package websocket_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/hyperlane-go/hyperlane/hyperlanetest"
	"github.com/hyperlane-go/hyperlane/websocket"
)

// writeInManyWays sends count messages "who number ...", by every way that there is to send one.
func writeInManyWays(ctx context.Context, c *websocket.Conn, who, count int) error {
	for n := range count {
		text := fmt.Sprintf("%d %d %s", who, n, strings.Repeat("x", n*who))
		var err error
		switch n % 4 {
		case 0:
			err = c.Write(ctx, websocket.Text, []byte(text))
		case 1:
			for err = c.SendText(text); errors.Is(err, websocket.ErrSlow); err = c.SendText(text) {
				c.Ping(nil)
			}
		case 2:
			err = c.Write(ctx, websocket.Binary, []byte(text))
		case 3: // in pieces: nobody else's message may come between them
			w, openErr := c.Writer(ctx, websocket.Text)
			if err = openErr; err != nil {
				break
			}
			for _, piece := range strings.SplitAfter(text, " ") {
				if _, err = w.Write([]byte(piece)); err != nil {
					break
				}
				runtime.Gosched() // whoever would come between them has an occasion to
			}
			err = errors.Join(err, w.Close())
		}
		if err != nil {
			return err
		}
		if n%5 == 0 {
			c.Ping([]byte("meanwhile"))
		}
	}
	return nil
}

// Both ends write with many goroutines at once: each message arrives whole, and those of one goroutine in their order.
func TestManyGoroutinesMayWriteAtOnce(t *testing.T) {
	const writers, each = 8, 25
	for name, compression := range map[string]websocket.Compression{"plain": {Off: true}, "compressed": {MinSize: 1}} {
		t.Run(name, func(t *testing.T) {
			var all sync.WaitGroup
			endpoint := func() *websocket.Endpoint {
				return websocket.New(websocket.Config{Compression: compression}, websocket.Events{Open: func(c *websocket.Conn) {
					for who := range writers {
						all.Go(func() {
							if err := writeInManyWays(c.Context(), c, who, each); err != nil {
								t.Errorf("server: %v", err)
							}
						})
					}
				}})
			}
			onEach(t, endpoint, func(t *testing.T, client *hyperlanetest.Client) {
				c, ctx := dial(t, client, websocket.DialConfig{Compression: compression}), within(t)
				for who := range writers {
					all.Go(func() {
						if err := writeInManyWays(ctx, c, who, each); err != nil {
							t.Errorf("client: %v", err)
						}
					})
				}
				var next [writers]int
				for range writers * each {
					_, p, err := c.Read(ctx)
					if err != nil {
						t.Fatal(err)
					}
					var who, n int
					var rest string
					fmt.Sscan(string(p), &who, &n, &rest)
					if who >= writers || n != next[min(who, writers-1)] || len(rest) != n*who {
						t.Fatalf("got %.60q, want a whole message in its order, of %v", p, next)
					}
					next[who]++
				}
				all.Wait()
			})
		})
	}
}

func onEach(t *testing.T, endpoint func() *websocket.Endpoint, test func(t *testing.T, c *hyperlanetest.Client)) {
	each(t, endpoint, func(t *testing.T, c *hyperlanetest.Client, _ *websocket.Endpoint) { test(t, c) })
}

// Close may be called by many at once, while others write and the peer goes: Events.Close is called once all the same.
func TestManyGoroutinesMayCloseAtOnce(t *testing.T) {
	var closes atomic.Int32
	closed := make(chan error, 10)
	conns := make(chan *websocket.Conn, 1)
	endpoint := func() *websocket.Endpoint {
		return websocket.New(websocket.Config{}, websocket.Events{
			Open:  func(c *websocket.Conn) { conns <- c },
			Close: func(_ *websocket.Conn, err error) { closes.Add(1); closed <- err },
		})
	}
	onEach(t, endpoint, func(t *testing.T, client *hyperlanetest.Client) {
		for i := range 10 {
			closes.Store(0)
			w, _ := upgrade(t, client)
			c := await(t, "the connection", conns)
			var all sync.WaitGroup
			for n := range 8 {
				all.Go(func() {
					for range 20 {
						c.SendText("meanwhile")
					}
					c.Close(websocket.Status(4000+n), "enough")
				})
			}
			if i%2 == 0 {
				w.nc.Close()
			} else {
				frames := 0
				for frame, err := w.next(); err == nil; frame, err = w.next() {
					if frame[:2] == "88" {
						frames++
						w.send(f(0x88, closing(4000, "")))
					}
				}
				if frames != 1 {
					t.Errorf("got %d close frames, want 1", frames)
				}
			}
			all.Wait()
			w.nc.Close()
			await(t, "Events.Close", closed)
			if c.SendText("too late") == nil {
				t.Error("got no error from a connection that has ended")
			}
			c.Close(websocket.StatusNormal, "")
			if n := closes.Load(); n != 1 || len(closed) > 0 {
				t.Errorf("Events.Close was called %d times", n)
			}
		}
	})
}
