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

// lateness tells what became of a handler that took too long.
type lateness struct {
	cause, flush, written error
	shown                 string // of a request header, after the time
}

func TestAHandlerThatTakesTooLongIsAnsweredForAtItsDeadline(t *testing.T) {
	for name, limit := range map[string]struct {
		config hyperlane.Config
		wrap   func(s *hyperlane.Server)
	}{
		"by Config.HandlerTimeout": {hyperlane.Config{HandlerTimeout: 50 * time.Millisecond}, func(*hyperlane.Server) {}},
		"by Timeout":               {hyperlane.Config{}, func(s *hyperlane.Server) { s.Use(hyperlane.Timeout(50 * time.Millisecond)) }},
	} {
		t.Run(name, func(t *testing.T) {
			hyperlanetest.Each(t, func(t *testing.T, d hyperlanetest.Driver) {
				answered := make(chan struct{})
				told := make(chan lateness, 1)
				c := d.Serve(t, limit.config, func(s *hyperlane.Server) {
					limit.wrap(s)
					s.OnResponse(func(c *hyperlane.Context) error { c.Response.SetHeader("Phase", "1"); return nil })
					s.Get("/late", func(c *hyperlane.Context) error {
						ctx := c.Context()
						c.Response.SetHeader("Early", "1")
						<-ctx.Done()
						late := lateness{cause: context.Cause(ctx)}
						<-answered
						c.Response.SetHeader("Late", "1").SetBodyString("late")
						late.shown = c.Request.Header("X-Name")
						c.Stream(func(w *hyperlane.Stream) error {
							late.flush = w.Flush()
							_, late.written = w.Write(make([]byte, 100_000))
							return nil
						})
						told <- late
						return c.Text("too late")
					})
					s.Get("/in-time", func(c *hyperlane.Context) error {
						c.Set(1, 2)
						return c.Status(201).Text("in time")
					})
				})
				nc := c.Dial()
				for range 2 { // the connection goes on
					write(t, nc, "GET /late HTTP/1.1\r\nHost: x\r\nX-Name: mine\r\n\r\n")
					got, err := readMessage(nc)
					if err != nil || !strings.HasPrefix(got, "HTTP/1.1 503 ") || strings.Contains(got, "ate: 1") || strings.Contains(got, "Early") {
						t.Fatalf("got %q, %v, want 503 and nothing of the handler's", got, err)
					}
					contains(t, got, "Phase: 1")
					write(t, nc, "GET /in-time HTTP/1.1\r\nHost: x\r\nX-Name: other\r\n\r\n")
					got, err = readMessage(nc)
					if err != nil {
						t.Fatal(err)
					}
					contains(t, got, "HTTP/1.1 201", "\r\n\r\nin time")
					answered <- struct{}{}
					late := await(t, told, "the late handler")
					if !errors.Is(late.cause, hyperlane.ErrHandlerTimeout) || !errors.Is(late.written, hyperlane.ErrHandlerTimeout) {
						t.Errorf("got cause %v, write %v, flush %v; want %v", late.cause, late.written, late.flush, hyperlane.ErrHandlerTimeout)
					}
					if late.shown != "mine" {
						t.Errorf("got %q from the request of a late handler, want its own: mine", late.shown)
					}
				}
				c.Get("/in-time").Status(201).Body("in time").Header("Phase", "1")
			})
		})
	}
}

