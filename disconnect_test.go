package hyperlane_test

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hyperlane-go/hyperlane"
	"github.com/hyperlane-go/hyperlane/hyperlanetest"
)

// halfClose ends the sending side of nc.
func halfClose(t *testing.T, nc net.Conn) {
	t.Helper()
	half, ok := nc.(interface{ CloseWrite() error })
	if !ok {
		t.Fatalf("%T cannot be half closed", nc)
	}
	if err := half.CloseWrite(); err != nil {
		t.Fatal(err)
	}
}

// reset closes nc so that the peer gets a reset, where there is such a thing.
func reset(nc net.Conn) {
	if l, ok := nc.(interface{ SetLinger(int) error }); ok {
		l.SetLinger(0)
	}
	nc.Close()
}

func TestAClientThatGoesAwayEndsTheContextOfItsRequest(t *testing.T) {
	const get = "GET /wait HTTP/1.1\r\nHost: x\r\n\r\n"
	for _, test := range []struct {
		name string
		ask  string
		end  func(nc net.Conn)
	}{
		{"closes", get, func(nc net.Conn) { nc.Close() }},
		{"resets", get, reset},
		{"closes after a body", "POST /wait HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody", func(nc net.Conn) { nc.Close() }},
		{"closes after a body that is streamed", "POST /wait?read=1 HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n" +
			strings.Repeat("x", 100_000), func(nc net.Conn) { nc.Close() }},
	} {
		t.Run(test.name, func(t *testing.T) {
			hyperlanetest.Each(t, func(t *testing.T, d hyperlanetest.Driver) {
				waiting := make(chan struct{}, 1)
				cause := make(chan error, 1)
				c := d.Serve(t, hyperlane.Config{}, func(s *hyperlane.Server) {
					s.Any("/wait", func(c *hyperlane.Context) error {
						if c.Query("read") != "" || d == hyperlanetest.NetHTTP { // which watches the client once the body was read
							if _, err := io.Copy(io.Discard, c.Request.BodyReader()); err != nil {
								return err
							}
						}
						ctx := c.Context()
						if err := ctx.Err(); err != nil {
							t.Errorf("got %v from a context whose client is there", err)
						}
						waiting <- struct{}{}
						<-ctx.Done()
						cause <- context.Cause(ctx)
						return nil
					})
				})
				nc := c.Dial()
				write(t, nc, test.ask)
				await(t, waiting, "the handler")
				test.end(nc)
				got := await(t, cause, "the end of the context")
				if want := hyperlane.ErrDisconnected; !errors.Is(got, want) {
					t.Errorf("got cause %v, want %v", got, want)
				}
			})
		})
	}
}

// A client may say that it will send no more, and still wait for its answer (RFC 9112 section 9.6).
func TestAClientThatHalfClosesGetsItsAnswer(t *testing.T) {
	ours(t, func(t *testing.T, d hyperlanetest.Driver) {
		started, proceed := make(chan struct{}, 3), make(chan struct{}, 3)
		c := d.Serve(t, hyperlane.Config{}, func(s *hyperlane.Server) {
			s.Get("/fast", func(c *hyperlane.Context) error { return c.Text("fast") })
			s.Get("/slow", func(c *hyperlane.Context) error {
				started <- struct{}{}
				<-proceed
				return c.Text("slow")
			})
			s.Get("/watching", func(c *hyperlane.Context) error {
				done := c.Context().Done()
				started <- struct{}{}
				<-proceed
				<-done
				return c.Text("watching")
			})
		})
		for _, path := range []string{"/fast", "/slow", "/watching"} {
			nc := c.Dial()
			write(t, nc, "GET "+path+" HTTP/1.1\r\nHost: x\r\n\r\n")
			if path != "/fast" {
				await(t, started, "the handler")
			}
			halfClose(t, nc)
			proceed <- struct{}{}
			if path == "/fast" {
				<-proceed
			}
			if got := readAll(t, nc); !strings.HasPrefix(got, "HTTP/1.1 200 OK\r\n") || !strings.HasSuffix(got, "\r\n\r\n"+path[1:]) {
				t.Errorf("%s: got %q after a half-close, want the answer", path, got)
			}
		}
	})
}

