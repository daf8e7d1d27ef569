package interop

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	chimiddleware "github.com/go-chi/chi/v5/middleware"
	"github.com/gorilla/handlers"
	"github.com/hyperlane-go/hyperlane"
	"github.com/rs/cors"
)

// wrapped serves on every path what set has registered, inside of middleware of net/http's kind.
func wrapped(set func(g *hyperlane.Server), ms ...func(http.Handler) http.Handler) func(s *hyperlane.Server) {
	return func(s *hyperlane.Server) {
		for _, m := range ms {
			s.Use(hyperlane.FromHTTPMiddleware(m))
		}
		set(s)
	}
}

func hello(s *hyperlane.Server) {
	s.Any("/hello", func(c *hyperlane.Context) error { return c.Text(strings.Repeat("hello ", 1000)) })
}

func TestMiddlewareCompressesWhatAHandlerAnswers(t *testing.T) {
	for name, m := range map[string]func(http.Handler) http.Handler{
		"gorilla": handlers.CompressHandler,
		"chi":     chimiddleware.Compress(5),
	} {
		t.Run(name, func(t *testing.T) {
			onEachDriver(t, wrapped(hello, m), func(t *testing.T, addr string) {
				resp := do(t, client(t, false), request(t, "GET", "http://"+addr+"/hello", nil, "Accept-Encoding", "gzip"))
				want(t, "Content-Encoding", resp.Header.Get("Content-Encoding"), "gzip")
				want(t, "Vary", resp.Header.Get("Vary"), "Accept-Encoding")
				plain, err := gzip.NewReader(resp.Body)
				if err != nil {
					t.Fatal(err)
				}
				want(t, "body", text(t, plain), strings.Repeat("hello ", 1000))
				_, body := get(t, "http://"+addr+"/hello")
				want(t, "body without compression", body, strings.Repeat("hello ", 1000))
			})
		})
	}
}

func TestAStreamIsFlushedThroughMiddleware(t *testing.T) {
	for name, m := range map[string]func(http.Handler) http.Handler{
		"gorilla CompressHandler": handlers.CompressHandler,
		"chi Compress":            chimiddleware.Compress(5, "text/event-stream"),
		"chi RequestID":           chimiddleware.RequestID,
	} {
		t.Run(name, func(t *testing.T) {
			next := make(chan struct{})
			onEachDriver(t, wrapped(func(s *hyperlane.Server) {
				s.Get("/events", func(c *hyperlane.Context) error {
					c.Response.SetHeader("Content-Type", "text/event-stream")
					return c.Stream(func(w *hyperlane.Stream) error {
						for i := range 3 {
							fmt.Fprintf(w, "data: %d\n", i)
							if err := w.Flush(); err != nil {
								return err
							}
							<-next
						}
						return nil
					})
				})
			}, m), func(t *testing.T, addr string) {
				resp := do(t, client(t, false), request(t, "GET", "http://"+addr+"/events", nil, "Accept-Encoding", "gzip"))
				body := io.Reader(resp.Body)
				if resp.Header.Get("Content-Encoding") == "gzip" {
					plain, err := gzip.NewReader(resp.Body)
					if err != nil {
						t.Fatal(err)
					}
					body = plain
				}
				lines := bufio.NewScanner(body)
				for i := range 3 {
					if !lines.Scan() {
						t.Fatalf("ended before line %d: %v", i, lines.Err())
					}
					want(t, "line", lines.Text(), fmt.Sprint("data: ", i))
					next <- struct{}{}
				}
				want(t, "end", lines.Scan(), false)
			})
		})
	}
}

// record is a writer that can be read while it is written to.
type record struct {
	mu    sync.Mutex
	lines bytes.Buffer
}

func (r *record) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.lines.Write(p)
}

func TestMiddlewareLogsAndReadsProxyHeaders(t *testing.T) {
	for _, driver := range drivers() {
		t.Run(driver, func(t *testing.T) {
			var log record
			addr := serve(t, driver, wrapped(func(s *hyperlane.Server) {
				s.Get("/who", func(c *hyperlane.Context) error {
					return c.Text(fmt.Sprint(c.Request.ClientIP(), " ", c.Request.Host()))
				})
			}, func(h http.Handler) http.Handler { return handlers.CombinedLoggingHandler(&log, h) }, handlers.ProxyHeaders))
			_, body := get(t, "http://"+addr+"/who", "X-Forwarded-For", "192.0.2.7", "X-Forwarded-Host", "example.org", "User-Agent", "me")
			want(t, "body", body, "192.0.2.7 example.org")
			log.mu.Lock()
			defer log.mu.Unlock()
			if line := log.lines.String(); !strings.Contains(line, `"GET /who HTTP/1.1" 200 21 "" "me"`) {
				t.Errorf("logged %q", line)
			}
		})
	}
}

