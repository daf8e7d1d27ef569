package hyperlane_test

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/hyperlane-go/hyperlane"
)

// wireDrivers starts the application of the conversations on each driver of ours, and behind net/http.
func wireDrivers(t *testing.T) []wireDriver {
	t.Helper()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, bytes.Repeat([]byte("0123456789abcde\n"), 64<<10), 0o600); err != nil {
		t.Fatal(err)
	}
	var drivers []wireDriver
	for _, name := range []string{"blocking", "loop"} {
		server := wireServer(name, file)
		ln := wireListener(t)
		failed := make(chan error, 1)
		go func() { failed <- server.Serve(ln) }()
		t.Cleanup(func() {
			server.Close()
			if err := <-failed; !errors.Is(err, hyperlane.ErrServerClosed) && name != "loop" {
				t.Errorf("%s: Serve returned %v", name, err)
			}
		})
		drivers = append(drivers, wireDriver{name: name, dial: wireDial(ln)})
	}
	std := &http.Server{
		Handler:        wireServer("auto", file),
		MaxHeaderBytes: 12 << 10, // net/http adds 4 KiB
		ErrorLog:       slog.NewLogLogger(slog.DiscardHandler, slog.LevelError),
	}
	ln := wireListener(t)
	go std.Serve(ln)
	t.Cleanup(func() { std.Close() })
	return append(drivers, wireDriver{name: "nethttp", dial: wireDial(ln), borrowed: true})
}

func wireListener(t *testing.T) net.Listener {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return ln
}

func wireDial(ln net.Listener) func() (net.Conn, error) {
	return func() (net.Conn, error) { return net.Dial("tcp", ln.Addr().String()) }
}

// wireServer is the application of the conversations: testdata/http1/README.md lists its routes and limits.
func wireServer(driver, file string) *hyperlane.Server {
	config := hyperlane.Config{Driver: driver, Logger: slog.New(slog.DiscardHandler)}
	config.Limits.Body = 1 << 20
	s := hyperlane.New(config)
	s.Get("/plaintext", func(c *hyperlane.Context) error { return c.Text("Hello, World!") })
	s.Get("/json", func(c *hyperlane.Context) error {
		return c.JSON(struct {
			Message string `json:"message"`
			ID      int    `json:"id"`
		}{"Hello, World!", 42})
	})
	s.Get("/users/{id}", func(c *hyperlane.Context) error { return c.Text(c.Param("id")) })
	s.Post("/echo", func(c *hyperlane.Context) error {
		body, err := c.Request.Body()
		if err != nil {
			return err
		}
		return c.Bytes("application/octet-stream", body)
	})
	s.Get("/headers", func(c *hyperlane.Context) error {
		fields := make(http.Header)
		for name, value := range c.Request.Headers() {
			fields.Add(name, value)
		}
		return c.JSON(fields)
	})
	s.Get("/sleep/{ms:uint}", func(c *hyperlane.Context) error {
		ms, err := strconv.Atoi(c.Param("ms"))
		time.Sleep(time.Duration(ms) * time.Millisecond)
		return errors.Join(err, c.Text("slept"))
	})
	s.Get("/stream/{n:uint}", func(c *hyperlane.Context) error {
		n, err := strconv.Atoi(c.Param("n"))
		if err != nil {
			return err
		}
		return c.StreamSeq(func(yield func([]byte) bool) {
			for range n {
				if !yield(bytes.Repeat([]byte("x"), 1024)) {
					return
				}
			}
		})
	})
	s.Get("/status/{code:uint}", func(c *hyperlane.Context) error {
		code, err := strconv.Atoi(c.Param("code"))
		c.Response.SetStatus(code)
		return err
	})
	s.Get("/panic", func(*hyperlane.Context) error { panic("asked to") })
	s.Get("/file", func(c *hyperlane.Context) error {
		f, err := os.Open(file)
		if err != nil {
			return err
		}
		c.Response.SetHeader("Content-Type", "application/octet-stream").SetBodyReader(io.Reader(f), 1<<20)
		return nil
	})
	return s
}
