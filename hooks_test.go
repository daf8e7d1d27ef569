package hyperlane_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/hyperlane-go/hyperlane"
	"github.com/hyperlane-go/hyperlane/hyperlanetest"
)

// ours are the drivers that accept connections themselves: what is said of connections does not hold behind net/http.
func ours(t *testing.T, test func(*testing.T, hyperlanetest.Driver)) {
	hyperlanetest.Each(t, func(t *testing.T, d hyperlanetest.Driver) {
		if d == hyperlanetest.NetHTTP {
			t.Skip("net/http has accepted the connection")
		}
		test(t, d)
	})
}

func TestAConnectHookSeesEachConnectionOnceAndMayRefuseIt(t *testing.T) {
	ours(t, func(t *testing.T, d hyperlanetest.Driver) {
		var refuse atomic.Bool
		connected := make(chan net.Addr, 10)
		var book logbook
		c := d.Serve(t, hyperlane.Config{Logger: book.logger()}, func(s *hyperlane.Server) {
			s.OnConnect(func(remote net.Addr) error {
				if refuse.Load() {
					return errors.New("not today")
				}
				return nil
			})
			s.OnConnect(func(remote net.Addr) error { connected <- remote; return nil })
			s.Get("/", func(c *hyperlane.Context) error { return c.Text(c.Request.RemoteAddr().String()) })
		})
		for range 2 {
			nc := c.Dial()
			for range 2 {
				write(t, nc, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
				readUntil(t, nc, "\r\n\r\n")
			}
			await(t, connected, "the connect hook")
		}
		if len(connected) > 0 {
			t.Errorf("got %d connections more than there were", len(connected))
		}
		refuse.Store(true)
		nc := c.Dial()
		io.WriteString(nc, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		if got, _ := io.ReadAll(nc); len(got) > 0 {
			t.Errorf("got %q on a refused connection, want nothing", got)
		}
		if len(connected) > 0 {
			t.Error("the second hook was asked after the first had refused")
		}
		contains(t, book.String(), "refused", "not today")
	})
}

func TestAnErrorHookMayAnswerInsteadOfTheServer(t *testing.T) {
	each(t, hyperlane.Config{}, func(s *hyperlane.Server) {
		s.OnError(func(c *hyperlane.Context, err error) error {
			switch c.Query("hook") {
			case "answer":
				return c.Status(299).Text("instead of: " + err.Error())
			case "pass":
				return err
			case "panic":
				panic("the hook, too")
			}
			return err
		})
		s.OnError(func(c *hyperlane.Context, err error) error {
			c.Response.SetHeader("Second", err.Error())
			return err
		})
		s.Get("/", func(c *hyperlane.Context) error { return hyperlane.Errorf(409, "busy") })
	}, func(t *testing.T, c *hyperlanetest.Client) {
		c.Get("/?hook=answer").Status(299).Body("instead of: 409 Conflict: busy").Header("Second", "")
		c.Get("/nowhere?hook=answer").Status(299).Body("instead of: 404 Not Found")
		c.Request("POST", "/?hook=answer").Send().Status(299).Header("Allow", "GET, HEAD, OPTIONS")
		c.Get("/?hook=pass").Problem(409, "busy").Header("Second", "409 Conflict: busy")
		c.Get("/?hook=panic").Problem(409, "busy").Header("Second", "409 Conflict: busy")
	})
}

func TestAPanicHookGetsTheValueTheStackAndTheRequest(t *testing.T) {
	hyperlanetest.Each(t, func(t *testing.T, d hyperlanetest.Driver) {
		told := make(chan string, 10)
		c := d.Serve(t, hyperlane.Config{}, func(s *hyperlane.Server) {
			s.OnPanic(func(c *hyperlane.Context, p *hyperlane.PanicError) {
				told <- fmt.Sprintf("%s: %v\n%s", c.Request.Path(), p.Value, p.Stack)
			})
			s.OnPanic(func(c *hyperlane.Context, p *hyperlane.PanicError) { panic("in the hook for panics") })
			s.Get("/boom", explode)
			s.Get("/wrapped", func(*hyperlane.Context) error { panic(fmt.Errorf("wrapped: %w", io.ErrUnexpectedEOF)) })
			s.OnError(func(c *hyperlane.Context, err error) error {
				var p *hyperlane.PanicError
				if !errors.As(err, &p) {
					t.Errorf("got %T as the error of a panic", err)
				}
				if errors.Is(err, io.ErrUnexpectedEOF) {
					return c.Status(299).Text("seen through")
				}
				return err
			})
		})
		c.Get("/boom").Problem(500, "")
		contains(t, await(t, told, "the panic hook"), "/boom: a value of any kind\n", "goroutine", "explode", "hooks_test.go")
		c.Get("/wrapped").Status(299).Body("seen through")
	})
}

func explode(*hyperlane.Context) error { panic("a value of any kind") }

func TestAFinishHookKnowsTheStatusAndTheSizeOfWhatHasLeft(t *testing.T) {
	hyperlanetest.Each(t, func(t *testing.T, d hyperlanetest.Driver) {
		finished := make(chan string, 10)
		c := d.Serve(t, hyperlane.Config{}, func(s *hyperlane.Server) {
			s.OnFinish(func(c *hyperlane.Context) { panic("one hook must not silence the next") })
			s.OnFinish(func(c *hyperlane.Context) {
				c.Response.SetStatus(599).SetHeader("Late", "1").SetBodyString("late")
				finished <- fmt.Sprint(c.Request.Path(), " ", c.Response.Status(), " ", c.Response.Size())
			})
			s.Get("/text", func(c *hyperlane.Context) error { return c.Status(201).Text("hello") })
			s.Get("/reader", func(c *hyperlane.Context) error {
				c.Response.SetBodyReader(strings.NewReader(strings.Repeat("x", 100_000)), 100_000)
				return nil
			})
			s.Get("/stream", func(c *hyperlane.Context) error {
				return c.Stream(func(w *hyperlane.Stream) error {
					for range 10 {
						if _, err := io.WriteString(w, strings.Repeat("x", 1000)); err != nil {
							return err
						}
					}
					return nil
				})
			})
			s.Get("/short", func(c *hyperlane.Context) error {
				c.Response.SetBodyReader(strings.NewReader("12345"), 10)
				return nil
			})
		})
		for _, test := range []struct{ method, target, want string }{
			{"GET", "/text", "/text 201 5"},
			{"HEAD", "/text", "/text 201 0"},
			{"GET", "/reader", "/reader 200 100000"},
			{"GET", "/stream", "/stream 200 10000"},
		} {
			c.Request(test.method, test.target).Send().Header("Late", "")
			if got := await(t, finished, "the finish hook"); got != test.want {
				t.Errorf("%s %s: got %q, want %q", test.method, test.target, got, test.want)
			}
		}
		c.Get("/nowhere").Status(404)
		contains(t, await(t, finished, "the finish hook"), "/nowhere 404 ")
		nc := c.Dial()
		write(t, nc, "GET /short HTTP/1.1\r\nHost: x\r\n\r\n")
		io.ReadAll(nc)
		if got, want := await(t, finished, "the finish hook of a broken response"), "/short 200 5"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

func TestAFinishHookThatBlocksHoldsUpNobodyElse(t *testing.T) {
	hyperlanetest.Each(t, func(t *testing.T, d hyperlanetest.Driver) {
		inside, leave := make(chan struct{}), make(chan struct{})
		c := d.Serve(t, hyperlane.Config{Loops: 1}, func(s *hyperlane.Server) {
			s.OnFinish(func(c *hyperlane.Context) {
				if c.Request.Path() == "/slow" {
					inside <- struct{}{}
					<-leave
				}
			})
			s.Get("/{any}", func(c *hyperlane.Context) error { return c.Text("ok") })
		})
		defer close(leave)
		other := c.Dial()
		write(t, other, "GET /1 HTTP/1.1\r\nHost: x\r\n\r\n")
		readUntil(t, other, "\r\n\r\nok")
		slow := c.Dial()
		write(t, slow, "GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
		await(t, inside, "the finish hook")
		for range 2 {
			write(t, other, "GET /2 HTTP/1.1\r\nHost: x\r\n\r\n")
			readUntil(t, other, "\r\n\r\nok")
		}
		leave <- struct{}{}
		readUntil(t, slow, "\r\n\r\nok")
		write(t, slow, "GET /3 HTTP/1.1\r\nHost: x\r\n\r\n")
		readUntil(t, slow, "\r\n\r\nok")
	})
}

func TestAShutdownHookRunsOnceBeforeTheServerStopsAccepting(t *testing.T) {
	ours(t, func(t *testing.T, d hyperlanetest.Driver) {
		var c *hyperlanetest.Client
		var times atomic.Int32
		ready := make(chan bool, 2)
		c = d.Serve(t, hyperlane.Config{}, func(s *hyperlane.Server) {
			s.OnShutdown(func() {
				times.Add(1)
				ready <- s.Ready()
				c.Get("/").Status(200)
			})
			s.Get("/", func(c *hyperlane.Context) error { return nil })
		})
		c.Get("/")
		if !c.Server().Ready() {
			t.Error("got not ready from a server that serves")
		}
		for range 2 {
			if err := c.Shutdown(context.Background()); err != nil {
				t.Error(err)
			}
		}
		if await(t, ready, "the shutdown hook") {
			t.Error("got ready from a server that shuts down")
		}
		if n := times.Load(); n != 1 {
			t.Errorf("got %d calls of the shutdown hook, want 1", n)
		}
	})
}
