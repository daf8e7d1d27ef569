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
	for name, served := range map[string]func(nc net.Conn) bool{
		"HTTP/1.1": func(nc net.Conn) bool {
			io.WriteString(nc, "GET /next HTTP/1.1\r\nHost: x\r\n\r\n")
			got, _ := readMessage(nc)
			return strings.HasSuffix(got, "next")
		},
		"HTTP/2": func(nc net.Conn) bool {
			const settings = 4 // RFC 9113 section 6.5: type of the first frame of either side
			io.WriteString(nc, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00")
			var head [9]byte
			_, err := io.ReadFull(nc, head[:])
			return err == nil && head[3] == settings
		},
	} {
		t.Run(name, func(t *testing.T) {
			ours(t, func(t *testing.T, d hyperlanetest.Driver) {
				c := d.Serve(t, hyperlane.Config{MaxConns: 2}, fillBodies)
				open := []net.Conn{c.Dial(), c.Dial()}
				for _, nc := range open {
					if !served(nc) {
						t.Fatal("a connection within the limit is not served")
					}
				}
				for range 3 {
					if got := readAll(t, c.Dial()); !strings.HasPrefix(got, "HTTP/1.1 503 ") {
						t.Errorf("got %q on a connection too many, want 503", got)
					}
				}
				open[0].Close()
				eventually(t, "the place of a connection that was closed is free", func() bool {
					nc := c.Dial()
					if served(nc) {
						return true
					}
					nc.Close()
					return false
				})
			})
		})
	}
}
