package interop

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"runtime"
	"testing"
	"time"

	"github.com/hyperlane-go/hyperlane"
)

// within is for anything that must happen.
const within = 10 * time.Second

// startText is what the server of startH2C answers, on every path. Cases of h2spec need a body of some bytes.
const startText = "a body of more than some bytes"

// startH2C serves startText on every path, over HTTP/1.1 and over HTTP/2 with prior knowledge on one port, until the test
// ends.
func startH2C(t *testing.T) (addr string) {
	t.Helper()
	return serve(t, drivers()[0], answerStartText)
}

func answerStartText(s *hyperlane.Server) {
	s.Any("/", func(c *hyperlane.Context) error {
		if _, err := c.Request.Body(); err != nil {
			return err
		}
		return c.Text(startText)
	})
}

// drivers are the ways into a server.
func drivers() []string {
	if runtime.GOOS != "linux" {
		return []string{"blocking", "nethttp"}
	}
	return []string{"loop", "blocking", "nethttp"}
}

// onEachDriver runs test against a server with the routes of set, once for each driver.
func onEachDriver(t *testing.T, set func(s *hyperlane.Server), test func(t *testing.T, addr string)) {
	for _, driver := range drivers() {
		t.Run(driver, func(t *testing.T) { test(t, serve(t, driver, set)) })
	}
}

// configOf is that of every server here, but for what a test adds.
func configOf(driver string) hyperlane.Config {
	if driver == "nethttp" {
		driver = "auto"
	}
	return hyperlane.Config{Driver: driver, Logger: slog.New(slog.DiscardHandler)}
}

// serve starts a server with the routes of set on a port of its own, until the test ends.
func serve(t *testing.T, driver string, set func(s *hyperlane.Server)) (addr string) {
	t.Helper()
	server := hyperlane.New(configOf(driver))
	server.OnPanic(func(c *hyperlane.Context, p *hyperlane.PanicError) {
		t.Errorf("%s %s panicked: %v\n%s", c.Request.Method(), c.Request.Path(), p.Value, p.Stack)
	})
	set(server)
	return serveOn(t, driver, server)
}

// serveOn starts server on a port of its own, until the test ends.
func serveOn(t *testing.T, driver string, server *hyperlane.Server) (addr string) {
	t.Helper()
	if err := server.Validate(); err != nil {
		t.Fatal(err)
	}
	ln := listen(t)
	if driver == "nethttp" {
		std := &http.Server{Handler: server, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)}
		var protocols http.Protocols
		protocols.SetHTTP1(true)
		protocols.SetUnencryptedHTTP2(true)
		std.Protocols = &protocols
		go std.Serve(ln)
		t.Cleanup(func() { std.Close() })
		return ln.Addr().String()
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(ln) }()
	t.Cleanup(func() {
		server.Close()
		if err := <-ended; !errors.Is(err, hyperlane.ErrServerClosed) {
			t.Errorf("Serve returned %v", err)
		}
	})
	return ln.Addr().String()
}

// serveStd starts a server of net/http with handler on a port of its own, until the test ends.
func serveStd(t *testing.T, handler http.Handler) (addr string) {
	t.Helper()
	ln := listen(t)
	std := &http.Server{Handler: handler, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)}
	go std.Serve(ln)
	t.Cleanup(func() { std.Close() })
	return ln.Addr().String()
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return ln
}

// client returns a client that keeps no connection beyond the test and follows no redirect. h2c has it speak HTTP/2 with prior
// knowledge.
func client(t *testing.T, h2c bool) *http.Client {
	t.Helper()
	transport := &http.Transport{Protocols: new(http.Protocols), DisableCompression: true}
	transport.Protocols.SetHTTP1(!h2c)
	transport.Protocols.SetUnencryptedHTTP2(h2c)
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// request returns a request that ends with the test. pairs are names and values of fields.
func request(t *testing.T, method, url string, body io.Reader, pairs ...string) *http.Request {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), within)
	t.Cleanup(cancel)
	r, err := http.NewRequestWithContext(ctx, method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(pairs); i += 2 {
		r.Header.Add(pairs[i], pairs[i+1])
	}
	return r
}

// do sends r and returns the response, whose body is to be read.
func do(t *testing.T, c *http.Client, r *http.Request) *http.Response {
	t.Helper()
	resp, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	return resp
}

// get is do with GET, over HTTP/1.1, and a body that is read.
func get(t *testing.T, url string, pairs ...string) (*http.Response, string) {
	t.Helper()
	resp := do(t, client(t, false), request(t, http.MethodGet, url, nil, pairs...))
	return resp, text(t, resp.Body)
}

func text(t *testing.T, r io.Reader) string {
	t.Helper()
	body, err := io.ReadAll(r)
	if err != nil {
		t.Errorf("body: %v", err)
	}
	return string(body)
}

// await fails the test when ch brings nothing in time.
func await[T any](t *testing.T, what string, ch <-chan T) (v T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	select {
	case v = <-ch:
	case <-ctx.Done():
		t.Fatalf("%s: has not happened", what)
	}
	return v
}

// want compares.
func want[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %#v, want %#v", what, got, want)
	}
}
