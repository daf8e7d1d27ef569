package hyperlane_test

import (
	"fmt"
	"net"
	"runtime"
	"strings"
	"testing"

	"github.com/hyperlane-go/hyperlane"
	"github.com/hyperlane-go/hyperlane/hyperlanetest"
)

// heap returns how many bytes are in use.
func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC() // what a pool has kept over the first
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// A body that is announced costs nothing: forty clients that announce a gibibyte each, and send a few bytes of it.
func TestMemoryFollowsWhatHasArrivedAndNotWhatWasDeclared(t *testing.T) {
	const clients, declared = 40, 1 << 30
	limits := hyperlane.Limits{Body: declared, BufferedBody: declared}
	for _, path := range []string{"/buffered", "/body"} {
		t.Run(path[1:], func(t *testing.T) {
			hyperlanetest.Each(t, func(t *testing.T, d hyperlanetest.Driver) {
				config := hyperlane.Config{Limits: limits}
				if path == "/body" {
					config.Limits.BufferedBody = 1 // so that the handler reads it
				}
				reading := make(chan struct{}, clients)
				c := d.Serve(t, config, func(s *hyperlane.Server) {
					s.Get("/next", say("next"))
					s.Post("/{any}", func(c *hyperlane.Context) error {
						reading <- struct{}{}
						_, err := c.Request.Body()
						return err
					})
				})
				before := heap()
				var conns []net.Conn
				for range clients {
					nc := c.Dial()
					write(t, nc, fmt.Sprintf("POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\nthe beginning", path, declared))
					conns = append(conns, nc)
				}
				c.Get("/next").Status(200) // whoever came before it has been read, or is about to be
				for _, nc := range conns {
					write(t, nc, "and some more")
				}
				if path == "/body" || d == hyperlanetest.NetHTTP {
					for range clients {
						await(t, reading, "a handler that reads")
					}
				} else {
					c.Get("/next").Status(200)
				}
				if grown := heap() - before; grown > 32<<20 {
					t.Errorf("%d bytes more are in use, for %d clients that have sent a few bytes each", grown, clients)
				}
			})
		})
	}
}

// What a large body has taken is given back when its request has ended, though its connection goes on.
func TestMemoryOfALargeBodyIsGivenBack(t *testing.T) {
	const clients, size = 8, 8 << 20
	each(t, hyperlane.Config{Limits: hyperlane.Limits{Body: size, BufferedBody: size}}, func(s *hyperlane.Server) {
		s.Post("/", func(c *hyperlane.Context) error {
			body, err := c.Request.Body()
			if err != nil {
				return err
			}
			return c.Text(fmt.Sprint(len(body)))
		})
	}, func(t *testing.T, c *hyperlanetest.Client) {
		before := heap()
		body := strings.Repeat("x", size)
		for range clients {
			nc := c.Dial()
			write(t, nc, fmt.Sprintf("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", size))
			write(t, nc, body)
			if got, err := readMessage(nc); err != nil || !strings.HasPrefix(got, "HTTP/1.1 200") {
				t.Fatalf("got %q, %v", got, err)
			}
		}
		body = ""
		if grown := heap() - before; grown > size {
			t.Errorf("%d bytes more are in use, after %d bodies of %d", grown, clients, size)
		}
	})
}
