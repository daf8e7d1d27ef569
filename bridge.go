package hyperlane

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"

	"github.com/hyperlane-go/hyperlane/internal/engine"
	"github.com/hyperlane-go/hyperlane/internal/http1"
)

// ServeHTTP makes a Server an http.Handler, for net/http's server, for HTTP/2, and for tests. Framing, timeouts and connections are
// then net/http's; routes, phases, errors and limits on bodies are the same.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := s.freeze(); err != nil {
		s.config.Logger.Error("the server cannot start", "error", err)
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	c := contexts.Get().(*Context)
	c.server = s
	std := &stdWire{w: w, r: r}
	c.bridge(std)
	s.find(c)
	if e := r.Header.Get("Expect"); e != "" && !strings.EqualFold(e, "100-continue") {
		c.route = s.builtin.expectation
	}
	s.serve(c)
	if !c.Response.committed && !c.broken {
		s.send(c)
	}
	if c.life != nil {
		c.life.end(ErrFinished)
	}
	upgrade := c.Response.upgrade
	if !c.broken {
		std.finish(c)
	}
	s.finished(c)
	broken := c.broken
	c.returned.Store(findMisuse)
	if !findMisuse {
		c.reset()
		contexts.Put(c)
	}
	switch {
	case std.hijacked:
	case broken:
		panic(http.ErrAbortHandler) // how one tells net/http to break a response off
	case upgrade != nil:
		s.engine.ServeConn(std.upgraded, func(handle *engine.Conn) engine.Protocol {
			return newUpgraded(handle, upgrade)
		})
	}
}

// bridge fills c with the request of w.
func (c *Context) bridge(w *stdWire) {
	r := w.r
	c.wire, c.base = w, r.Context()
	x := &c.exchange
	h := &x.head
	b := x.own[:0]
	span := func(s string) http1.Span {
		start := len(b)
		b = append(b, s...)
		return http1.Span{Start: uint32(start), End: uint32(len(b))}
	}
	h.Method, h.Target, h.Host = span(r.Method), span(r.RequestURI), span(r.Host)
	switch {
	case r.Method == http.MethodConnect:
	case r.URL.Opaque != "" || r.URL.Path == "" && r.URL.Host == "":
		h.Path = span("*") // neither origin-form nor absolute-form: no path that could be looked up
	default:
		h.Path, h.Query = span(r.URL.EscapedPath()), span(r.URL.RawQuery)
	}
	b = h.Append(b, "Host", r.Host)
	for name, values := range r.Header {
		for _, v := range values {
			b = h.Append(b, name, v)
		}
	}
	x.raw, x.own = b, b
	h.Minor = 1
	if r.ProtoMajor == 1 {
		h.Minor = r.ProtoMinor
	}
	h.ContentLength, h.Chunked = r.ContentLength, r.ContentLength < 0
	h.Upgrade = r.ProtoMajor == 1 && r.Header.Get("Upgrade") != "" && http1.HasToken([]byte(r.Header.Get("Connection")), "upgrade")

	c.Request.info = peer{local: localAddr(r), remote: remoteAddr(r), tls: r.TLS, std: r}
	c.Request.maxBody = c.server.config.Limits.Body
	c.Request.streaming = r.Body != nil && r.Body != http.NoBody
	c.Request.buffered = !c.Request.streaming
}

func localAddr(r *http.Request) net.Addr {
	a, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	return a
}

func remoteAddr(r *http.Request) net.Addr {
	if a, err := net.ResolveTCPAddr("tcp", r.RemoteAddr); err == nil && !strings.ContainsAny(r.RemoteAddr, "@/") {
		return a
	}
	return &net.UnixAddr{Name: r.RemoteAddr, Net: "unix"}
}

// stdWire is the wire of a request that came from net/http.
type stdWire struct {
	w        http.ResponseWriter
	r        *http.Request
	hijacked bool
	upgraded net.Conn
}

func (w *stdWire) readBody(c *Context, p []byte) (int, error) {
	n, err := w.r.Body.Read(p)
	if err == nil || err == io.EOF {
		return n, err
	}
	if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return n, &Error{Status: http.StatusRequestEntityTooLarge, Cause: tooLarge}
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return n, errBodyTimeout
	}
	return n, &Error{Status: http.StatusBadRequest, Cause: err}
}

func (w *stdWire) begin(c *Context, length int64) error {
	r := &c.Response
	if r.upgrade != nil {
		return w.switchProtocols(c)
	}
	header := w.w.Header()
	for _, f := range r.fields {
		switch http.CanonicalHeaderKey(f.name) {
		case "Transfer-Encoding", "Keep-Alive":
		case "Content-Length":
			if length < 0 {
				header.Set(f.name, f.value)
			}
		default:
			header.Add(f.name, f.value)
		}
	}
	if s := c.server.config.ServerName; s != "" && header.Get("Server") == "" {
		header.Set("Server", s)
	}
	if header.Get("Content-Type") == "" {
		header["Content-Type"] = nil // net/http would guess
	}
	if length >= 0 && (!c.bodiless() || w.r.Method == http.MethodHead && r.Status() != http.StatusNotModified && r.Status() != http.StatusNoContent) {
		if declared := r.declaredLength(); w.r.Method == http.MethodHead && declared >= 0 {
			length = declared
		}
		header.Set("Content-Length", strconv.FormatInt(length, 10))
	}
	w.w.WriteHeader(r.Status())
	return nil
}

// switchProtocols hijacks the connection and sends 101.
func (w *stdWire) switchProtocols(c *Context) error {
	nc, buffer, err := http.NewResponseController(w.w).Hijack()
	if err != nil {
		return err
	}
	out := http1.AppendStatusLine(nil, http.StatusSwitchingProtocols)
	for _, f := range c.Response.fields {
		out = http1.AppendField(out, f.name, f.value)
	}
	w.upgraded = &unread{Conn: nc, from: buffer}
	_, err = nc.Write(append(out, "\r\n"...))
	return err
}

func (w *stdWire) write(c *Context, p []byte) error {
	_, err := w.w.Write(p)
	return err
}

func (w *stdWire) sendFile(c *Context, f *os.File, offset, n int64) error {
	if _, err := f.Seek(offset, io.SeekStart); err != nil {
		return err
	}
	_, err := io.CopyN(w.w, f, n)
	return err
}

func (w *stdWire) flush(*Context) error {
	err := http.NewResponseController(w.w).Flush()
	if errors.Is(err, http.ErrNotSupported) {
		return nil // a recorder, say: everything it is given is there
	}
	return err
}

func (w *stdWire) inform(c *Context, status int) error {
	header := w.w.Header()
	for _, f := range c.Response.fields {
		header.Add(f.name, f.value)
	}
	w.w.WriteHeader(status)
	clear(header)
	return nil
}

// finish sends the trailer.
func (w *stdWire) finish(c *Context) {
	for _, f := range c.Response.trailer {
		w.w.Header().Add(http.TrailerPrefix+f.name, f.value)
	}
}

func (w *stdWire) watch(*Context)                   {} // net/http watches
func (w *stdWire) attach(*Context, *requestContext) {} // its context is the base of ours
func (w *stdWire) mayWait(*Context)                 {}

func (w *stdWire) hijack(c *Context) (hijacked, error) {
	nc, buffer, err := http.NewResponseController(w.w).Hijack()
	if err != nil {
		return hijacked{}, fmt.Errorf("hijack: %w", err)
	}
	w.hijacked = true
	return hijacked{nc, buffer}, nil
}
