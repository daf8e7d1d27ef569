package hyperlane_test

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/hyperlane-go/hyperlane"
	"github.com/hyperlane-go/hyperlane/hyperlanetest"
)

func TestPipelinedRequestsAreAnsweredInOrder(t *testing.T) {
	each(t, hyperlane.Config{}, func(s *hyperlane.Server) {
		fillBodies(s)
		s.Get("/n/{n}", func(c *hyperlane.Context) error { return c.Text("<" + c.Param("n") + ">") })
		s.Get("/slow/{n}", func(c *hyperlane.Context) error {
			select {
			case <-time.After(5 * time.Millisecond): // so that the others could overtake
			case <-c.Context().Done():
			}
			return c.Text("<" + c.Param("n") + ">")
		})
	}, func(t *testing.T, c *hyperlanetest.Client) {
		var ask, want strings.Builder
		for i := range 200 {
			switch i % 5 {
			case 0:
				fmt.Fprintf(&ask, "GET /slow/%d HTTP/1.1\r\nHost: x\r\n\r\n", i)
			case 1:
				fmt.Fprintf(&ask, "POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n<%d>", len(fmt.Sprintf("<%d>", i)), i)
			case 2:
				fmt.Fprintf(&ask, "POST /reader HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n<\r\n%x\r\n%d>\r\n0\r\n\r\n", len(fmt.Sprint(i))+1, i)
			default:
				fmt.Fprintf(&ask, "GET /n/%d HTTP/1.1\r\nHost: x\r\n\r\n", i)
			}
			fmt.Fprintf(&want, "<%d>", i)
		}
		nc := c.Dial()
		go io.WriteString(nc, ask.String())
		var got strings.Builder
		for range 200 {
			answer, err := readMessage(nc)
			if err != nil {
				t.Fatalf("after %q: got %q, %v", got.String(), answer, err)
			}
			_, body, _ := strings.Cut(answer, "\r\n\r\n")
			got.WriteString(body)
		}
		if got.String() != want.String() {
			t.Errorf("got %s, want %s", got.String(), want.String())
		}
	})
}

func TestAConnectionStaysOpenAsItsClientWishes(t *testing.T) {
	each(t, hyperlane.Config{}, fillBodies, func(t *testing.T, c *hyperlanetest.Client) {
		for _, test := range []struct {
			version, connection string
			stays               bool
		}{
			{"1.1", "", true},
			{"1.1", "keep-alive", true},
			{"1.1", "close", false},
			{"1.1", "foo, Close", false},
			{"1.0", "", false},
			{"1.0", "keep-alive", true},
		} {
			nc := c.Dial()
			ask := "GET /next HTTP/" + test.version + "\r\nHost: x\r\n"
			if test.connection != "" {
				ask += "Connection: " + test.connection + "\r\n"
			}
			write(t, nc, ask+"\r\n")
			got, err := readMessage(nc)
			if err != nil {
				t.Fatal(err)
			}
			if says := strings.Contains(got, "Connection: close\r\n"); !strings.HasSuffix(got, "next") || says == test.stays && test.version == "1.1" {
				t.Errorf("%v: got %q", test, got)
			}
			if !test.stays {
				if rest := readAll(t, nc); rest != "" {
					t.Errorf("%v: got %q behind the last answer", test, rest)
				}
				continue
			}
			write(t, nc, ask+"\r\n")
			if got, err := readMessage(nc); err != nil || !strings.HasSuffix(got, "next") {
				t.Errorf("%v: got %q, %v, for a second request", test, got, err)
			}
			nc.Close()
		}
	})
}

func TestAConnectionThatIdlesForTooLongIsClosed(t *testing.T) {
	ours(t, func(t *testing.T, d hyperlanetest.Driver) {
		c := d.Serve(t, hyperlane.Config{IdleTimeout: 150 * time.Millisecond, HeadTimeout: 150 * time.Millisecond}, fillBodies)
		nc := c.Dial()
		write(t, nc, "GET /next HTTP/1.1\r\nHost: x\r\n\r\n")
		if _, err := readMessage(nc); err != nil {
			t.Fatal(err)
		}
		if rest := readAll(t, nc); rest != "" { // without a word
			t.Errorf("got %q on an idle connection", rest)
		}
		if rest := readAll(t, c.Dial()); rest != "" && !strings.HasPrefix(rest, "HTTP/1.1 408 ") {
			t.Errorf("got %q on a connection that never said a word", rest)
		}
	})
}

// A client that does not know yet that this answer is the last of its connection may have sent its next request: closing at once would
// reset the connection, and what of the answer is on its way would be lost (RFC 9112 section 9.6).
func TestTheLastAnswerIsNotLostToTheNextRequest(t *testing.T) {
	hyperlanetest.Each(t, func(t *testing.T, d hyperlanetest.Driver) {
		if d == hyperlanetest.NetHTTP {
			return // net/http closes at once
		}
		last := strings.Repeat("the last answer ", 16<<10)
		c := d.Serve(t, hyperlane.Config{}, func(s *hyperlane.Server) {
			s.Get("/last", func(c *hyperlane.Context) error {
				c.Response.SetHeader("Connection", "close")
				return c.Text(last)
			})
		})
		for range 20 {
			nc := c.Dial()
			write(t, nc, "GET /last HTTP/1.1\r\nHost: x\r\n\r\n")
			readUntil(t, nc, "\r\n\r\n")
			io.WriteString(nc, "GET /last HTTP/1.1\r\nHost: x\r\n\r\n")
			if got := readAll(t, nc); got != last {
				t.Fatalf("got %d bytes of %d", len(got), len(last))
			}
		}
	})
}
