package interop

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"strings"
	"testing"

	"github.com/hyperlane-go/hyperlane"
)

// onEachHTTP2 runs test with a server that is reached over TLS, and by prior knowledge on each driver.
func onEachHTTP2(t *testing.T, set func(s *hyperlane.Server), test func(t *testing.T, c *http.Client, base string, server *hyperlane.Server)) {
	t.Run("TLS", func(t *testing.T) {
		cert, _, _ := certificate(t, "localhost")
		server := hyperlane.New(configOf("auto"))
		set(server)
		addr := serveTLS(t, server, &tls.Config{Certificates: []tls.Certificate{cert}})
		test(t, tlsClient(t, true, cert), "https://"+addr, server)
	})
	for _, driver := range drivers() {
		if driver == "nethttp" {
			continue
		}
		t.Run(driver, func(t *testing.T) {
			server := hyperlane.New(configOf(driver))
			set(server)
			addr := serveOn(t, driver, server)
			test(t, client(t, true), "http://"+addr, server)
		})
	}
}

func TestHandlersSpeakHTTP2(t *testing.T) {
	next, called := make(chan struct{}), make(chan struct{})
	left := make(chan error, 1)
	onEachHTTP2(t, func(s *hyperlane.Server) {
		s.Get("/stream", func(c *hyperlane.Context) error {
			return c.Stream(func(w *hyperlane.Stream) error {
				for i := range 3 {
					fmt.Fprintln(w, i)
					if err := w.Flush(); err != nil {
						return err
					}
					<-next
				}
				c.Response.SetTrailer("X-Sum", "3")
				return nil
			})
		})
		s.Post("/echo", func(c *hyperlane.Context) error {
			return c.Stream(func(w *hyperlane.Stream) error {
				_, err := io.Copy(w, c.Request.BodyReader())
				return err
			})
		})
		s.Post("/whole", func(c *hyperlane.Context) error {
			body, err := c.Request.Body()
			if err != nil {
				return err
			}
			return c.Bytes("a/b", body)
		})
		s.Get("/hang", func(c *hyperlane.Context) error {
			called <- struct{}{}
			<-c.Context().Done()
			left <- context.Cause(c.Context())
			return nil
		})
		s.Get("/panic", func(*hyperlane.Context) error { panic("asked to") })
		s.Get("/panic/late", func(c *hyperlane.Context) error {
			return c.Stream(func(w *hyperlane.Stream) error {
				w.WriteString("half")
				w.Flush()
				panic("asked to")
			})
		})
		s.Get("/upgrade", func(c *hyperlane.Context) error { return c.Upgrade("websocket", upperCase{}) })
		s.Get("/std", hyperlane.FromHTTP(http.HandlerFunc(echoWebSocket)))
		s.Get("/hijack", func(c *hyperlane.Context) error {
			_, err := c.Hijack()
			if !errors.Is(err, http.ErrNotSupported) {
				t.Errorf("Hijack: %v", err)
			}
			return hyperlane.Errorf(501, "no connection of one's own")
		})
	}, func(t *testing.T, c *http.Client, base string, _ *hyperlane.Server) {
		// The stream stays open while the others go on beside it, on the same connection.
		stream := do(t, c, request(t, "GET", base+"/stream", nil))
		lines := bufio.NewScanner(stream.Body)
		line := func(i int) {
			if !lines.Scan() || lines.Text() != fmt.Sprint(i) {
				t.Fatalf("line %d: got %q, %v", i, lines.Text(), lines.Err())
			}
		}
		line(0)
		big := strings.Repeat("0123456789abcdef", 1<<18)
		for _, path := range []string{"/echo", "/whole"} {
			resp := do(t, c, request(t, "POST", base+path, strings.NewReader(big)))
			if got := text(t, resp.Body); got != big {
				t.Errorf("%s: got %d bytes back, want %d", path, len(got), len(big))
			}
		}
		resp := do(t, c, request(t, "GET", base+"/panic", nil))
		want(t, "status of a panic", resp.StatusCode, 500)
		resp = do(t, c, request(t, "GET", base+"/panic/late", nil))
		if _, err := io.ReadAll(resp.Body); err == nil {
			t.Error("a response is complete although its handler has panicked")
		}
		r := request(t, "GET", base+"/hang", nil)
		ctx, cancel := context.WithCancel(r.Context())
		go func() {
			if resp, err := c.Do(r.WithContext(ctx)); err == nil {
				resp.Body.Close()
			}
		}()
		await(t, "the handler is called", called)
		cancel()
		if err := await(t, "its context ends", left); !errors.Is(err, hyperlane.ErrDisconnected) {
			t.Errorf("cause: got %v", err)
		}
		for _, path := range []string{"/upgrade", "/std"} {
			resp = do(t, c, request(t, "GET", base+path, nil))
			if resp.StatusCode != 426 {
				t.Errorf("%s: got status %d: %s", path, resp.StatusCode, text(t, resp.Body))
			}
		}
		resp = do(t, c, request(t, "GET", base+"/hijack", nil))
		want(t, "status of a hijack", resp.StatusCode, 501)
		// Nothing of that has hurt the stream.
		next <- struct{}{}
		line(1)
		next <- struct{}{}
		line(2)
		next <- struct{}{}
		want(t, "end", lines.Scan(), false)
		want(t, "trailer", stream.Trailer.Get("X-Sum"), "3")
	})
}