func TestTheContextOfARequestEndsWithTheRequest(t *testing.T) {
	hyperlanetest.Each(t, func(t *testing.T, d hyperlanetest.Driver) {
		contexts := make(chan context.Context, 1)
		c := d.Serve(t, hyperlane.Config{}, func(s *hyperlane.Server) {
			s.Get("/{how}", func(c *hyperlane.Context) error {
				ctx := c.Context()
				if c.Param("how") == "watched" {
					ctx.Done()
				}
				if c.Context() != ctx {
					t.Error("got two contexts for one request")
				}
				contexts <- ctx
				return nil
			})
		})
		for _, how := range []string{"watched", "unwatched", "watched"} {
			c.Get("/" + how).Status(200)
			ctx := await(t, contexts, "a context")
			await(t, ctx.Done(), "the end of the context of a finished request")
			if got, want := context.Cause(ctx), hyperlane.ErrFinished; !errors.Is(got, want) {
				t.Errorf("%s: got cause %v, want %v", how, got, want)
			}
			if !errors.Is(ctx.Err(), context.Canceled) {
				t.Errorf("got %v, want %v", ctx.Err(), context.Canceled)
			}
		}
	})
}

// What the watch over a client reads is the next request, not the end.
func TestARequestThatComesWhileAHandlerWatchesItsClientIsServedNext(t *testing.T) {
	ours(t, func(t *testing.T, d hyperlanetest.Driver) {
		watching, proceed := make(chan struct{}), make(chan struct{})
		c := d.Serve(t, hyperlane.Config{}, func(s *hyperlane.Server) {
			s.Get("/first", func(c *hyperlane.Context) error {
				ctx := c.Context()
				ctx.Done()
				watching <- struct{}{}
				<-proceed
				if err := ctx.Err(); err != nil {
					return err
				}
				return c.Text("one")
			})
			s.Post("/second", func(c *hyperlane.Context) error {
				body, err := c.Request.Body()
				c.Context().Done()
				c.Response.SetHeader("Connection", "close").SetBody(body)
				return err
			})
		})
		nc := c.Dial()
		write(t, nc, "GET /first HTTP/1.1\r\nHost: x\r\n\r\n")
		await(t, watching, "the first handler")
		write(t, nc, "POST /second HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\ntwo")
		proceed <- struct{}{}
		contains(t, readAll(t, nc), "200 OK", "\r\n\r\none", "200 OK", "\r\n\r\ntwo")
	})
}

