package hyperlane_test

import (
	"bytes"
	"fmt"
	"io"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/hyperlane-go/hyperlane"
	"github.com/hyperlane-go/hyperlane/hyperlanetest"
)

func TestAPanicEndsNothingButItsRequest(t *testing.T) {
	each(t, hyperlane.Config{}, fillStations, func(t *testing.T, c *hyperlanetest.Client) {
		var all sync.WaitGroup
		for i := range 8 {
			all.Go(func() {
				nc := c.Dial()
				defer nc.Close()
				for _, place := range []string{"s1", "o", "w1(", "wi(", "x", "I1", "S2", "none"} {
					status := "500"
					if place == "none" {
						status = "200"
					}
					// The connection goes on after the answer.
					if _, err := fmt.Fprintf(nc, "GET /outer/inner/%d/x?panic=%s HTTP/1.1\r\nHost: x\r\n\r\n", i, place); err != nil {
						t.Error(err)
						return
					}
					if got, err := readMessage(nc); err != nil || !strings.HasPrefix(got, "HTTP/1.1 "+status) {
						t.Errorf("panic in %s: got %q, %v, want status %s", place, got, err, status)
						return
					}
				}
			})
		}
		all.Wait()
	})
}

// readMessage reads one response whose length is declared.
func readMessage(nc io.Reader) (string, error) {
	var got []byte
	one := make([]byte, 1)
	for !bytes.HasSuffix(got, []byte("\r\n\r\n")) {
		if _, err := nc.Read(one); err != nil {
			return string(got), err
		}
		got = append(got, one[0])
	}
	length := 0
	if _, after, ok := strings.Cut(string(got), "Content-Length: "); ok {
		fmt.Sscan(after, &length)
	}
	body := make([]byte, length)
	_, err := io.ReadFull(nc, body)
	return string(got) + string(body), err
}

func TestAHandlerThatCallsGoexitTakesNobodyAlong(t *testing.T) {
	ours(t, func(t *testing.T, d hyperlanetest.Driver) {
		c := d.Serve(t, hyperlane.Config{}, func(s *hyperlane.Server) {
			s.Get("/exit", func(*hyperlane.Context) error { runtime.Goexit(); return nil })
			s.Get("/ok", func(c *hyperlane.Context) error { return c.Text("ok") })
		})
		other := c.Dial()
		write(t, other, "GET /ok HTTP/1.1\r\nHost: x\r\n\r\n")
		readUntil(t, other, "ok")
		for range 3 * runtime.GOMAXPROCS(0) { // more than there are loops
			nc := c.Dial()
			write(t, nc, "GET /exit HTTP/1.1\r\nHost: x\r\n\r\n")
			if got, _ := io.ReadAll(nc); len(got) > 0 {
				t.Errorf("got %q from a handler that has exited", got)
			}
		}
		write(t, other, "GET /ok HTTP/1.1\r\nHost: x\r\n\r\n")
		readUntil(t, other, "\r\n\r\nok")
		c.Get("/ok").Body("ok")
	})
}
