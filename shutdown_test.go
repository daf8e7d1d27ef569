package hyperlane_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/hyperlane-go/hyperlane"
	"github.com/hyperlane-go/hyperlane/hyperlanetest"
)

// slowServer has a handler that waits, and tells what became of its context.
type slowServer struct {
	started chan struct{}
	proceed chan struct{}
	cause   chan error
}

func newSlowServer() *slowServer {
	return &slowServer{make(chan struct{}, 10), make(chan struct{}), make(chan error, 10)}
}

func (w *slowServer) fill(s *hyperlane.Server) {
	fillBodies(s)
	s.Get("/slow", func(c *hyperlane.Context) error {
		w.started <- struct{}{}
		<-w.proceed
		return c.Text("done")
	})
	s.Get("/hang", func(c *hyperlane.Context) error {
		ctx := c.Context()
		w.started <- struct{}{}
		<-ctx.Done()
		w.cause <- context.Cause(ctx)
		return c.Text("too late")
	})
}

func TestAShutdownAnswersWhatIsUnderWayAndClosesWhatIsIdle(t *testing.T) {
	ours(t, func(t *testing.T, d hyperlanetest.Driver) {
		w := newSlowServer()
		shutting := make(chan struct{})
		c := d.Serve(t, hyperlane.Config{}, func(s *hyperlane.Server) {
			w.fill(s)
			s.OnShutdown(func() { close(shutting) })
		})
		busy, idle := c.Dial(), c.Dial()
		write(t, idle, "GET /next HTTP/1.1\r\nHost: x\r\n\r\n")
		if _, err := readMessage(idle); err != nil {
			t.Fatal(err)
		}
		write(t, busy, "GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
		await(t, w.started, "the handler")

		ended := make(chan error, 1)
		go func() { ended <- c.Shutdown(context.Background()) }()
		await(t, shutting, "the shutdown")
		if rest := readAll(t, idle); rest != "" {
			t.Errorf("got %q on an idle connection, want it closed", rest)
		}
		if c.Server().Ready() {
			t.Error("got ready from a server that shuts down")
		}
		select {
		case err := <-ended:
			t.Errorf("the shutdown has ended, with %v, before the last answer", err)
		default:
		}
		close(w.proceed)
		contains(t, readAll(t, busy), "HTTP/1.1 200", "Connection: close\r\n", "\r\ndone")
		if err := await(t, ended, "the end of the shutdown"); err != nil {
			t.Errorf("got %v from an orderly shutdown", err)
		}
		if _, err := c.HTTP().Get(hyperlanetest.URL + "/next"); err == nil {
			t.Error("got an answer from a server that was shut down")
		}
	})
}

func TestAShutdownThatRunsOutOfTimeCancelsAndClosesTheRest(t *testing.T) {
	ours(t, func(t *testing.T, d hyperlanetest.Driver) {
		w := newSlowServer()
		c := d.Serve(t, hyperlane.Config{}, w.fill)
		nc := c.Dial()
		write(t, nc, "GET /hang HTTP/1.1\r\nHost: x\r\n\r\n")
		await(t, w.started, "the handler")
		ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
		defer cancel()
		if err := c.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v from a shutdown without enough time, want %v", err, context.DeadlineExceeded)
		}
		if cause := await(t, w.cause, "the end of the context"); !errors.Is(cause, hyperlane.ErrShutdown) {
			t.Errorf("got cause %v, want %v", cause, hyperlane.ErrShutdown)
		}
		io.ReadAll(nc) // until it is closed
	})
}

func TestCloseEndsEverythingAtOnce(t *testing.T) {
	ours(t, func(t *testing.T, d hyperlanetest.Driver) {
		w := newSlowServer()
		c := d.Serve(t, hyperlane.Config{}, w.fill)
		nc := c.Dial()
		write(t, nc, "GET /hang HTTP/1.1\r\nHost: x\r\n\r\n")
		await(t, w.started, "the handler")
		if err := c.Server().Close(); err != nil {
			t.Error(err)
		}
		if cause := await(t, w.cause, "the end of the context"); !errors.Is(cause, hyperlane.ErrShutdown) && !errors.Is(cause, hyperlane.ErrDisconnected) {
			t.Errorf("got cause %v, want %v", cause, hyperlane.ErrShutdown)
		}
		io.ReadAll(nc) // until it is closed
	})
}