func TestCORSMiddlewareAnswersAPreflight(t *testing.T) {
	allow := cors.New(cors.Options{AllowedOrigins: []string{"https://a.example"}, AllowedMethods: []string{"GET", "PUT"}})
	onEachDriver(t, wrapped(hello, allow.Handler), func(t *testing.T, addr string) {
		resp := do(t, client(t, false), request(t, "OPTIONS", "http://"+addr+"/hello", nil,
			"Origin", "https://a.example", "Access-Control-Request-Method", "PUT"))
		want(t, "status", resp.StatusCode, 204)
		want(t, "Access-Control-Allow-Origin", resp.Header.Get("Access-Control-Allow-Origin"), "https://a.example")
		resp, _ = get(t, "http://"+addr+"/hello", "Origin", "https://a.example")
		want(t, "Access-Control-Allow-Origin", resp.Header.Get("Access-Control-Allow-Origin"), "https://a.example")
		want(t, "Content-Type", resp.Header.Get("Content-Type"), "text/plain; charset=utf-8")
		resp, _ = get(t, "http://"+addr+"/hello", "Origin", "https://b.example")
		want(t, "Access-Control-Allow-Origin for another", resp.Header.Get("Access-Control-Allow-Origin"), "")
	})
}

func TestMiddlewareIsMadeOnceForARoute(t *testing.T) {
	for _, driver := range drivers() {
		t.Run(driver, func(t *testing.T) {
			var made atomic.Int32
			counter := func(next http.Handler) http.Handler {
				made.Add(1)
				requests := 0
				var mu sync.Mutex
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					mu.Lock()
					requests++
					w.Header().Set("X-Requests", fmt.Sprint(requests))
					mu.Unlock()
					next.ServeHTTP(w, r)
				})
			}
			addr := serve(t, driver, wrapped(func(s *hyperlane.Server) { s.Get("/hello", func(*hyperlane.Context) error { return nil }) }, counter))
			for i := range 3 {
				resp, _ := get(t, "http://"+addr+"/hello")
				want(t, "X-Requests", resp.Header.Get("X-Requests"), fmt.Sprint(i+1))
			}
			want(t, "made", made.Load(), 1)
		})
	}
}

type contextKey struct{}

func TestWhatMiddlewareDoesToARequestHoldsInsideOfIt(t *testing.T) {
	change := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r = r.Clone(context.WithValue(r.Context(), contextKey{}, "value"))
			r.Header.Set("X-Added", "added")
			r.Body = io.NopCloser(io.MultiReader(strings.NewReader("<"), r.Body, strings.NewReader(">")))
			r.ContentLength = -1
			w.Header().Set("X-Kept", "by middleware")
			w.Header().Set("X-Replaced", "by middleware")
			w.Header().Set("X-Deleted", "by middleware")
			next.ServeHTTP(w, r)
		})
	}
	type key struct{}
	onEachDriver(t, func(s *hyperlane.Server) {
		s.OnRequest(func(c *hyperlane.Context) error { c.Set(key{}, "before"); return nil })
		s.OnResponse(func(c *hyperlane.Context) error {
			c.Response.SetHeader("X-Value", fmt.Sprint(c.Value(key{})))
			return nil
		})
		s.Use(hyperlane.FromHTTPMiddleware(chimiddleware.RequestID), hyperlane.FromHTTPMiddleware(change))
		s.Post("/{name}", func(c *hyperlane.Context) error {
			body, err := c.Request.Body()
			if err != nil {
				return err
			}
			c.Response.SetHeader("X-Replaced", "by the handler").DelHeader("X-Deleted").AddHeader("Vary", "A").AddHeader("Vary", "B")
			answer := fmt.Sprint(c.Param("name"), " ", string(body), " ", c.Request.Header("X-Added"), " ", c.Context().Value(contextKey{}),
				" ", c.Value(key{}), " ", chimiddleware.GetReqID(c.Context()))
			c.Set(key{}, "after")
			return c.Text(answer)
		})
	}, func(t *testing.T, addr string) {
		for _, body := range []string{"short", strings.Repeat("long", 100_000)} {
			resp := do(t, client(t, false), request(t, "POST", "http://"+addr+"/name", strings.NewReader(body), "X-Request-Id", "id"))
			if got, w := text(t, resp.Body), "name <"+body+"> added value before id"; got != w {
				t.Errorf("got %.60q, want %.60q", got, w)
			}
			want(t, "X-Kept", resp.Header.Get("X-Kept"), "by middleware")
			want(t, "X-Replaced", strings.Join(resp.Header["X-Replaced"], ","), "by the handler")
			want(t, "X-Deleted", resp.Header.Get("X-Deleted"), "")
			want(t, "Vary", strings.Join(resp.Header["Vary"], ","), "A,B")
			want(t, "X-Value", resp.Header.Get("X-Value"), "after")
		}
	})
}