func TestAShutdownLetsStreamsOfHTTP2Finish(t *testing.T) {
	next := make(chan struct{})
	onEachHTTP2(t, func(s *hyperlane.Server) {
		s.Get("/", func(c *hyperlane.Context) error {
			return c.Stream(func(w *hyperlane.Stream) error {
				w.WriteString("a")
				w.Flush()
				<-next
				_, err := w.WriteString("b")
				return err
			})
		})
	}, func(t *testing.T, c *http.Client, base string, server *hyperlane.Server) {
		resp := do(t, c, request(t, "GET", base+"/", nil))
		done := make(chan error, 1)
		go func() { done <- server.Shutdown(t.Context()) }()
		for server.Ready() {
		}
		next <- struct{}{}
		want(t, "body", text(t, resp.Body), "ab")
		if err := await(t, "the shutdown", done); err != nil {
			t.Errorf("Shutdown: %v", err)
		}
	})
}

func TestAShutdownThatRunsOutOfTimeEndsHTTP2(t *testing.T) {
	left := make(chan error, 1)
	onEachHTTP2(t, func(s *hyperlane.Server) {
		s.Get("/", func(c *hyperlane.Context) error {
			return c.Stream(func(w *hyperlane.Stream) error {
				w.Flush()
				<-c.Context().Done()
				left <- context.Cause(c.Context())
				return nil
			})
		})
	}, func(t *testing.T, c *http.Client, base string, server *hyperlane.Server) {
		resp := do(t, c, request(t, "GET", base+"/", nil))
		now, cancel := context.WithCancel(t.Context())
		cancel()
		if err := server.Shutdown(now); !errors.Is(err, context.Canceled) {
			t.Errorf("Shutdown: %v", err)
		}
		if err := await(t, "the handler is told", left); !errors.Is(err, hyperlane.ErrShutdown) {
			t.Errorf("cause: got %v", err)
		}
		io.Copy(io.Discard, resp.Body)
	})
}

func TestH2loadGetsAnAnswerToEachRequest(t *testing.T) {
	h2load := need(t, "h2load")
	for _, driver := range drivers() {
		t.Run(driver, func(t *testing.T) {
			addr := serve(t, driver, answerStartText)
			for _, flag := range []string{"--h1", "--no-tls-proto=h2c"} {
				out, err := exec.CommandContext(t.Context(), h2load, flag, "-n", "5000", "-c", "20", "-m", "10", "http://"+addr+"/").CombinedOutput()
				if err != nil || !strings.Contains(string(out), "5000 succeeded, 0 failed, 0 errored, 0 timeout") {
					t.Errorf("h2load %s: %v\n%s", flag, err, out)
				}
			}
		})
	}
}
