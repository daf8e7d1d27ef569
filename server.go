package hyperlane

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/hyperlane-go/hyperlane/internal/engine"
	"github.com/hyperlane-go/hyperlane/internal/http1"
	"github.com/hyperlane-go/hyperlane/internal/route"
)

// Server holds routes, middleware and hooks, and serves them. It is a [Group], the outermost: all methods of Group are methods of
// Server, too (server.Get, server.OnRequest, server.Use, server.Group). One goroutine fills it; then Run, Serve and
// ServeHTTP may be called from any.
type Server struct {
	outermost
	config     Config
	headLimits http1.Limits
	sealer     *CookieSealer

	registrations []*registration
	table         route.Table[*registration]
	builtin       builtin
	hooks         hooks
	mappings      []mapping
	freezing      sync.Once
	frozen        atomic.Bool

	engine   *engine.Engine
	cells    *cells
	inFlight atomic.Int64 // requests, if Config.MaxInFlight bounds them
	h2       *http2Server
	date     atomic.Pointer[dateLine]
	base     context.Context // of every request; ends when a shutdown runs out of time
	cancel   context.CancelCauseFunc
	draining context.Context // ends when a shutdown begins
	drain    context.CancelCauseFunc

	ready    atomic.Bool // it has begun to serve
	shutting atomic.Bool // every answer is the last of its connection

	mu    sync.Mutex // guards what follows
	wrong []error
}

// New returns a server without routes. A mistake in config, like one in a registration, is reported by Run, Serve and Validate.
func New(config Config) *Server {
	s := &Server{builtin: newBuiltin()}
	s.outermost.server = s
	if err := config.Validate(); err != nil {
		s.mistake(err)
		config = Config{Logger: config.Logger}
	}
	s.config = config.withDefaults()
	l := s.config.Limits
	s.headLimits = http1.Limits{Head: l.Head, Target: l.Target, Fields: l.Fields, Field: l.Field}
	if len(s.config.CookieKeys) > 0 {
		sealer, err := NewCookieSealer(s.config.CookieKeys...)
		if err != nil {
			s.mistake(err)
		}
		s.sealer = sealer
	}
	s.base, s.cancel = context.WithCancelCause(context.Background())
	s.draining, s.drain = context.WithCancelCause(context.Background())
	s.tick(time.Now())
	s.cells = newCells(s.config.Loops)
	s.engine = engine.New(s.engineConfig())
	s.h2 = newHTTP2Server(s)
	return s
}

func (s *Server) engineConfig() engine.Config {
	c := s.config
	return engine.Config{
		Accept: s.accept,
		Admit:  s.admit,
		Ticked: s.tick,
		Failed: func(err error) { c.Logger.Error("engine", "error", err) },

		HeadTimeout: max(c.HeadTimeout, 0), BodyTimeout: max(c.BodyTimeout, 0), BodyRate: max(c.MinBodyRate, 0),
		IdleTimeout: max(c.IdleTimeout, 0), WriteTimeout: max(c.WriteTimeout, 0),

		MaxConns: c.MaxConns, Refusal: refusal, ReadBuffer: c.ReadBuffer, Switched: c.WebSocketBuffer, OutboxLimit: c.Limits.Outbox, Loops: c.Loops,
	}
}

var refusal = []byte("HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n")

// accept makes the protocol of a new connection.
func (s *Server) accept(handle *engine.Conn) engine.Protocol {
	co := &conn{server: s, handle: handle, cell: s.cells.of(handle)}
	co.peer.handle = handle
	if secure, ok := handle.NetConn().(*tls.Conn); ok {
		state := secure.ConnectionState()
		co.peer.tls = &state
	}
	if co.peer.tls == nil && !s.welcomes(co.peer.remote) {
		return nil
	}
	return co
}

// welcomes asks the hooks whether a new connection may stay. With TLS that is before the handshake, see admit.
func (s *Server) welcomes(remote func() net.Addr) bool {
	for _, hook := range s.hooks.connect {
		if err := hook(remote()); err != nil {
			s.config.Logger.Info("connection refused", "remote", remote(), "error", err)
			return false
		}
	}
	return true
}

// Validate compiles the routes and returns every mistake that was made since New: in the config, in patterns, in constraints.
// Nothing can be registered after it.
func (s *Server) Validate() error { return s.freeze() }

// Logger returns what the server writes its log to: Config.Logger, or the default.
func (s *Server) Logger() *slog.Logger { return s.config.Logger }

// mistake notes something that keeps the server from starting.
func (s *Server) mistake(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wrong = append(s.wrong, err)
}

func (s *Server) mistakes() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return errors.Join(s.wrong...)
}

// Run listens on addr and serves until ctx ends or the process gets SIGINT or SIGTERM; then it shuts down, for
// Config.ShutdownTimeout at most. A second signal ends it at once. addr is "host:port", "unix:/path", "fd:3" for an
// inherited listener, or "systemd:name" for one that systemd has opened under that name ("systemd:" for the first).
// The error is nil after an orderly shutdown.
func (s *Server) Run(ctx context.Context, addr string) error {
	if err := s.freeze(); err != nil {
		return err
	}
	ln, err := s.listen(ctx, addr)
	if err != nil {
		return err
	}
	return s.run(ctx, func() error { return s.Serve(ln) }, ln)
}

// RunTLS is Run with TLS: HTTP/2 for clients that ask for it, HTTP/1.1 for the others. The files hold a certificate chain and its
// key, in PEM.
func (s *Server) RunTLS(ctx context.Context, addr, certFile, keyFile string) error {
	if err := s.freeze(); err != nil {
		return err
	}
	config, err := loadTLS(certFile, keyFile)
	if err != nil {
		return err
	}
	ln, err := s.listen(ctx, addr)
	if err != nil {
		return err
	}
	return s.run(ctx, func() error { return s.ServeTLS(ln, config) }, ln)
}

