package hyperlane_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hyperlane-go/hyperlane"
	"github.com/hyperlane-go/hyperlane/hyperlanetest"
)

// feeder tells a test what becomes of a feed.
type feeder struct {
	feeds  chan *hyperlane.Feed
	closed chan error
}

func newFeeder() *feeder {
	return &feeder{make(chan *hyperlane.Feed, 10), make(chan error, 10)}
}

func (f *feeder) Drain(feed *hyperlane.Feed) {
	feed.Send([]byte("goodbye"))
	feed.End()
}

func (f *feeder) Closed(_ *hyperlane.Feed, err error) { f.closed <- err }

// handle answers with a feed.
func (f *feeder) handle(c *hyperlane.Context) error {
	feed, err := c.Feed(f)
	if err != nil {
		return err
	}
	c.Response.SetHeader("Content-Type", "a/b")
	feed.Send([]byte("first "))
	f.feeds <- feed
	return nil
}

func (f *feeder) wantClosed(t *testing.T, want error) {
	t.Helper()
	if err := await(t, f.closed, "Closed"); !errors.Is(err, want) || want == nil && err != nil {
		t.Errorf("got %v as the reason of the end, want %v", err, want)
	}
	select {
	case err := <-f.closed:
		t.Errorf("got a second call of Closed, with %v", err)
	default:
	}
}

// open sends a request for a feed, and returns the answer when its head has come.
func open(t *testing.T, c *hyperlanetest.Client, method, target string) *http.Response {
	t.Helper()
	request, err := http.NewRequest(method, hyperlanetest.URL+target, nil)
	if err != nil {
		t.Fatal(err)
	}
	r, err := c.HTTP().Do(request)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Body.Close() })
	return r
}

func TestAFeedGoesOnAfterItsHandlerHasReturned(t *testing.T) {
	std := hyperlane.FromHTTPMiddleware(func(next http.Handler) http.Handler { return next })
	for name, wrap := range map[string]func(hyperlane.Handler) hyperlane.Handler{
		"bare":             func(h hyperlane.Handler) hyperlane.Handler { return h },
		"within a timeout": hyperlane.Timeout(time.Minute),
		"within net/http":  std,
		"within both":      func(h hyperlane.Handler) hyperlane.Handler { return hyperlane.Timeout(time.Minute)(std(h)) },
	} {
		t.Run(name, func(t *testing.T) {
			hyperlanetest.Each(t, func(t *testing.T, d hyperlanetest.Driver) {
				f := newFeeder()
				finished := make(chan int, 10)
				c := d.Serve(t, hyperlane.Config{}, func(s *hyperlane.Server) {
					s.Get("/", wrap(f.handle))
					s.OnResponse(func(c *hyperlane.Context) error { c.Response.SetHeader("X-Phase", "1"); return nil })
					s.OnFinish(func(c *hyperlane.Context) { finished <- c.Response.Status() })
				})
				r := open(t, c, "GET", "/")
				if r.StatusCode != 200 || r.Header.Get("X-Phase") != "1" || r.Header.Get("Content-Type") != "a/b" || r.ContentLength != -1 {
					t.Errorf("got %s %v", r.Status, r.Header)
				}
				feed := await(t, f.feeds, "the feed")
				body := bufio.NewReader(r.Body)
				for _, piece := range []string{"first ", "second ", "third "} {
					if piece != "first " {
						if err := feed.Send([]byte(piece)); err != nil {
							t.Fatal(err)
						}
					}
					if got, err := body.ReadString(' '); got != piece {
						t.Fatalf("got %q, %v, want %q at once", got, err, piece)
					}
				}
				feed.Send(nil) // which is not the end
				feed.Send([]byte("last"))
				feed.End()
				if got, err := io.ReadAll(body); string(got) != "last" || err != nil {
					t.Errorf("got %q, %v, want the last piece and an orderly end", got, err)
				}
				f.wantClosed(t, nil)
				if got := await(t, finished, "the finish hook"); got != 200 {
					t.Errorf("OnFinish saw status %d", got)
				}
				feed.End()
				if err := feed.Send([]byte("x")); !errors.Is(err, hyperlane.ErrFeedEnded) {
					t.Errorf("got %v from Send after End", err)
				}
			})
		})
	}
}

