package hyperlane

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"sync"
	"time"

	"github.com/hyperlane-go/hyperlane/internal/engine"
)

func loadTLS(certFile, keyFile string) (*tls.Config, error) {
	cert, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		return nil, fmt.Errorf("certificate %s with key %s: %w", certFile, keyFile, err)
	}
	return &tls.Config{Certificates: []tls.Certificate{cert}}, nil
}

// ServeTLS is Serve with TLS. config holds the certificates, or a way to get them, and is not changed; unless it names protocols
// (NextProtos), HTTP/2 and HTTP/1.1 are offered. HTTP/2 is served by net/http, with the same routes and phases.
func (s *Server) ServeTLS(ln net.Listener, config *tls.Config) error {
	if err := checkTLS(config); err != nil {
		ln.Close()
		return fmt.Errorf("serve TLS: %w", err)
	}
	if err := s.freeze(); err != nil {
		ln.Close()
		return err
	}
	config = config.Clone()
	if len(config.NextProtos) == 0 {
		config.NextProtos = []string{"h2", "http/1.1"}
	}
	s.ready.Store(true)
	err := s.engine.Serve(tls.NewListener(ln, config))
	if errors.Is(err, engine.ErrEngineClosed) {
		return ErrServerClosed
	}
	return err
}

// checkTLS finds the mistakes in a config that would otherwise show in each handshake only.
func checkTLS(config *tls.Config) error {
	switch {
	case config == nil || len(config.Certificates) == 0 && config.GetCertificate == nil && config.GetConfigForClient == nil:
		return errors.New("the tls.Config has no certificate")
	case config.MaxVersion != 0 && config.MaxVersion < max(config.MinVersion, tls.VersionTLS12):
		return fmt.Errorf("the tls.Config allows no version: from %s to %s",
			tls.VersionName(max(config.MinVersion, tls.VersionTLS12)), tls.VersionName(config.MaxVersion))
	}
	for i := range config.Certificates {
		cert := &config.Certificates[i]
		if len(cert.Certificate) == 0 || cert.PrivateKey == nil {
			return fmt.Errorf("certificate %d of the tls.Config is empty or has no key", i)
		}
	}
	return nil
}

// admit shakes hands on a TLS connection, and leads HTTP/2 to net/http. It returns when the connection belongs to HTTP/1.1 or has ended,
// so that all of them count against Config.MaxConns.
func (s *Server) admit(nc net.Conn) (stays bool) {
	secure, ok := nc.(*tls.Conn)
	if !*s.config.NoDelay {
		s.delay(nc, secure)
	}
	if !ok {
		return true
	}
	defer func() {
		if v := recover(); v != nil { // of a hook or a callback of the tls.Config
			s.config.Logger.Error("connection failed", "remote", nc.RemoteAddr(), "error", v, "stack", string(debug.Stack()))
			nc.Close()
			stays = false
		}
	}()
	if !s.welcomes(nc.RemoteAddr) || !s.shakeHands(secure) {
		nc.Close()
		return false
	}
	if secure.ConnectionState().NegotiatedProtocol != "h2" {
		return true
	}
	closed := make(chan struct{})
	s.h2.serve(nc, func() { close(closed) })
	<-closed
	return false
}

// shakeHands gives the handshake the time of a head. A shutdown ends it, as nothing was asked yet.
func (s *Server) shakeHands(secure *tls.Conn) bool {
	ctx, cancel := s.h2.open, context.CancelFunc(func() {})
	if s.config.HeadTimeout > 0 {
		ctx, cancel = context.WithTimeout(ctx, s.config.HeadTimeout)
	}
	defer cancel()
	err := secure.HandshakeContext(ctx)
	if err == nil {
		return true
	}
	s.config.Logger.Debug("TLS handshake failed", "remote", secure.RemoteAddr(), "error", err)
	if bad, ok := errors.AsType[tls.RecordHeaderError](err); ok && bad.Conn != nil && looksLikeHTTP(bad.RecordHeader[:]) {
		bad.Conn.SetWriteDeadline(time.Now().Add(time.Second))
		bad.Conn.Write(notHTTPS)
	}
	return false
}

// looksLikeHTTP reports whether what should be a TLS record is the begin of a request.
func looksLikeHTTP(record []byte) bool {
	switch string(record) {
	case "GET /", "HEAD ", "POST ", "PUT /", "PATCH", "DELET", "OPTIO":
		return true
	}
	return false
}