// run serves until it is told to end.
func (s *Server) run(ctx context.Context, serve func() error, ln net.Listener) error {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	failed := make(chan error, 1)
	go func() { failed <- serve() }()
	s.config.Logger.Info("serving", "addr", ln.Addr().String())
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	stop() // the next signal ends the process, as it would without us
	limit := context.Background()
	if s.config.ShutdownTimeout > 0 {
		var cancel context.CancelFunc
		limit, cancel = context.WithTimeout(limit, s.config.ShutdownTimeout)
		defer cancel()
	}
	err := s.Shutdown(limit)
	<-failed
	return err
}

// ErrServerClosed is what Serve returns after Shutdown or Close.
var ErrServerClosed = http.ErrServerClosed

// Serve serves connections from ln until Shutdown, Close, or an error of ln. It closes ln, and may be called for several listeners.
func (s *Server) Serve(ln net.Listener) error {
	if err := s.freeze(); err != nil {
		ln.Close()
		return err
	}
	s.ready.Store(true)
	var err error
	if s.config.Driver != "blocking" {
		err = s.engine.ServeLoops(ln)
		if errors.Is(err, engine.ErrNoLoops) && s.config.Driver == "loop" {
			ln.Close()
			return fmt.Errorf("driver %q cannot serve %T: %w", s.config.Driver, ln, err)
		}
	}
	if s.config.Driver == "blocking" || errors.Is(err, engine.ErrNoLoops) {
		err = s.engine.Serve(ln)
	}
	if errors.Is(err, engine.ErrEngineClosed) {
		return ErrServerClosed
	}
	return err
}

// Ready reports whether the server accepts requests: it has begun to serve, in one way or another, and not begun to shut down. It is what
// a readiness probe should answer.
func (s *Server) Ready() bool {
	return s.ready.Load() && !s.shutting.Load()
}

// Draining returns a context that ends when a shutdown begins, before the contexts of requests do, with the cause ErrShutdown. It is for
// what would go on for ever: a handler that streams should end with it.
func (s *Server) Draining() context.Context { return s.draining }

// Shutdown drains the server: it is no longer Ready, stops accepting, closes connections that wait for a request, tells upgraded ones,
// and waits for the others, whose answers say "Connection: close". When ctx ends first, the contexts of the requests that
// are left are cancelled, their connections closed, and ctx's error is returned.
func (s *Server) Shutdown(ctx context.Context) error {
	if s.shutting.CompareAndSwap(false, true) {
		for _, hook := range s.hooks.shutdown {
			hook()
		}
		s.drain(ErrShutdown)
	}
	// When ctx ends, the contexts of requests are told why before their connections are closed.
	waiting, giveUp := context.WithCancel(context.WithoutCancel(ctx))
	defer giveUp()
	stop := context.AfterFunc(ctx, func() {
		s.cancel(ErrShutdown)
		giveUp()
	})
	defer stop()
	drained := make(chan error, 1)
	go func() { drained <- s.h2.shutdown(waiting) }()
	err := errors.Join(s.engine.Shutdown(waiting), <-drained)
	s.cancel(ErrShutdown)
	if waiting.Err() != nil {
		return ctx.Err()
	}
	return err
}

// Close ends the server at once: every connection is closed, every request's context cancelled. It does not wait for handlers.
func (s *Server) Close() error {
	s.shutting.Store(true)
	s.drain(ErrShutdown)
	s.cancel(ErrShutdown)
	s.engine.Close()
	return s.h2.closeNow()
}

// dateLine is the Date field of one second.
type dateLine struct {
	second int64
	line   []byte
}

// tick is told the time by the engine, several times a second.
func (s *Server) tick(now time.Time) {
	if d := s.date.Load(); d != nil && d.second == now.Unix() {
		return
	}
	// RFC 9110 section 5.6.7: IMF-fixdate.
	line := now.UTC().AppendFormat([]byte("Date: "), http.TimeFormat)
	s.date.Store(&dateLine{now.Unix(), append(line, "\r\n"...)})
}

func (s *Server) appendDate(out []byte) []byte { return append(out, s.date.Load().line...) }

// send sends the response of c, whose body is set: head and body in one piece where that is short.
func (s *Server) send(c *Context) {
	r := &c.Response
	streamed := r.stream != nil
	if streamed {
		r.stream = nil
		r.bytes = r.buffer
	}
	err := s.sendBody(c, streamed)
	if err != nil {
		c.broken = true
		s.config.Logger.Debug("response failed", "path", c.Request.Path(), "error", err)
	}
}

func (s *Server) sendBody(c *Context, streamed bool) error {
	r := &c.Response
	if r.reader != nil {
		return c.sendReader()
	}
	if r.feed != nil {
		return c.sendFeed()
	}
	if !streamed && (len(r.fields) == 0 || r.Header("Content-Type") == "") {
		if r.text != "" {
			r.set("Content-Type", "text/plain; charset=utf-8")
		} else if len(r.bytes) > 0 {
			r.set("Content-Type", "application/octet-stream")
		}
	}
	if err := c.begin(r.knownLength()); err != nil || c.bodiless() {
		return err
	}
	if r.text != "" {
		return c.sendString(r.text)
	}
	return c.send(r.bytes)
}

// finished runs the finish hooks, after the last byte, and removes the files of the form.
func (s *Server) finished(c *Context) {
	defer c.Request.dropForm()
	s.tellFinish(c)
}