func TestAFeedIsFramedAsItsRequestWants(t *testing.T) {
	ours(t, func(t *testing.T, d hyperlanetest.Driver) {
		f := newFeeder()
		c := d.Serve(t, hyperlane.Config{}, func(s *hyperlane.Server) {
			s.Any("/", f.handle)
			s.Get("/empty", func(c *hyperlane.Context) error {
				_, err := c.Feed(f)
				c.Response.SetStatus(204)
				return err
			})
			s.Get("/other", func(c *hyperlane.Context) error { return c.Text("other") })
		})

		nc := c.Dial()
		write(t, nc, "GET /other HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\nGET /other HTTP/1.1\r\nHost: x\r\n\r\n")
		readUntil(t, nc, "other")
		feed := await(t, f.feeds, "the feed behind an answer")
		feed.End()
		head, body, _ := strings.Cut(readAll(t, nc), "\r\n\r\n")
		nc.Close()
		contains(t, head, "Transfer-Encoding: chunked")
		contains(t, head, "Connection: close")
		if body != "6\r\nfirst \r\n0\r\n\r\n" {
			t.Errorf("got body %q, want one chunk, the last, and no answer behind", body)
		}
		f.wantClosed(t, nil)

		nc = c.Dial()
		write(t, nc, "GET / HTTP/1.0\r\nHost: x\r\nConnection: keep-alive\r\n\r\n")
		feed = await(t, f.feeds, "the feed of HTTP/1.0")
		readUntil(t, nc, "\r\n\r\nfirst ")
		feed.Send([]byte("second"))
		feed.End()
		if got := readAll(t, nc); got != "second" {
			t.Errorf("got %q, want it bare, and the end of the connection", got)
		}
		nc.Close()
		f.wantClosed(t, nil)

		nc = c.Dial()
		for _, request := range []string{"HEAD / HTTP/1.1\r\nHost: x\r\n\r\n", "GET /empty HTTP/1.1\r\nHost: x\r\n\r\n"} {
			write(t, nc, request)
			head := readUntil(t, nc, "\r\n\r\n")
			if strings.Contains(head, "Connection: close") {
				t.Errorf("got %q, want a connection that goes on where there is no body", head)
			}
			f.wantClosed(t, hyperlane.ErrFinished)
		}
		write(t, nc, "GET /other HTTP/1.1\r\nHost: x\r\n\r\n")
		readUntil(t, nc, "\r\n\r\nother")
	})
}