func TestARequestBehindABodyThatNobodyReadIsServedAlsoIfItsHandlerWatched(t *testing.T) {
	each(t, hyperlane.Config{Limits: hyperlane.Limits{BufferedBody: 1 << 10}}, func(s *hyperlane.Server) {
		s.Post("/", func(c *hyperlane.Context) error {
			c.Context().Done()
			return c.Text("first")
		})
		s.Get("/", func(c *hyperlane.Context) error { return c.Text("second") })
	}, func(t *testing.T, c *hyperlanetest.Client) {
		nc := c.Dial()
		for range 3 {
			write(t, nc, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 8192\r\n\r\n"+strings.Repeat("x", 8192))
			for _, want := range []string{"first", "second"} {
				if got, err := readMessage(nc); err != nil || !strings.HasSuffix(got, "\r\n\r\n"+want) {
					t.Fatalf("got %q, %v, want %q", got, err, want)
				}
				if want == "first" {
					write(t, nc, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
				}
			}
		}
	})
}

func TestWhoAsksForTheEndOfARequestDoesNotWaitForItsWriter(t *testing.T) {
	for _, limit := range []time.Duration{0, time.Hour} {
		hyperlanetest.Each(t, func(t *testing.T, d hyperlanetest.Driver) {
			told := make(chan struct{})
			config := hyperlane.Config{Limits: hyperlane.Limits{BufferedBody: 1 << 10}, HandlerTimeout: limit}
			c := d.Serve(t, config, func(s *hyperlane.Server) {
				s.Post("/", func(c *hyperlane.Context) error {
					ctx := c.Context()
					writes, written := make(chan struct{}), make(chan error)
					go func() {
						written <- c.Stream(func(w *hyperlane.Stream) error {
							close(writes)
							_, err := w.Write(make([]byte, 64<<20)) // more than the kernel takes
							return err
						})
					}()
					<-writes
					time.Sleep(10 * time.Millisecond) // it waits now, most likely
					ctx.Done()
					close(told)
					return <-written
				})
			})
			nc := c.Dial()
			write(t, nc, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 8192\r\n\r\n"+strings.Repeat("x", 4096))
			await(t, told, "the answer of Done")
			nc.Close()
		})
	}
}

// Nor is it an error of the server's that the log should tell of.
func TestAWriteToAClientThatHasGoneFails(t *testing.T) {
	hyperlanetest.Each(t, func(t *testing.T, d hyperlanetest.Driver) {
		failed, finished := make(chan error, 1), make(chan error, 1)
		var book logbook
		c := d.Serve(t, hyperlane.Config{Logger: book.logger()}, func(s *hyperlane.Server) {
			s.OnFinish(func(*hyperlane.Context) { finished <- nil })
			s.Get("/", func(c *hyperlane.Context) error {
				return c.Stream(func(w *hyperlane.Stream) error {
					for piece := make([]byte, 1<<10); ; {
						_, err := w.Write(piece)
						if err == nil {
							err = w.Flush()
						}
						if err != nil {
							failed <- err
							return err
						}
					}
				})
			})
		})
		nc := c.Dial()
		write(t, nc, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		readUntil(t, nc, "\r\n\r\n")
		reset(nc)
		if err := await(t, failed, "the failure of a write"); !errors.Is(err, hyperlane.ErrDisconnected) {
			t.Errorf("got %v, want %v", err, hyperlane.ErrDisconnected)
		}
		await(t, finished, "the end of the request")
		if strings.Contains(book.String(), "level=ERROR") {
			t.Errorf("the log has %q", book.String())
		}
	})
}

// What is known of a connection that has failed is not said of the next one.
func TestAfterAFailedResponseTheAnswersBeforeABrokenOneStillLeave(t *testing.T) {
	ours(t, func(t *testing.T, d hyperlanetest.Driver) {
		c := d.Serve(t, hyperlane.Config{Loops: 1}, func(s *hyperlane.Server) {
			s.Get("/endless", func(c *hyperlane.Context) error {
				return c.Stream(func(w *hyperlane.Stream) error {
					for {
						if _, err := w.Write(make([]byte, 64<<10)); err != nil {
							return err
						}
					}
				})
			})
			s.Get("/whole", func(c *hyperlane.Context) error { return c.Text("whole") })
			s.Get("/half", func(c *hyperlane.Context) error {
				c.Response.SetBodyReader(strings.NewReader("half"), 8)
				return nil
			})
		})
		for range 5 { // some Contexts are used again
			var all sync.WaitGroup
			for range 8 {
				nc := c.Dial()
				write(t, nc, "GET /endless HTTP/1.1\r\nHost: x\r\n\r\n")
				readUntil(t, nc, "200 OK")
				nc.Close()
			}
			eventually(t, "the responses have failed", func() bool { return c.Server().Stats().Total.InFlight == 0 })
			for range 8 {
				all.Go(func() {
					nc := c.Dial()
					io.WriteString(nc, "GET /whole HTTP/1.1\r\nHost: x\r\n\r\nGET /half HTTP/1.1\r\nHost: x\r\n\r\n")
					if got, _ := io.ReadAll(nc); !strings.Contains(string(got), "\r\n\r\nwhole") {
						t.Errorf("got %q, want the answer before the one that was broken off", got)
					}
				})
			}
			all.Wait()
		}
	})
}
