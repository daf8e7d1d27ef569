package hyperlane_test

import (
	"bufio"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hyperlane-go/hyperlane"
	"github.com/hyperlane-go/hyperlane/hyperlanetest"
)

func TestWhatIsFlushedIsSeenAtOnce(t *testing.T) {
	hyperlanetest.Each(t, func(t *testing.T, d hyperlanetest.Driver) {
		pieces := map[string]chan string{"/stream": make(chan string), "/seq": make(chan string)}
		c := d.Serve(t, hyperlane.Config{}, func(s *hyperlane.Server) {
			s.Get("/stream", func(c *hyperlane.Context) error {
				return c.Stream(func(w *hyperlane.Stream) error {
					for piece := range pieces["/stream"] {
						w.WriteString(piece)
						if err := w.Flush(); err != nil {
							return err
						}
					}
					return nil
				})
			})
			s.Get("/seq", func(c *hyperlane.Context) error {
				return c.StreamSeq(func(yield func([]byte) bool) {
					for piece := range pieces["/seq"] {
						if !yield([]byte(piece)) {
							return
						}
					}
				})
			})
		})
		for path, next := range pieces {
			type head struct {
				r   *http.Response
				err error
			}
			heads := make(chan head)
			go func() {
				r, err := c.HTTP().Get(hyperlanetest.URL + path)
				heads <- head{r, err}
			}()
			next <- "first "
			h := await(t, heads, "the head, before the handler has returned")
			if h.err != nil {
				t.Fatal(h.err)
			}
			body := bufio.NewReader(h.r.Body)
			for _, want := range []string{"first ", "second ", "third "} {
				if got, err := body.ReadString(' '); err != nil || got != want {
					t.Errorf("got %q, %v, want %q", got, err, want)
				}
				if want != "third " {
					next <- map[string]string{"first ": "second ", "second ": "third "}[want]
				}
			}
			close(next)
			if rest, err := io.ReadAll(body); err != nil || len(rest) > 0 {
				t.Errorf("got %q, %v behind the last piece", rest, err)
			}
			h.r.Body.Close()
			if h.r.ContentLength != -1 {
				t.Errorf("got Content-Length %d for a stream that was flushed", h.r.ContentLength)
			}
		}
	})
}

func TestAStreamThatIsShortAndNotFlushedHasALength(t *testing.T) {
	each(t, hyperlane.Config{}, func(s *hyperlane.Server) {
		s.Get("/{n:int}", func(c *hyperlane.Context) error {
			n, _ := strconv.Atoi(c.Param("n"))
			return c.Stream(func(w *hyperlane.Stream) error {
				for range n {
					if _, err := w.WriteString("0123456789"); err != nil {
						return err
					}
				}
				return nil
			})
		})
		s.Get("/declared", func(c *hyperlane.Context) error {
			c.Response.SetHeader("Content-Length", "10")
			return c.Stream(func(w *hyperlane.Stream) error {
				w.WriteString("01234")
				w.Flush()
				_, err := w.WriteString("56789")
				return err
			})
		})
		s.Get("/twice", func(c *hyperlane.Context) error {
			for _, piece := range []string{"one ", "two"} {
				if err := c.Stream(func(w *hyperlane.Stream) error { _, err := w.WriteString(piece); return err }); err != nil {
					return err
				}
			}
			return nil
		})
	}, func(t *testing.T, c *hyperlanetest.Client) {
		c.Get("/0").Status(200).Body("").Header("Content-Length", "0")
		c.Get("/10").Body(strings.Repeat("0123456789", 10)).Header("Content-Length", "100")
		c.Get("/50000").Body(strings.Repeat("0123456789", 50_000)).Header("Content-Length", "")
		c.Get("/declared").Body("0123456789").Header("Content-Length", "10")
		c.Get("/twice").Body("one two")
		c.Request("HEAD", "/50000").Send().Status(200).Body("")
		nc := c.Dial()
		write(t, nc, "GET /50000 HTTP/1.0\r\nHost: x\r\n\r\n") // which knows no chunks: the end of the connection ends the body
		got := readAll(t, nc)
		if !strings.HasSuffix(got, "\r\n\r\n"+strings.Repeat("0123456789", 50_000)) || strings.Contains(got, "chunked") {
			t.Errorf("got %d bytes of a stream over HTTP/1.0", len(got))
		}
	})
}

// closer is a body that tells when it is closed.
type closer struct {
	io.Reader
	closed *atomic.Int32
}

func (c closer) Close() error { c.closed.Add(1); return nil }

// failing is a reader that fails where the one it reads from ends.
type failing struct{ after io.Reader }

func (f failing) Read(p []byte) (int, error) {
	n, err := f.after.Read(p)
	if err == io.EOF {
		err = errors.New("the disk is gone")
	}
	return n, err
}

