package hyperlane_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hyperlane-go/hyperlane"
	"github.com/hyperlane-go/hyperlane/hyperlanetest"
)

// lines is a protocol: each line is answered in capitals, "bye" ends it.
type lines struct {
	t        *testing.T
	conns    chan *hyperlane.Conn // gets the connection when it is opened
	drained  chan struct{}
	closed   chan error
	receives atomic.Int32 // under way
}

func newLines(t *testing.T) *lines {
	return &lines{t: t, conns: make(chan *hyperlane.Conn, 1), drained: make(chan struct{}, 10), closed: make(chan error, 10)}
}

func (l *lines) Opened(conn *hyperlane.Conn) { l.conns <- conn }

func (l *lines) Hangup(*hyperlane.Conn) {}

func (l *lines) Receive(conn *hyperlane.Conn, in []byte) (used int, err error) {
	if l.receives.Add(1) != 1 {
		l.t.Error("two calls of Receive overlap")
	}
	defer l.receives.Add(-1)
	for {
		line, _, ok := bytes.Cut(in[used:], []byte("\n"))
		if !ok {
			return used, nil
		}
		used += len(line) + 1
		switch string(line) {
		case "bye":
			conn.Send([]byte("BYE\n"))
			return used, io.EOF
		case "fail":
			return used, errors.New("the protocol has failed")
		case "panic":
			panic("in a protocol")
		}
		if err := conn.Send(append(bytes.ToUpper(line), '\n')); err != nil {
			l.t.Errorf("Send: %v", err)
		}
	}
}

func (l *lines) Drain(conn *hyperlane.Conn) {
	conn.Send([]byte("GOING AWAY\n"))
	l.drained <- struct{}{}
}

func (l *lines) Closed(_ *hyperlane.Conn, err error) { l.closed <- err }

const askForLines = "GET /lines HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: lines\r\n\r\n"

// upgradeEach serves one connection with lines on every driver; nc has seen 101.
func upgradeEach(t *testing.T, test func(t *testing.T, c *hyperlanetest.Client, l *lines, nc net.Conn)) {
	hyperlanetest.Each(t, func(t *testing.T, d hyperlanetest.Driver) {
		l := newLines(t)
		c := d.Serve(t, hyperlane.Config{}, func(s *hyperlane.Server) {
			s.Get("/lines", func(c *hyperlane.Context) error {
				c.Response.SetHeader("X-Name", "kept")
				return c.Upgrade("lines", l)
			})
			s.OnResponse(func(c *hyperlane.Context) error { c.Response.SetHeader("X-Phase", "1"); return nil })
		})
		nc := c.Dial()
		write(t, nc, askForLines+"early\nhal") // and has not waited for it
		head := readUntil(t, nc, "\r\n\r\n")
		for _, want := range []string{"HTTP/1.1 101 ", "Upgrade: lines\r\n", "Connection: Upgrade\r\n", "X-Name: kept\r\n", "X-Phase: 1\r\n"} {
			contains(t, head, want)
		}
		if strings.Contains(head, "Content-Length") || strings.Contains(head, "Transfer-Encoding") {
			t.Errorf("got %q, want no framing", head)
		}
		readUntil(t, nc, "EARLY\n")
		test(t, c, l, nc)
	})
}

func TestAnUpgradedConnectionBelongsToItsProtocol(t *testing.T) {
	upgradeEach(t, func(t *testing.T, c *hyperlanetest.Client, l *lines, nc net.Conn) {
		write(t, nc, "f\nsecond\nthird\n")
		readUntil(t, nc, "HALF\nSECOND\nTHIRD\n")
		long := strings.Repeat("x", 200_000)
		go io.WriteString(nc, long+"\n")
		got := make([]byte, len(long)+1)
		if _, err := io.ReadFull(nc, got); err != nil || string(got) != strings.ToUpper(long)+"\n" {
			t.Fatalf("got other bytes, or %v, for a line of %d", err, len(long))
		}
		if got := (<-l.conns).RemoteAddr(); got == nil {
			t.Error("got no remote address")
		}
		write(t, nc, "bye\nnot read\n")
		if got, _ := io.ReadAll(nc); string(got) != "BYE\n" {
			t.Errorf("got %q, want the last word and the end", got)
		}
		if err := await(t, l.closed, "Closed"); err != nil {
			t.Errorf("got %v from an orderly end", err)
		}
	})
}