func TestTimeoutsOfMiddlewareEndTheHandler(t *testing.T) {
	left := make(chan error, 1)
	for name, m := range map[string]func(http.Handler) http.Handler{
		"chi": chimiddleware.Timeout(20 * time.Millisecond),
		"std": func(h http.Handler) http.Handler { return http.TimeoutHandler(h, 20*time.Millisecond, "too slow") },
	} {
		t.Run(name, func(t *testing.T) {
			onEachDriver(t, wrapped(func(s *hyperlane.Server) {
				s.Post("/slow", func(c *hyperlane.Context) error {
					<-c.Context().Done()
					_, err := c.Request.Body()
					left <- c.Context().Err()
					c.Set("late", err)
					return c.Text("late")
				})
			}, m), func(t *testing.T, addr string) {
				resp := do(t, client(t, false), request(t, "POST", "http://"+addr+"/slow", strings.NewReader(strings.Repeat("x", 100_000))))
				if err := await(t, "the handler is told", left); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("got %v", err)
				}
				if name == "std" {
					want(t, "status", resp.StatusCode, 503)
					want(t, "body", text(t, resp.Body), "too slow")
				}
			})
		})
	}
}

func TestLimitsOfMiddlewareHoldForTheBody(t *testing.T) {
	limit := func(h http.Handler) http.Handler { return http.MaxBytesHandler(h, 4) }
	onEachDriver(t, wrapped(func(s *hyperlane.Server) {
		s.Post("/echo", func(c *hyperlane.Context) error {
			body, err := c.Request.Body()
			if err != nil {
				return err
			}
			return c.Bytes("a/b", body)
		})
	}, limit), func(t *testing.T, addr string) {
		for body, status := range map[string]int{"four": 200, "fiver": 413} {
			resp := do(t, client(t, false), request(t, "POST", "http://"+addr+"/echo", strings.NewReader(body)))
			want(t, body, resp.StatusCode, status)
		}
	})
}

func TestErrorsAndPanicsInsideOfMiddlewareAreAnswered(t *testing.T) {
	for _, driver := range drivers() {
		t.Run(driver, func(t *testing.T) {
			server := hyperlane.New(configOf(driver))
			panics := make(chan any, 1)
			server.OnPanic(func(c *hyperlane.Context, p *hyperlane.PanicError) { panics <- p.Value })
			server.Use(hyperlane.FromHTTPMiddleware(chimiddleware.RequestID), hyperlane.FromHTTPMiddleware(chimiddleware.NoCache))
			server.Get("/gone", func(*hyperlane.Context) error { return hyperlane.Errorf(410, "it was here") })
			server.Get("/panic", func(*hyperlane.Context) error { panic("asked to") })
			server.Get("/abort", hyperlane.FromHTTP(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })))
			addr := serveOn(t, driver, server)
			resp, body := get(t, "http://"+addr+"/gone")
			want(t, "status", resp.StatusCode, 410)
			if !strings.Contains(body, "it was here") || resp.Header.Get("Pragma") != "no-cache" {
				t.Errorf("got %q, %v", body, resp.Header)
			}
			resp, _ = get(t, "http://"+addr+"/panic")
			want(t, "status", resp.StatusCode, 500)
			want(t, "panic", await(t, "the hook is told", panics), any("asked to"))
			if resp, err := client(t, false).Do(request(t, "GET", "http://"+addr+"/abort", nil)); err == nil {
				t.Errorf("an aborted response has status %d", resp.StatusCode)
			}
		})
	}
}

// upperCase is a Protocol that sends back what it gets.
type upperCase struct{}

func (upperCase) Opened(*hyperlane.Conn) {}

func (upperCase) Hangup(*hyperlane.Conn) {}
func (upperCase) Receive(conn *hyperlane.Conn, in []byte) (int, error) {
	return len(in), conn.Send(bytes.ToUpper(in))
}
func (upperCase) Drain(conn *hyperlane.Conn)    { conn.Close() }
func (upperCase) Closed(*hyperlane.Conn, error) {}

func TestAConnectionIsUpgradedInsideOfMiddleware(t *testing.T) {
	onEachDriver(t, wrapped(func(s *hyperlane.Server) {
		s.Get("/upgrade", func(c *hyperlane.Context) error { return c.Upgrade("upper", upperCase{}) })
	}, chimiddleware.RequestID, chimiddleware.NoCache, handlers.CompressHandler), func(t *testing.T, addr string) {
		resp := do(t, client(t, false), request(t, "GET", "http://"+addr+"/upgrade", nil, "Connection", "Upgrade", "Upgrade", "upper"))
		want(t, "status", resp.StatusCode, 101)
		conn := resp.Body.(io.ReadWriteCloser)
		io.WriteString(conn, "hello")
		answer := make([]byte, 5)
		if _, err := io.ReadFull(conn, answer); err != nil {
			t.Fatal(err)
		}
		want(t, "answer", string(answer), "HELLO")
	})
}