var notHTTPS = []byte("HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\n" +
	"Content-Length: 41\r\n\r\nThis port speaks HTTPS, not plain HTTP.\r\n")

// delay undoes what package net has done to a connection that it accepted.
func (s *Server) delay(nc net.Conn, secure *tls.Conn) {
	if secure != nil {
		nc = secure.NetConn()
	}
	if tcp, ok := nc.(*net.TCPConn); ok {
		tcp.SetNoDelay(false)
	}
}

// http2Server hands connections to net/http, for HTTP/2 only.
type http2Server struct {
	server http.Server
	conns  chan net.Conn
	start  sync.Once
	open   context.Context // until a shutdown begins
	close  context.CancelFunc

	mu     sync.Mutex
	served map[net.Conn]func() // what each is to be followed by
}

func newHTTP2Server(s *Server) *http2Server {
	h := &http2Server{conns: make(chan net.Conn), served: make(map[net.Conn]func())}
	h.open, h.close = context.WithCancel(context.Background())
	h.server.Handler = s
	h.server.DisableGeneralOptionsHandler = true // OPTIONS * is ours to answer
	h.server.Protocols = new(http.Protocols)
	h.server.Protocols.SetHTTP2(true)
	h.server.Protocols.SetUnencryptedHTTP2(true)
	h.server.IdleTimeout = max(s.config.IdleTimeout, 0)
	h.server.ReadHeaderTimeout = max(s.config.HeadTimeout, 0)
	h.server.WriteTimeout = 0 // streams end when they end; HTTP/2 has WriteByteTimeout
	h.server.HTTP2 = &http.HTTP2Config{WriteByteTimeout: max(s.config.WriteTimeout, 0)}
	h.server.MaxHeaderBytes = s.config.Limits.Head
	h.server.BaseContext = func(net.Listener) context.Context { return s.base }
	h.server.ErrorLog = slog.NewLogLogger(s.config.Logger.Handler(), slog.LevelDebug)
	h.server.ConnState = h.state
	return h
}

// serve has net/http serve nc, and closed called when nc is closed. It may wait for net/http to take nc.
func (h *http2Server) serve(nc net.Conn, closed func()) {
	h.mu.Lock()
	h.served[nc] = closed
	h.mu.Unlock()
	if !h.hand(nc) {
		h.state(nc, http.StateClosed)
	}
}

// hand gives nc to net/http, which closes it. It reports whether it is taken.
func (h *http2Server) hand(nc net.Conn) bool {
	h.start.Do(func() { go h.server.Serve(h) })
	select {
	case h.conns <- nc:
		return true
	case <-h.open.Done():
		nc.Close()
		return false
	}
}

// state is told by net/http what becomes of nc.
func (h *http2Server) state(nc net.Conn, state http.ConnState) {
	if state != http.StateClosed && state != http.StateHijacked {
		return
	}
	h.mu.Lock()
	closed := h.served[nc]
	delete(h.served, nc)
	h.mu.Unlock()
	if closed != nil {
		closed()
	}
}

// Accept, Close and Addr make h the listener of its own server.
func (h *http2Server) Accept() (net.Conn, error) {
	select {
	case nc := <-h.conns:
		return nc, nil
	case <-h.open.Done():
		return nil, net.ErrClosed
	}
}

// Close ends the listener.
func (h *http2Server) Close() error {
	h.close()
	return nil
}

// Addr is asked for by net/http's log only.
func (h *http2Server) Addr() net.Addr { return &net.TCPAddr{} }

func (h *http2Server) shutdown(ctx context.Context) error {
	h.close()
	err := h.server.Shutdown(ctx)
	if err != nil {
		h.server.Close()
	}
	return err
}

func (h *http2Server) closeNow() error {
	h.close()
	return h.server.Close()
}

// switchToHTTP2 hands a connection over that began with the preface of HTTP/2. It counts against Config.MaxConns until net/http has
// closed it.
func (co *conn) switchToHTTP2(t *engine.Turn) engine.Next {
	release := co.server.engine.Hold() // before Detach gives its place back
	nc, err := t.Detach()
	if err != nil {
		release()
		return engine.Abort
	}
	nc.SetDeadline(time.Time{})
	go co.server.h2.serve(nc, release) // nothing waits on the loop
	return engine.Detached
}
