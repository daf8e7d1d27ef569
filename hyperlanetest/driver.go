package hyperlanetest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hyperlane-go/hyperlane"
)

// Driver is a way in which bytes reach a server. What a handler sees and what a client is answered must not depend on it.
type Driver string

// The drivers that Each goes through.
const (
	Blocking    Driver = "blocking"     // a goroutine for each connection, in memory
	BlockingTCP Driver = "blocking-tcp" // the same, over the loopback interface
	Loop        Driver = "loop"         // the event loop, over the loopback interface
	LoopUnix    Driver = "loop-unix"    // the event loop, over a unix socket
	NetHTTP     Driver = "nethttp"      // an http.Server whose handler is the hyperlane.Server, in memory
)

// Each runs test once for every driver, as a subtest with the driver's name. The event loop is skipped where there is none.
func Each(t *testing.T, test func(t *testing.T, d Driver)) {
	for _, d := range []Driver{Blocking, BlockingTCP, Loop, LoopUnix, NetHTTP} {
		t.Run(string(d), func(t *testing.T) {
			if d.loop() {
				if err := loops(); err != nil {
					t.Skip(err)
				}
			}
			test(t, d)
		})
	}
}

func (d Driver) loop() bool { return d == Loop || d == LoopUnix }

// Serve makes a server of config, whose Driver is set, has fill register its routes, and serves it until the test has ended, see New.
// Without a Logger in config, the server logs to the test.
func (d Driver) Serve(t testing.TB, config hyperlane.Config, fill func(server *hyperlane.Server)) *Client {
	t.Helper()
	config.Driver = "blocking"
	if d.loop() {
		config.Driver = "loop"
	}
	if config.Logger == nil {
		w := &testWriter{t: t}
		config.Logger = slog.New(slog.NewTextHandler(w, nil))
		t.Cleanup(w.end)
	}
	server := hyperlane.New(config)
	if fill != nil {
		fill(server)
	}
	return start(t, server, d)
}

// listen opens a listener for d, and returns it with the way to reach it.
func (d Driver) listen(t testing.TB) (net.Listener, func(ctx context.Context) (net.Conn, error)) {
	t.Helper()
	if d == Blocking || d == NetHTTP {
		m := newMemory()
		return m, m.dial
	}
	network, addr := "tcp", "127.0.0.1:0"
	if d == LoopUnix {
		network, addr = "unix", filepath.Join(t.TempDir(), "s")
	}
	ln, err := net.Listen(network, addr)
	if err != nil {
		t.Fatal(err)
	}
	return ln, func(ctx context.Context) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, ln.Addr().String())
	}
}

// serve serves connections from ln until shutdown was called, which ends within ctx.
func (d Driver) serve(t testing.TB, server *hyperlane.Server) (serve func(net.Listener) error, shutdown func(context.Context) error) {
	if d != NetHTTP {
		return server.Serve, server.Shutdown
	}
	std := &http.Server{Handler: server, ErrorLog: log.New(io.Discard, "", 0)}
	return std.Serve, func(ctx context.Context) error {
		drained := make(chan error, 1)
		go func() { drained <- std.Shutdown(ctx) }()
		err := errors.Join(server.Shutdown(ctx), <-drained)
		std.Close()
		return err
	}
}

// loops reports why the event loop cannot be used, by trying it.
var loops = sync.OnceValue(func() error {
	if runtime.GOOS != "linux" {
		return errors.New("there is no event loop on " + runtime.GOOS)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil // the test will say so
	}
	server := hyperlane.New(hyperlane.Config{Driver: "loop", Logger: slog.New(slog.DiscardHandler)})
	defer server.Close()
	failed := make(chan error, 1)
	answered := make(chan struct{})
	go func() { failed <- server.Serve(ln) }()
	go func() {
		nc, err := net.Dial("tcp", ln.Addr().String())
		if err != nil {
			return
		}
		defer nc.Close()
		fmt.Fprintf(nc, "GET / HTTP/1.1\r\nHost: probe\r\nConnection: close\r\n\r\n")
		if n, _ := nc.Read(make([]byte, 1)); n == 1 {
			close(answered)
		}
	}()
	select {
	case err := <-failed:
		if strings.Contains(err.Error(), "no event loop") {
			return err
		}
	case <-answered:
	case <-time.After(patience):
	}
	return nil
})

// testWriter writes to the log of a test until that has ended.
type testWriter struct {
	mu sync.Mutex // guards what follows
	t  testing.TB
}

func (w *testWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.t != nil {
		w.t.Log(strings.TrimSpace(string(p)))
	}
	return len(p), nil
}

func (w *testWriter) end() {
	w.mu.Lock()
	w.t = nil
	w.mu.Unlock()
}
