//go:build !race && !hyperlanedebug

package hyperlane_test

import (
	"io"
	"net"
	"runtime"
	"testing"

	"github.com/hyperlane-go/hyperlane"
	"github.com/hyperlane-go/hyperlane/hyperlanetest"
)

// What a request may allocate, on the server and its connection together. A Context that finds misuse out is never reused: this holds
// without the race detector only.
func TestARequestAllocatesNoMoreThanPromised(t *testing.T) {
	const get = " HTTP/1.1\r\nHost: example.com\r\nUser-Agent: test\r\nAccept: */*\r\nX-Name: value\r\n\r\n"
	config := hyperlane.Config{}
	fill := func(s *hyperlane.Server) {
		s.OnRequest(func(c *hyperlane.Context) error { return nil })
		s.OnResponse(func(c *hyperlane.Context) error { c.Response.SetHeader("X-Phase", "response"); return nil })
		s.Group("/api").Get("/{id}/plain", say("hello"))
		s.Get("/plain", say("hello"))
		s.Get("/strings/{id}", func(c *hyperlane.Context) error {
			if c.Param("id") == "" || c.Request.Header("X-Name") == "" || c.Query("q") == "" || c.Request.Path() == "" {
				return hyperlane.Errorf(400, "something is missing")
			}
			return c.Text("hello")
		})
		s.Get("/view", func(c *hyperlane.Context) error {
			if len(c.Request.HeaderView("X-Name")) == 0 {
				return hyperlane.Errorf(400, "something is missing")
			}
			return c.Text("hello")
		})
		s.Post("/echo", func(c *hyperlane.Context) error {
			body, err := c.Request.BodyView()
			c.Response.SetHeader("Content-Type", "text/plain").SetBody(body)
			return err
		})
	}
	ours(t, func(t *testing.T, d hyperlanetest.Driver) {
		c := d.Serve(t, config, fill)
		for _, test := range []struct {
			name, ask string
			most      float64
		}{
			{"plain text through both phases", "GET /plain" + get, 0},
			{"a param that nobody asks for", "GET /api/7/plain" + get, 0},
			{"a view", "GET /view" + get, 0},
			{"four strings", "GET /strings/seven?q=something" + get, 4},
			{"a body that is echoed", "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello", 0},
		} {
			t.Run(test.name, func(t *testing.T) {
				nc := c.Dial()
				ask := []byte(test.ask)
				once := make([]byte, 4<<10)
				if _, err := nc.Write(ask); err != nil {
					t.Fatal(err)
				}
				n, err := nc.Read(once)
				if err != nil || string(once[:12]) != "HTTP/1.1 200" {
					t.Fatalf("got %q, %v", once[:n], err)
				}
				got := allocations(t, nc, ask, make([]byte, n))
				if got > test.most+0.1 { // the clock ticks meanwhile
					t.Errorf("got %.3f allocations for a request, want %.0f at most", got, test.most)
				}
			})
		}
	})
}

// allocations returns how many a request costs that is answered with as many bytes as answer has.
func allocations(t *testing.T, nc net.Conn, ask, answer []byte) float64 {
	t.Helper()
	exchange := func() {
		if _, err := nc.Write(ask); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(nc, answer); err != nil {
			t.Fatal(err)
		}
	}
	const requests = 2000
	for range requests / 10 {
		exchange()
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range requests {
		exchange()
	}
	runtime.ReadMemStats(&after)
	return float64(after.Mallocs-before.Mallocs) / requests
}