func TestAProtocolIsToldHowItsConnectionHasEnded(t *testing.T) {
	for name, test := range map[string]struct {
		end     func(t *testing.T, l *lines, nc net.Conn)
		orderly bool
	}{
		"the client closes": {func(t *testing.T, l *lines, nc net.Conn) { nc.Close() }, true},
		"an error":          {func(t *testing.T, l *lines, nc net.Conn) { write(t, nc, "\nfail\n") }, false},
		"a panic":           {func(t *testing.T, l *lines, nc net.Conn) { write(t, nc, "\npanic\n") }, false},
		"Close":             {func(t *testing.T, l *lines, nc net.Conn) { (<-l.conns).Close() }, false},
	} {
		t.Run(name, func(t *testing.T) {
			upgradeEach(t, func(t *testing.T, c *hyperlanetest.Client, l *lines, nc net.Conn) {
				test.end(t, l, nc)
				if err := await(t, l.closed, "Closed"); test.orderly != (err == nil) {
					t.Errorf("got %v, want an orderly end: %t", err, test.orderly)
				}
				if test.orderly {
					if err := (<-l.conns).Send([]byte("x")); err == nil {
						t.Error("got no error from Send after the end")
					}
				}
				select {
				case err := <-l.closed:
					t.Errorf("got a second call of Closed, with %v", err)
				default:
				}
				c.Get("/nowhere").Status(404)
			})
		})
	}
}

