package hyperlanetest

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/hyperlane-go/hyperlane"
)

// patience is how long anything that should happen may take: far longer than it ever does, and short enough to wait for a failure.
const patience = 10 * time.Second

// URL is what the requests of HTTP must begin with. The host is hyperlane.test.
const URL = "http://hyperlane.test"

// Client talks to one server. It follows no redirect and keeps no cookie, so that a test sees what was answered. It belongs to the
// goroutine of its test, but for Dial and HTTP, which any goroutine may call.
type Client struct {
	t        testing.TB
	server   *hyperlane.Server
	dial     func(ctx context.Context) (net.Conn, error)
	shutdown func(ctx context.Context) error
	served   chan error
	family   family
	http     *http.Client

	mu     sync.Mutex // guards what follows
	raw    []net.Conn
	closed bool
}

// New serves server in memory, without a port, until the test has ended, and returns a client for it. When the test ends, the server is
// shut down; the test fails if the server has mistakes, if it does not end in time, or if it leaves a goroutine behind.
func New(t testing.TB, server *hyperlane.Server) *Client {
	t.Helper()
	return start(t, server, Blocking)
}

func start(t testing.TB, server *hyperlane.Server, d Driver) *Client {
	t.Helper()
	if err := server.Validate(); err != nil {
		t.Fatal(err)
	}
	ln, dial := d.listen(t)
	serve, shutdown := d.serve(t, server)
	c := &Client{t: t, server: server, dial: dial, shutdown: shutdown, served: make(chan error, 1), family: newFamily(t)}
	c.http = &http.Client{
		Timeout:       patience,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialContext:        func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx) },
			DisableCompression: true,
		},
	}
	c.family.run(func() { c.served <- serve(ln) })
	t.Cleanup(c.end)
	return c
}

// Server returns the server.
func (c *Client) Server() *hyperlane.Server { return c.server }

// HTTP returns a client for what the methods of Client do not do: answers that are read as they come, say. Its requests go to URL.
func (c *Client) HTTP() *http.Client { return c.http }

// Dial returns a new connection to the server, for those who write and read bytes. It has a deadline, ends with the test, and can be
// half closed (CloseWrite).
func (c *Client) Dial() net.Conn {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	nc, err := c.dial(ctx)
	if err != nil {
		c.t.Errorf("dial: %v", err)
		nc = &conn{in: newPipe(), out: newPipe()}
		nc.Close()
		return nc
	}
	nc.SetDeadline(time.Now().Add(patience))
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		nc.Close()
	}
	c.raw = append(c.raw, nc)
	return nc
}

// Shutdown shuts the server down before the test ends, as Server.Shutdown does, and waits until it serves no more.
func (c *Client) Shutdown(ctx context.Context) error {
	err := c.shutdown(ctx)
	select {
	case served := <-c.served:
		c.served <- served
		if !errors.Is(served, hyperlane.ErrServerClosed) {
			err = errors.Join(err, served)
		}
	case <-time.After(patience):
		err = errors.Join(err, errors.New("Serve has not returned"))
	}
	return err
}

// end is the end of the test.
func (c *Client) end() {
	c.http.CloseIdleConnections()
	c.mu.Lock()
	c.closed = true
	for _, nc := range c.raw {
		nc.Close()
	}
	c.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := c.Shutdown(ctx); err != nil {
		c.t.Errorf("the server does not end as it should: %v", err)
	}
	c.family.wait(c.t)
}
