package hyperlane

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
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
	if config == nil || len(config.Certificates) == 0 && config.GetCertificate == nil && config.GetConfigForClient == nil {
		ln.Close()
		return errors.New("serve TLS: the tls.Config has no certificate")
	}
	if err := s.freeze(); err != nil {
		ln.Close()
		return err
	}
	config = config.Clone()
	if len(config.NextProtos) == 0 {
		config.NextProtos = []string{"h2", "http/1.1"}
	}
	s.setReady(true)
	err := s.engine.Serve(tls.NewListener(ln, config))
	if errors.Is(err, engine.ErrEngineClosed) {
		return ErrServerClosed
	}
	return err
}

// admit shakes hands on a TLS connection, and leads HTTP/2 to net/http.
func (s *Server) admit(nc net.Conn) bool {
	secure, ok := nc.(*tls.Conn)
	if !*s.config.NoDelay {
		s.delay(nc, secure)
	}
	if !ok {
		return true
	}
	ctx, cancel := s.base, context.CancelFunc(func() {})
	if s.config.HeadTimeout > 0 {
		ctx, cancel = context.WithTimeout(s.base, s.config.HeadTimeout)
	}
	defer cancel()
	if err := secure.HandshakeContext(ctx); err != nil {
		s.config.Logger.Debug("TLS handshake failed", "remote", nc.RemoteAddr(), "error", err)
		nc.Close()
		return false
	}
	if secure.ConnectionState().NegotiatedProtocol != "h2" {
		return true
	}
	s.h2.serve(nc)
	return false
}

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
	done   chan struct{}
	end    sync.Once
}

func newHTTP2Server(s *Server) *http2Server {
	h := &http2Server{conns: make(chan net.Conn), done: make(chan struct{})}
	h.server.Handler = s
	h.server.Protocols = new(http.Protocols)
	h.server.Protocols.SetHTTP2(true)
	h.server.Protocols.SetUnencryptedHTTP2(true)
	h.server.IdleTimeout = max(s.config.IdleTimeout, 0)
	h.server.ReadHeaderTimeout = max(s.config.HeadTimeout, 0)
	h.server.WriteTimeout = 0 // streams end when they end; HTTP/2 has WriteByteTimeout
	h.server.HTTP2 = &http.HTTP2Config{WriteByteTimeout: max(s.config.WriteTimeout, 0)}
	h.server.MaxHeaderBytes = s.config.Limits.Head
	h.server.BaseContext = func(net.Listener) context.Context { return s.base }
	return h
}

// serve hands nc over. net/http closes it.
func (h *http2Server) serve(nc net.Conn) {
	h.start.Do(func() { go h.server.Serve(h) })
	select {
	case h.conns <- nc:
	case <-h.done:
		nc.Close()
	}
}

// Accept, Close and Addr make h the listener of its own server.
func (h *http2Server) Accept() (net.Conn, error) {
	select {
	case nc := <-h.conns:
		return nc, nil
	case <-h.done:
		return nil, net.ErrClosed
	}
}

// Close ends the listener.
func (h *http2Server) Close() error {
	h.end.Do(func() { close(h.done) })
	return nil
}

// Addr is asked for by net/http's log only.
func (h *http2Server) Addr() net.Addr { return &net.TCPAddr{} }

func (h *http2Server) shutdown(ctx context.Context) error {
	h.Close()
	return h.server.Shutdown(ctx)
}

func (h *http2Server) close() error {
	h.Close()
	return h.server.Close()
}

// switchToHTTP2 hands a connection over that began with the preface of HTTP/2.
func (co *conn) switchToHTTP2(t *engine.Turn) engine.Next {
	nc, err := t.Detach()
	if err != nil {
		return engine.Abort
	}
	nc.SetDeadline(time.Time{})
	co.server.h2.serve(nc)
	return engine.Detached
}