func TestABodyIsReadFromAReader(t *testing.T) {
	hyperlanetest.Each(t, func(t *testing.T, d hyperlanetest.Driver) {
		var closed atomic.Int32
		finished := make(chan struct{}, 1)
		c := d.Serve(t, hyperlane.Config{}, func(s *hyperlane.Server) {
			s.Any("/{kind}/{have:int}", func(c *hyperlane.Context) error {
				have, _ := strconv.Atoi(c.Param("have"))
				var body io.Reader = strings.NewReader(strings.Repeat("x", have))
				length := int64(have)
				switch c.Param("kind") {
				case "unknown":
					length = -1
				case "short":
					length++
				case "long":
					length--
				case "failing":
					body = failing{body}
					length = -1
				case "replaced":
					c.Response.SetBodyReader(closer{body, &closed}, length)
					return c.Text("replaced")
				}
				c.Response.SetHeader("Content-Type", "a/b").SetBodyReader(closer{body, &closed}, length)
				return nil
			})
			s.OnFinish(func(*hyperlane.Context) { finished <- struct{}{} })
		})
		for i, test := range []struct {
			method, target string
			length         string // of Content-Length
			body           int    // bytes
			whole          bool   // the client can tell that it has got all
		}{
			{"GET", "/known/5", "5", 5, true},
			{"GET", "/known/1000000", "1000000", 1_000_000, true},
			{"GET", "/unknown/5", "", 5, true},
			{"GET", "/unknown/1000000", "", 1_000_000, true},
			{"HEAD", "/known/5", "5", 0, true},
			{"HEAD", "/unknown/5", "", 0, true},
			{"GET", "/long/6", "5", 5, true},
			{"GET", "/short/5", "6", 5, false},
			{"GET", "/short/1000000", "1000001", 1_000_000, false},
			{"GET", "/failing/5", "", 5, false},
			{"GET", "/replaced/5", "8", 8, true},
		} {
			request, _ := http.NewRequest(test.method, hyperlanetest.URL+test.target, nil)
			request.Close = true // net/http asks again where a connection that was used before breaks
			r, err := c.HTTP().Do(request)
			var body []byte
			if err == nil {
				body, err = io.ReadAll(r.Body)
				r.Body.Close()
				// net/http counts what is short.
				if got := r.Header.Get("Content-Length"); got != test.length && (d != hyperlanetest.NetHTTP || test.length != "") {
					t.Errorf("%s %s: got Content-Length %q, want %q", test.method, test.target, got, test.length)
				}
			}
			if len(body) != test.body && (test.whole || err == nil) || (err == nil) != test.whole {
				t.Errorf("%s %s: got %d bytes and %v, want %d, whole: %t", test.method, test.target, len(body), err, test.body, test.whole)
			}
			await(t, finished, "the end of the request")
			if got := closed.Load(); int(got) != i+1 {
				t.Errorf("%s %s: the body was closed %d times, want once", test.method, test.target, int(got)-i)
				closed.Store(int32(i + 1))
			}
		}
	})
}

func TestATrailerFollowsAStream(t *testing.T) {
	each(t, hyperlane.Config{}, func(s *hyperlane.Server) {
		s.Get("/", func(c *hyperlane.Context) error {
			c.Response.SetHeader("Trailer", "X-Sum")
			return c.Stream(func(w *hyperlane.Stream) error {
				w.WriteString("body")
				err := w.Flush()
				c.Response.SetTrailer("X-Sum", "42")
				return err
			})
		})
	}, func(t *testing.T, c *hyperlanetest.Client) {
		c.Get("/").Status(200).Body("body").Trailer("X-Sum", "42")
	})
}

func TestAnAnswerWithoutABodyTakesNone(t *testing.T) {
	each(t, hyperlane.Config{}, func(s *hyperlane.Server) {
		s.Get("/{status:int}", func(c *hyperlane.Context) error {
			status, _ := strconv.Atoi(c.Param("status"))
			c.Response.SetStatus(status)
			return c.Stream(func(w *hyperlane.Stream) error {
				if err := w.Flush(); err != nil {
					return err
				}
				_, err := w.WriteString("must not leave")
				return err
			})
		})
	}, func(t *testing.T, c *hyperlanetest.Client) {
		nc := c.Dial()
		for _, status := range []string{"204", "304", "204"} {
			write(t, nc, "GET /"+status+" HTTP/1.1\r\nHost: x\r\n\r\n")
			got := readUntil(t, nc, "\r\n\r\n")
			if !strings.HasPrefix(got, "HTTP/1.1 "+status) || strings.Contains(got, "Content-Length") || strings.Contains(got, "chunked") {
				t.Errorf("got %q", got)
			}
		}
	})
}

// The memory that waits for a client is bounded by what the kernel takes; then the handler waits, and WriteTimeout ends it.
func TestAClientThatNeverReadsIsGivenUp(t *testing.T) {
	ours(t, func(t *testing.T, d hyperlanetest.Driver) {
		var written atomic.Int64
		ended := make(chan error, 1)
		c := d.Serve(t, hyperlane.Config{WriteTimeout: 300 * time.Millisecond}, func(s *hyperlane.Server) {
			s.Get("/", func(c *hyperlane.Context) error {
				return c.Stream(func(w *hyperlane.Stream) error {
					for piece := make([]byte, 16<<10); ; {
						n, err := w.Write(piece)
						written.Add(int64(n))
						if err != nil {
							ended <- err
							return err
						}
					}
				})
			})
			s.Get("/ok", func(c *hyperlane.Context) error { return c.Text("ok") })
		})
		nc := c.Dial()
		write(t, nc, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		await(t, ended, "the end of a stream that nobody reads")
		if n := written.Load(); n > 64<<20 {
			t.Errorf("got %d bytes written for a client that reads none", n)
		}
		c.Get("/ok").Body("ok")
	})
}