func TestManyGoroutinesMaySendAtOnce(t *testing.T) {
	upgradeEach(t, func(t *testing.T, c *hyperlanetest.Client, l *lines, nc net.Conn) {
		conn := <-l.conns
		const senders, each = 8, 200
		var all sync.WaitGroup
		for i := range senders {
			all.Go(func() {
				for j := range each {
					if err := conn.Send(fmt.Appendf(nil, "%d %d %s\n", i, j, strings.Repeat("x", j))); err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
		next := make([]int, senders) // of each sender, in its order
		for range senders * each {
			line := readUntil(t, nc, "\n")
			var i, j int
			var pad string
			fmt.Sscan(line, &i, &j, &pad)
			if i >= senders || j != next[i] || len(pad) != j {
				t.Fatalf("got %q, want number %d of a sender", line, next[min(i, senders-1)])
			}
			next[i]++
		}
		all.Wait()
	})
}

// What waits for a peer is bounded by Config.Limits.Outbox.
func TestASendToAPeerThatDoesNotReadFails(t *testing.T) {
	upgradeEach(t, func(t *testing.T, c *hyperlanetest.Client, l *lines, nc net.Conn) {
		conn := <-l.conns
		piece := make([]byte, 64<<10)
		sent := 0
		for end := time.Now().Add(patience); ; sent += len(piece) {
			if conn.Send(piece) != nil {
				break
			}
			if time.Now().After(end) || sent > 1<<30 {
				t.Fatalf("got no error after %d bytes that nobody reads", sent)
			}
		}
	})
}

func TestAShutdownTellsAProtocolToSayGoodbye(t *testing.T) {
	upgradeEach(t, func(t *testing.T, c *hyperlanetest.Client, l *lines, nc net.Conn) {
		ended := make(chan error, 1)
		go func() { ended <- c.Shutdown(context.Background()) }()
		await(t, l.drained, "Drain")
		readUntil(t, nc, "GOING AWAY\n")
		write(t, nc, "\nlast words\nbye\n")
		readUntil(t, nc, "LAST WORDS\nBYE\n")
		if err := await(t, ended, "the end of the shutdown"); err != nil {
			t.Error(err)
		}
		if err := await(t, l.closed, "Closed"); err != nil {
			t.Errorf("got %v from an orderly end", err)
		}
		if len(l.drained) > 0 {
			t.Error("Drain was called twice")
		}
	})
}

// listener is a protocol whose Opened waits for the end of its peer.
type listener struct {
	lines
	hungup chan struct{}
}

func (l *listener) Opened(conn *hyperlane.Conn) {
	select {
	case <-l.hungup:
	case <-time.After(patience):
		l.t.Error("Opened is not told that its peer had gone before")
	}
	l.lines.Opened(conn)
}

func (l *listener) Hangup(*hyperlane.Conn) { l.hungup <- struct{}{} }

func TestAHangupBeforeTheUpgradeIsToldToOpened(t *testing.T) {
	ours(t, func(t *testing.T, d hyperlanetest.Driver) {
		l := &listener{hungup: make(chan struct{}, 10)}
		l.lines = lines{t: t, conns: make(chan *hyperlane.Conn, 1), drained: make(chan struct{}, 10), closed: make(chan error, 10)}
		inside := make(chan struct{})
		c := d.Serve(t, hyperlane.Config{}, func(s *hyperlane.Server) {
			s.Get("/lines", func(c *hyperlane.Context) error {
				ctx := c.Context()
				ctx.Done()
				close(inside)
				await(t, ctx.Done(), "the end of the client, in the handler")
				return c.Upgrade("lines", l)
			})
		})
		nc := c.Dial()
		write(t, nc, askForLines)
		await(t, inside, "the handler")
		halfClose(t, nc)
		await(t, l.conns, "the end of Opened")
		await(t, l.closed, "Closed")
		if n := len(l.hungup); n > 0 {
			t.Errorf("Opened is told %d times too often", n)
		}
	})
}

// A shutdown may tell the connection while it changes hands.
func TestAShutdownReachesAProtocolThatIsJustTakingOver(t *testing.T) {
	ours(t, func(t *testing.T, d hyperlanetest.Driver) {
		const connections = 8
		var protocols [connections]*lines
		var inside sync.WaitGroup
		inside.Add(connections)
		c := d.Serve(t, hyperlane.Config{}, func(s *hyperlane.Server) {
			for i := range protocols {
				protocols[i] = newLines(t)
				s.Get(fmt.Sprintf("/lines/%d", i), func(c *hyperlane.Context) error {
					inside.Done()
					<-c.Server().Draining().Done()
					return c.Upgrade("lines", protocols[i])
				})
			}
		})
		var open [connections]net.Conn
		for i := range open {
			open[i] = c.Dial()
			write(t, open[i], strings.Replace(askForLines, "/lines", fmt.Sprintf("/lines/%d", i), 1))
		}
		inside.Wait()
		down := make(chan error, 1)
		go func() { down <- c.Shutdown(context.Background()) }()
		for i, nc := range open {
			readUntil(t, nc, "GOING AWAY\n")
			write(t, nc, "bye\n")
			readUntil(t, nc, "BYE\n")
			nc.Close()
			await(t, protocols[i].closed, "Closed")
			if n := len(protocols[i].drained); n != 1 {
				t.Errorf("Drain was called %d times, want 1", n)
			}
		}
		if err := await(t, down, "the end of the shutdown"); err != nil {
			t.Error(err)
		}
	})
}

func TestAnUpgradeThatIsNotAskedForOrRefusedIsAnswered(t *testing.T) {
	hyperlanetest.Each(t, func(t *testing.T, d hyperlanetest.Driver) {
		l := newLines(t)
		c := d.Serve(t, hyperlane.Config{}, func(s *hyperlane.Server) {
			s.OnUpgrade(func(c *hyperlane.Context) error {
				if c.Query("refuse") != "" {
					return hyperlane.Errorf(403, "not you")
				}
				return nil
			})
			s.Get("/lines", func(c *hyperlane.Context) error { return c.Upgrade("lines", l) })
			s.Get("/replaced", func(c *hyperlane.Context) error {
				if err := c.Upgrade("lines", l); err != nil {
					return err
				}
				return hyperlane.Errorf(409, "on second thoughts")
			})
		})
		c.Get("/lines").Problem(426, "this resource speaks lines").Header("Upgrade", "lines").Header("Connection", "Upgrade")
		c.Request("GET", "/lines").Header("Connection", "Upgrade").Header("Upgrade", "other").Send().Problem(426, "this resource speaks lines")
		for target, want := range map[string]string{"/lines?refuse=1": "HTTP/1.1 403 ", "/replaced": "HTTP/1.1 409 "} {
			nc := c.Dial()
			write(t, nc, strings.Replace(askForLines, "/lines", target, 1))
			got, err := readMessage(nc)
			if err != nil || !strings.HasPrefix(got, want) {
				t.Errorf("%s: got %q, %v, want %s", target, got, err, want)
			}
			write(t, nc, "GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n") // it still speaks HTTP
			if got, err := readMessage(nc); err != nil || !strings.HasPrefix(got, "HTTP/1.1 404") {
				t.Errorf("%s: got %q, %v, for the next request", target, got, err)
			}
		}
	})
}

func TestABodyIsNeverTakenForTheNewProtocol(t *testing.T) {
	ask := strings.TrimSuffix(askForLines, "\r\n")
	hyperlanetest.Each(t, func(t *testing.T, d hyperlanetest.Driver) {
		l := newLines(t)
		c := d.Serve(t, hyperlane.Config{}, func(s *hyperlane.Server) {
			s.Get("/lines", func(c *hyperlane.Context) error { return c.Upgrade("lines", l) })
		})
		for name, rest := range map[string]string{
			"with the head":        "Content-Length: 9\r\n\r\nsmuggled\n",
			"large":                "Content-Length: 3000000\r\n\r\nsmuggled\n",
			"chunked":              "Transfer-Encoding: chunked\r\n\r\n9\r\nsmuggled\n\r\n0\r\n\r\n",
			"chunked, and to come": "Transfer-Encoding: chunked\r\n\r\n",
			"waits for 100":        "Expect: 100-continue\r\nContent-Length: 9\r\n\r\n",
		} {
			if d == hyperlanetest.NetHTTP && name == "chunked, and to come" {
				continue // net/http waits for it before it answers
			}
			nc := c.Dial()
			write(t, nc, ask+rest)
			if got, err := readMessage(nc); err != nil || !strings.HasPrefix(got, "HTTP/1.1 400 ") || strings.Contains(got, "SMUGGLED") {
				t.Errorf("%s: got %q, %v, want 400", name, got, err)
			}
			nc.Close()
		}
		nc := c.Dial()
		write(t, nc, ask+"Content-Length: 0\r\n\r\n")
		readUntil(t, nc, "HTTP/1.1 101 ")
	})
}

// gone is a connection of net/http whose peer has gone before it could be answered.
type gone struct {
	http.ResponseWriter
	net.Conn
	closed chan struct{}
}

func (g gone) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return g, bufio.NewReadWriter(bufio.NewReader(g), bufio.NewWriter(g)), nil
}
func (gone) Write([]byte) (int, error) { return 0, net.ErrClosed }
func (g gone) Close() error            { close(g.closed); return g.Conn.Close() }

func TestAConnectionOfNetHTTPThatCannotBeToldOfItsUpgradeIsClosed(t *testing.T) {
	l := newLines(t)
	s := hyperlane.New(hyperlane.Config{})
	s.Get("/lines", func(c *hyperlane.Context) error { return c.Upgrade("lines", l) })
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(askForLines)))
	if err != nil {
		t.Fatal(err)
	}
	mine, theirs := net.Pipe()
	defer theirs.Close()
	g := gone{httptest.NewRecorder(), mine, make(chan struct{})}
	func() {
		defer func() { recover() }() // the connection is broken off: see http.ErrAbortHandler
		s.ServeHTTP(g, r)
	}()
	await(t, g.closed, "the end of the connection")
	if len(l.conns) > 0 {
		t.Error("the protocol has begun")
	}
}

func TestAHijackedConnectionBelongsToItsHandler(t *testing.T) {
	hyperlanetest.Each(t, func(t *testing.T, d hyperlanetest.Driver) {
		taken := make(chan net.Conn, 1)
		finished := make(chan struct{}, 1)
		c := d.Serve(t, hyperlane.Config{}, func(s *hyperlane.Server) {
			s.Get("/hijack", func(c *hyperlane.Context) error {
				nc, err := c.Hijack()
				if err != nil {
					return err
				}
				if _, err := c.Hijack(); err == nil {
					t.Error("got one connection twice")
				}
				taken <- nc
				return errors.New("has no one to go to")
			})
			s.Get("/late", func(c *hyperlane.Context) error {
				return c.Stream(func(w *hyperlane.Stream) error {
					w.Flush()
					if _, err := c.Hijack(); err == nil {
						t.Error("got a connection whose response has begun")
					}
					return nil
				})
			})
			s.OnFinish(func(*hyperlane.Context) { finished <- struct{}{} })
		})
		nc := c.Dial()
		write(t, nc, "GET /hijack HTTP/1.1\r\nHost: x\r\n\r\nearly ")
		mine := await(t, taken, "the connection")
		await(t, finished, "the finish hook")
		defer mine.Close()
		mine.SetDeadline(time.Now().Add(patience))
		write(t, nc, "late.")
		readUntil(t, mine, "early late.")
		write(t, mine, "whatever I want")
		mine.Close()
		if got := readAll(t, nc); got != "whatever I want" {
			t.Errorf("got %q, want only what the handler wrote", got)
		}
		if d != hyperlanetest.NetHTTP { // which lets go of it even then
			c.Get("/late").Status(200)
			await(t, finished, "the finish hook")
		}
	})
}
