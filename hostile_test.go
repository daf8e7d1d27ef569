package hyperlane_test

import (
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hyperlane-go/hyperlane"
	"github.com/hyperlane-go/hyperlane/hyperlanetest"
)

func TestARequestMayComeByteByByte(t *testing.T) {
	each(t, hyperlane.Config{}, fillBodies, func(t *testing.T, c *hyperlanetest.Client) {
		nc := c.Dial()
		const ask = "POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello" +
			"POST /body HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"
		for i := range ask {
			write(t, nc, ask[i:i+1])
		}
		for range 2 {
			got, err := readMessage(nc)
			if err != nil || !strings.HasPrefix(got, "HTTP/1.1 200") || !strings.HasSuffix(got, "\r\n\r\nhello") {
				t.Fatalf("got %q, %v", got, err)
			}
		}
	})
}

func TestAHeadThatTricklesInIsRefusedInTime(t *testing.T) {
	ours(t, func(t *testing.T, d hyperlanetest.Driver) {
		c := d.Serve(t, hyperlane.Config{HeadTimeout: 300 * time.Millisecond}, fillBodies)
		nc := c.Dial()
		ended := make(chan struct{})
		go func() { // one field after the other, for ever
			defer close(ended)
			io.WriteString(nc, "GET /next HTTP/1.1\r\nHost: x\r\n")
			for tick := time.NewTicker(20 * time.Millisecond); ; <-tick.C {
				if _, err := io.WriteString(nc, "X: y\r\n"); err != nil {
					tick.Stop()
					return
				}
			}
		}()
		got, _ := io.ReadAll(nc)
		nc.Close()
		if !strings.HasPrefix(string(got), "HTTP/1.1 408 ") {
			t.Errorf("got %q, want 408", got)
		}
		await(t, ended, "the end of the connection")
	})
}

func TestAThousandSilentConnectionsHoldNobodyUp(t *testing.T) {
	each(t, hyperlane.Config{}, fillBodies, func(t *testing.T, c *hyperlanetest.Client) {
		for i := range 1000 {
			nc := c.Dial()
			if i%2 == 0 {
				io.WriteString(nc, "GET /next HTTP/1.1\r\nHo")
			}
		}
		c.Get("/next").Body("next")
	})
}

func TestClientsThatVanishAtAnyMomentDoNoHarm(t *testing.T) {
	each(t, hyperlane.Config{}, func(s *hyperlane.Server) {
		fillBodies(s)
		s.Get("/big", func(c *hyperlane.Context) error { return c.Bytes("a/b", make([]byte, 1<<20)) })
	}, func(t *testing.T, c *hyperlanetest.Client) {
		asks := []string{
			"", "G", "GET /next HTTP/1.1\r\nHost: x\r\n", "GET /next HTTP/1.1\r\nHost: x\r\n\r\n", "GET /big HTTP/1.1\r\nHost: x\r\n\r\n",
			"POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf", "POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\nhalf",
			"POST /body HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nha", "\x16\x03\x01\x02\x00\x01\x00", "GET / HTTP/9.9\r\n\r\n",
		}
		ends := []func(net.Conn){func(nc net.Conn) { nc.Close() }, reset, func(nc net.Conn) {
			nc.Read(make([]byte, 1))
			reset(nc)
		}}
		var all sync.WaitGroup
		for _, ask := range asks {
			for i, end := range ends {
				if i == 2 && !strings.HasSuffix(ask, "\r\n\r\n") {
					continue // nothing would come
				}
				for range 5 {
					all.Go(func() {
						nc := c.Dial()
						io.WriteString(nc, ask)
						end(nc)
					})
				}
			}
		}
		all.Wait()
		c.Get("/next").Body("next")
	})
}

func TestMoreConnectionsThanAllowedAreToldSo(t *testing.T) {
	ours(t, func(t *testing.T, d hyperlanetest.Driver) {
		c := d.Serve(t, hyperlane.Config{MaxConns: 2}, fillBodies)
		var open []net.Conn
		for range 2 {
			nc := c.Dial()
			write(t, nc, "GET /next HTTP/1.1\r\nHost: x\r\n\r\n")
			if _, err := readMessage(nc); err != nil {
				t.Fatal(err)
			}
			open = append(open, nc)
		}
		if got := readAll(t, c.Dial()); !strings.HasPrefix(got, "HTTP/1.1 503 ") {
			t.Errorf("got %q on a connection too many, want 503", got)
		}
		open[0].Close()
		for end := time.Now().Add(patience); ; { // until the server has noticed
			nc := c.Dial()
			io.WriteString(nc, "GET /next HTTP/1.1\r\nHost: x\r\n\r\n")
			got, _ := readMessage(nc)
			if strings.HasSuffix(got, "next") {
				break
			}
			nc.Close()
			if time.Now().After(end) {
				t.Fatalf("got %q after one of two connections was closed", got)
			}
		}
	})
}