func TestATimeoutAfterTheFirstByteBreaksTheResponseOff(t *testing.T) {
	hyperlanetest.Each(t, func(t *testing.T, d hyperlanetest.Driver) {
		var handlers sync.WaitGroup
		done := make(chan struct{})
		c := d.Serve(t, hyperlane.Config{}, func(s *hyperlane.Server) {
			s.Get("/", func(c *hyperlane.Context) error {
				handlers.Add(1)
				defer handlers.Done()
				return c.Stream(func(w *hyperlane.Stream) error {
					w.WriteString("half")
					w.Flush()
					<-done
					_, err := w.WriteString("the other half")
					return err
				})
			})
			s.Use(hyperlane.Timeout(50 * time.Millisecond))
		})
		nc := c.Dial()
		write(t, nc, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		got, _ := io.ReadAll(nc)
		close(done)
		contains(t, string(got), "200 OK", "\r\n\r\n4\r\nhalf\r\n")
		if strings.Contains(string(got), "\r\n0\r\n") || strings.Contains(string(got), "other") || strings.Contains(string(got), "503") {
			t.Errorf("got %q, want it broken off", got)
		}
		handlers.Wait()
	})
}

func TestATimeoutDoesNotWaitForAClientThatSendsNoBody(t *testing.T) {
	each(t, hyperlane.Config{}, func(s *hyperlane.Server) {
		s.Use(hyperlane.Timeout(50 * time.Millisecond))
		s.Post("/", func(c *hyperlane.Context) error {
			_, err := io.Copy(io.Discard, c.Request.BodyReader())
			return err
		})
	}, func(t *testing.T, c *hyperlanetest.Client) {
		nc := c.Dial()
		write(t, nc, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\nthe beginning")
		got, err := readMessage(nc)
		if err != nil || !strings.HasPrefix(got, "HTTP/1.1 503 ") {
			t.Errorf("got %q, %v, want 503", got, err)
		}
	})
}

func TestATimeoutDoesNotWaitForAClientThatReadsNothing(t *testing.T) {
	hyperlanetest.Each(t, func(t *testing.T, d hyperlanetest.Driver) {
		left := make(chan error, 1)
		c := d.Serve(t, hyperlane.Config{}, func(s *hyperlane.Server) {
			s.Use(hyperlane.Timeout(50 * time.Millisecond))
			s.Get("/", func(c *hyperlane.Context) error {
				return c.Stream(func(w *hyperlane.Stream) error {
					for {
						if _, err := w.Write(make([]byte, 1<<20)); err != nil {
							left <- err
							return err
						}
					}
				})
			})
		})
		nc := c.Dial()
		write(t, nc, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		if err := await(t, left, "the writer is let go"); err == nil {
			t.Error("a write without end has ended well")
		}
	})
}

func TestAHandlerUnderATimeoutIsAHandlerLikeOthers(t *testing.T) {
	each(t, hyperlane.Config{HandlerTimeout: time.Minute}, func(s *hyperlane.Server) {
		fillStations(s)
		s.Get("/full/{id}", func(c *hyperlane.Context) error {
			c.Response.AddHeader("X-Many", "1").AddHeader("X-Many", "2").SetBodyReader(strings.NewReader(c.Param("id")), -1)
			return nil
		})
		s.Post("/echo", func(c *hyperlane.Context) error {
			body, err := c.Request.Body()
			if err != nil {
				return err
			}
			return c.Bytes("a/b", body)
		})
		s.Get("/trailer", func(c *hyperlane.Context) error {
			return c.Stream(func(w *hyperlane.Stream) error {
				w.WriteString("x")
				err := w.Flush()
				c.Response.SetTrailer("X-Sum", "1")
				return err
			})
		})
	}, func(t *testing.T, c *hyperlanetest.Client) {
		c.Get("/outer/inner/7/x").Status(200).Header("Notes", "s1 s2 o i1 i2 w1( w2( wo( wi( x )wi )wo )w2 )w1 I1 I2 O S1 S2")
		c.Get("/plain?panic=x").Problem(500, "").Header("Notes", "s1 s2 w1( w2( x S1 S2")
		c.Get("/plain?error=x").Problem(418, "by x")
		c.Get("/stream").Body("one two").Header("Notes", "s1 s2 w1( w2( wrote S1 S2")
		c.Get("/full/abc").Status(200).Body("abc").Header("X-Many", "1, 2")
		c.Get("/trailer").Body("x").Trailer("X-Sum", "1")
		for _, n := range []int{0, 5, 100_000, 1_000_000} {
			body := strings.Repeat("x", n)
			c.Request("POST", "/echo").Body(body).Send().Status(200).Body(body)
			c.Request("POST", "/echo").Stream(strings.NewReader(body)).Send().Status(200).Body(body)
		}
	})
}

// The shorter of two limits holds, whichever is outside.
func TestTimeoutsMayBeNested(t *testing.T) {
	for _, limits := range [][2]time.Duration{{50 * time.Millisecond, time.Hour}, {time.Hour, 50 * time.Millisecond}} {
		each(t, hyperlane.Config{}, func(s *hyperlane.Server) {
			s.Use(hyperlane.Timeout(limits[0]), hyperlane.Timeout(limits[1]))
			s.Get("/", func(c *hyperlane.Context) error { <-c.Context().Done(); return nil })
			s.Get("/ok", func(c *hyperlane.Context) error { return c.Text("ok") })
		}, func(t *testing.T, c *hyperlanetest.Client) {
			c.Get("/").Problem(503, "")
			c.Get("/ok").Status(200).Body("ok")
		})
	}
}

// A limit inside another one still passes when the answer of the one outside has left, and the connection serves the next request.
func TestALimitInsideOneThatHasPassedLeavesTheNextRequestAlone(t *testing.T) {
	ours(t, func(t *testing.T, d hyperlanetest.Driver) {
		const connections = 8
		answered := make(chan struct{}) // all of them, by the limit outside
		var inside sync.WaitGroup       // the limits inside, until they have passed
		inside.Add(connections)
		c := d.Serve(t, hyperlane.Config{}, func(s *hyperlane.Server) {
			passed := func(next hyperlane.Handler) hyperlane.Handler {
				return func(c *hyperlane.Context) error {
					defer inside.Done()
					return next(c)
				}
			}
			writes := func(c *hyperlane.Context) error {
				<-answered
				over := make(chan struct{})
				go func() { inside.Wait(); close(over) }()
				return c.Stream(func(w *hyperlane.Stream) error {
					for p := make([]byte, 8<<10); ; {
						select {
						case <-over:
							return nil
						default:
							w.Write(p) // fails each time, and the handler does not look
						}
					}
				})
			}
			s.Get("/late", hyperlane.Timeout(20*time.Millisecond)(passed(hyperlane.Timeout(100*time.Millisecond)(writes))))
			s.Get("/next", func(c *hyperlane.Context) error { inside.Wait(); return c.Text("next") })
		})
		var open [connections]net.Conn
		for i := range open {
			open[i] = c.Dial()
			write(t, open[i], "GET /late HTTP/1.1\r\nHost: x\r\n\r\n")
		}
		for _, nc := range open {
			got, err := readMessage(nc)
			if err != nil {
				t.Error(err)
			}
			contains(t, got, "HTTP/1.1 503 ")
			write(t, nc, "GET /next HTTP/1.1\r\nHost: x\r\n\r\n")
		}
		close(answered)
		for _, nc := range open {
			if got, err := readMessage(nc); err != nil || !strings.HasSuffix(got, "next") {
				t.Errorf("got %q, %v from a request that has no limit, want its answer", got, err)
			}
		}
	})
}