// A request that has begun to arrive when the shutdown begins is one that the client knows of: it is answered.
func TestAHeadThatIsOnItsWayIsAnsweredDuringAShutdown(t *testing.T) {
	ours(t, func(t *testing.T, d hyperlanetest.Driver) {
		shutting := make(chan struct{})
		c := d.Serve(t, hyperlane.Config{}, func(s *hyperlane.Server) {
			fillBodies(s)
			s.OnShutdown(func() { close(shutting) })
		})
		nc, idle := c.Dial(), c.Dial()
		write(t, nc, "GET /next HTTP/1.1\r\nHost: x\r\n\r\nGET /next HTTP/1.1\r\nHo")
		if _, err := readMessage(nc); err != nil {
			t.Fatal(err)
		}
		write(t, idle, "GET /next HTTP/1.1\r\nHost: x\r\n\r\n")
		if _, err := readMessage(idle); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- c.Shutdown(context.Background()) }()
		await(t, shutting, "the shutdown")
		readAll(t, idle) // closed: the server has gone through its connections
		write(t, nc, "st: x\r\n\r\n")
		contains(t, readAll(t, nc), "HTTP/1.1 200", "Connection: close", "next")
		if err := await(t, ended, "the end of the shutdown"); err != nil {
			t.Error(err)
		}
	})
}

func TestRunEndsInOrderWhenItsContextEnds(t *testing.T) {
	for _, addr := range []string{"127.0.0.1:0", "unix:" + t.TempDir() + "/s"} {
		ctx, cancel := context.WithCancel(context.Background())
		var book logbook
		listening := make(chan string, 1)
		s := hyperlane.New(hyperlane.Config{Logger: book.logger()})
		s.Get("/", func(c *hyperlane.Context) error {
			defer cancel() // while a request is under way
			return c.Text("hello")
		})
		ended := make(chan error, 1)
		go func() { ended <- s.Run(ctx, addr) }()
		go func() {
			for !strings.Contains(book.String(), "serving addr=") {
				select {
				case <-ctx.Done():
					return
				case <-time.After(time.Millisecond):
				}
			}
			_, after, _ := strings.Cut(book.String(), "serving addr=")
			listening <- strings.Fields(after)[0]
		}()
		where := await(t, listening, "the address")
		network := "tcp"
		if strings.HasPrefix(addr, "unix:") {
			network = "unix"
		}
		nc, err := net.Dial(network, where)
		if err != nil {
			t.Fatal(err)
		}
		write(t, nc, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		contains(t, readAll(t, nc), "200 OK", "hello")
		nc.Close()
		if err := await(t, ended, "the end of Run"); err != nil {
			t.Errorf("got %v from Run, want nil after an orderly shutdown", err)
		}
		if s.Ready() {
			t.Error("got ready from a server whose Run has ended")
		}
		if err := s.Serve(listenTCP(t)); !errors.Is(err, hyperlane.ErrServerClosed) {
			t.Errorf("got %v from Serve after the end, want %v", err, hyperlane.ErrServerClosed)
		}
	}
}

func listenTCP(t *testing.T) net.Listener {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return ln
}

func TestAServerIsReadyOnceItServes(t *testing.T) {
	each(t, hyperlane.Config{}, func(s *hyperlane.Server) {
		if s.Ready() {
			t.Error("got ready from a server that does not serve yet")
		}
		s.Get("/ready", func(c *hyperlane.Context) error { return c.Text(fmt.Sprint(c.Server().Ready())) })
	}, func(t *testing.T, c *hyperlanetest.Client) { c.Get("/ready").Status(200).Body("true") })
}