func TestAFeedEndsWithItsClient(t *testing.T) {
	hyperlanetest.Each(t, func(t *testing.T, d hyperlanetest.Driver) {
		f := newFeeder()
		c := d.Serve(t, hyperlane.Config{}, func(s *hyperlane.Server) { s.Post("/", f.handle) })
		nc := c.Dial()
		write(t, nc, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody")
		feed := await(t, f.feeds, "the feed")
		readUntil(t, nc, "first ")
		if d != hyperlanetest.NetHTTP { // which reads no further than the request
			write(t, nc, strings.Repeat("what is sent behind is dropped", 10_000))
		}
		nc.Close()
		f.wantClosed(t, hyperlane.ErrDisconnected)
		if err := feed.Send([]byte("x")); !errors.Is(err, hyperlane.ErrFeedEnded) {
			t.Errorf("got %v from Send to a client that has gone", err)
		}
	})
}

func TestAFeedThatIsReplacedIsClosed(t *testing.T) {
	hyperlanetest.Each(t, func(t *testing.T, d hyperlanetest.Driver) {
		f := newFeeder()
		c := d.Serve(t, hyperlane.Config{}, func(s *hyperlane.Server) {
			s.OnError(func(c *hyperlane.Context, err error) error {
				if c.Query("hook") == "" {
					return err
				}
				c.Response.SetStatus(418)
				return nil
			})
			s.Get("/error", func(c *hyperlane.Context) error {
				f.handle(c)
				return hyperlane.Errorf(409, "on second thoughts")
			})
			s.Get("/panic", func(c *hyperlane.Context) error {
				f.handle(c)
				panic("on second thoughts")
			})
			s.Get("/body", func(c *hyperlane.Context) error {
				f.handle(c)
				return c.Text("instead")
			})
			s.Get("/twice", func(c *hyperlane.Context) error {
				f.handle(c)
				return f.handle(c)
			})
			s.Get("/late", func(c *hyperlane.Context) error {
				return c.Stream(func(w *hyperlane.Stream) error {
					w.Flush()
					_, err := c.Feed(f)
					if err == nil {
						t.Error("got a feed for a response that has begun")
					}
					return nil
				})
			})
			s.Get("/detached", func(c *hyperlane.Context) error {
				_, err := c.Detach().Feed(f)
				if err == nil {
					t.Error("got a feed from a Context without a connection")
				}
				return nil
			})
		})
		for target, status := range map[string]int{"/error": 409, "/error?hook=1": 418, "/panic": 500, "/body": 200} {
			c.Get(target).Status(status)
			f.wantClosed(t, hyperlane.ErrFinished)
			if err := (<-f.feeds).Send([]byte("x")); !errors.Is(err, hyperlane.ErrFeedEnded) {
				t.Errorf("%s: got %v from Send", target, err)
			}
		}
		r := open(t, c, "GET", "/twice")
		f.wantClosed(t, hyperlane.ErrFinished)
		<-f.feeds
		(<-f.feeds).End()
		if got, err := io.ReadAll(r.Body); string(got) != "first " || err != nil {
			t.Errorf("got %q, %v of the second feed", got, err)
		}
		f.wantClosed(t, nil)
		c.Get("/late").Status(200)
		c.Get("/detached").Status(200)
	})
}

func TestAFeedThatComesTooLateIsClosed(t *testing.T) {
	f := newFeeder()
	c := hyperlanetest.Blocking.Serve(t, hyperlane.Config{}, func(s *hyperlane.Server) {
		s.Use(hyperlane.Timeout(10 * time.Millisecond))
		s.Get("/", func(c *hyperlane.Context) error {
			<-c.Context().Done()
			return f.handle(c)
		})
	})
	c.Get("/").Status(503)
	f.wantClosed(t, hyperlane.ErrFinished)
}

func TestAShutdownEndsFeeds(t *testing.T) {
	hyperlanetest.Each(t, func(t *testing.T, d hyperlanetest.Driver) {
		f := newFeeder()
		c := d.Serve(t, hyperlane.Config{}, func(s *hyperlane.Server) { s.Get("/", f.handle) })
		r := open(t, c, "GET", "/")
		if c.Server().Draining().Err() != nil {
			t.Error("a server that serves is draining")
		}
		await(t, f.feeds, "the feed")
		if err := c.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
		if got, err := io.ReadAll(r.Body); string(got) != "first goodbye" || err != nil {
			t.Errorf("got %q, %v, want the last word and an orderly end", got, err)
		}
		f.wantClosed(t, nil)
		if got := context.Cause(c.Server().Draining()); got != hyperlane.ErrShutdown {
			t.Errorf("Draining has ended with %v", got)
		}
	})
}

// panicking is a feeder whose last words are panics.
type panicking struct {
	feeder
	drain bool // Drain panics; else Closed does
}

func (p *panicking) Drain(feed *hyperlane.Feed) {
	if p.drain {
		panic("no goodbye")
	}
	p.feeder.Drain(feed)
}

func (p *panicking) Closed(feed *hyperlane.Feed, err error) {
	p.feeder.Closed(feed, err)
	if !p.drain {
		panic("not my end")
	}
}

func TestAPanicOfAFeederEndsNothingButItsFeed(t *testing.T) {
	hyperlanetest.Each(t, func(t *testing.T, d hyperlanetest.Driver) {
		var book logbook
		drains, closes := &panicking{*newFeeder(), true}, &panicking{*newFeeder(), false}
		c := d.Serve(t, hyperlane.Config{Logger: book.logger()}, func(s *hyperlane.Server) {
			for path, p := range map[string]*panicking{"/drains": drains, "/closes": closes} {
				s.Get(path, func(c *hyperlane.Context) error {
					feed, err := c.Feed(p)
					if err == nil {
						p.feeds <- feed
					}
					return err
				})
			}
		})
		r := open(t, c, "GET", "/closes")
		await(t, closes.feeds, "the feed").End()
		closes.wantClosed(t, nil)
		if got, err := io.ReadAll(r.Body); len(got) > 0 || err != nil {
			t.Errorf("got %q, %v from a feed that has ended", got, err)
		}
		r = open(t, c, "GET", "/drains")
		await(t, drains.feeds, "the feed").Send([]byte("first "))
		if err := c.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
		if got, err := io.ReadAll(r.Body); err == nil {
			t.Errorf("got %q and an orderly end from a feed whose feeder has failed", got)
		}
		drains.wantClosed(t, hyperlane.ErrDisconnected)
		for _, word := range []string{"feed failed", "no goodbye", "not my end"} {
			eventually(t, "the log has "+word, func() bool { return strings.Contains(book.String(), word) })
		}
		if n := c.Server().Stats().Total.Errors.Panics; n != 2 {
			t.Errorf("%d panics are counted, want 2", n)
		}
	})
}

func TestWhatWaitsForASlowClientOfAFeedIsBounded(t *testing.T) {
	hyperlanetest.Each(t, func(t *testing.T, d hyperlanetest.Driver) {
		f := newFeeder()
		config := hyperlane.Config{Limits: hyperlane.Limits{Outbox: 128 << 10}}
		c := d.Serve(t, config, func(s *hyperlane.Server) { s.Get("/", f.handle) })
		nc := c.Dial()
		write(t, nc, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		feed := await(t, f.feeds, "the feed")
		piece := make([]byte, 8<<10)
		// It may be full for a moment only, while the kernel still takes what waits.
		var err error
		waiting := 0
		for end := time.Now().Add(patience); (err == nil || waiting == 0) && time.Now().Before(end); {
			err = feed.Send(piece)
			if waiting = feed.Waiting(); waiting > 128<<10 {
				t.Fatalf("%d bytes wait", waiting)
			}
		}
		if !errors.Is(err, hyperlane.ErrOutboxFull) || waiting == 0 {
			t.Errorf("got %v, with %d bytes waiting, for a client that does not read", err, waiting)
		}
		nc.Close()
		if err := await(t, f.closed, "Closed"); err == nil {
			t.Error("got an orderly end")
		}
	})
}

func TestManyGoroutinesMayFeed(t *testing.T) {
	hyperlanetest.Each(t, func(t *testing.T, d hyperlanetest.Driver) {
		f := newFeeder()
		c := d.Serve(t, hyperlane.Config{}, func(s *hyperlane.Server) { s.Get("/", f.handle) })
		r := open(t, c, "GET", "/")
		feed := await(t, f.feeds, "the feed")
		const senders, each = 8, 200
		var all sync.WaitGroup
		for i := range senders {
			all.Go(func() {
				for j := range each {
					if err := feed.Send(fmt.Appendf(nil, "%d %d %s\n", i, j, strings.Repeat("x", j))); err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
		go func() { all.Wait(); feed.End() }()
		next := make([]int, senders)
		body := bufio.NewScanner(io.MultiReader(r.Body))
		lines := 0
		for ; body.Scan(); lines++ {
			var i, j int
			var pad string
			fmt.Sscan(strings.TrimPrefix(body.Text(), "first "), &i, &j, &pad)
			if i >= senders || j != next[i] || len(pad) != j {
				t.Fatalf("got %q, want number %d of a sender", body.Text(), next[min(i, senders-1)])
			}
			next[i]++
		}
		if lines != senders*each || body.Err() != nil {
			t.Errorf("got %d lines, %v, want %d", lines, body.Err(), senders*each)
		}
	})
}
