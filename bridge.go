package hyperlane

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"time"

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
	if !s.ready.Load() { // a store each time would have all cores wait for each other
		s.ready.Store(true)
	}
	l := s.cells.other()
	l.requests.Add(1)
	c := contexts.Get().(*Context)
	c.server = s
	std := &stdWire{w: w, r: r}
	ended := false
	defer func() {
		if !ended { // by runtime.Goexit
			l.end(0, true)
			std.release()
			c.abandon()
		}
	}()
	c.bridge(std)
	began := s.cells.now()
	s.find(c)
	if e := r.Header.Get("Expect"); e != "" && !strings.EqualFold(e, "100-continue") {
		c.route = s.builtin.expectation
	}
	s.handle(c)
	l.latency.note(s.cells.now()-began, 1)
	if !c.Response.committed && !c.broken {
		s.send(c)
	}
	if c.life != nil {
		c.life.end(ErrFinished)
	}
	std.release()
	upgrade := c.Response.upgrade
	if !c.broken {
		std.finish(c)
	}
	s.finished(c)
	broken := c.broken
	ended = true
	l.end(c.Response.Status(), broken)
	c.retire()
	if !findMisuse {
		c.reset()
		contexts.Put(c)
	}
	switch {
	case std.hijacked:
	case broken:
		panic(http.ErrAbortHandler) // how one tells net/http to break a response off
	case upgrade != nil:
		s.serveUpgraded(std.upgraded, upgrade)
	}
}

// serveUpgraded has p speak on a connection that net/http has given away, until it ends.
func (s *Server) serveUpgraded(nc net.Conn, p Protocol) {
	s.engine.ServeConn(nc, func(handle *engine.Conn) engine.Protocol {
		u := newUpgraded(s, handle, p)
		if !u.open(nil) {
			u.Closed(nil)
			return nil
		}
		return u
	})
}

// bridge fills c with the request of w, and with what is set on its response already.
func (c *Context) bridge(w *stdWire) {
	r := w.r
	c.wire, c.base = w, r.Context()
	if _, limited := c.base.Deadline(); w.inside == nil && !limited {
		c.base = context.WithoutCancel(c.base) // attach cancels, and says why
		w.cancels = true
	}
	x := &c.exchange
	h := &x.head
	b := x.own[:0]
	span := func(s string) http1.Span {
		start := len(b)
		b = append(b, s...)
		return http1.Span{Start: uint32(start), End: uint32(len(b))}
	}
	target := r.RequestURI
	if target == "" {
		target = r.URL.RequestURI() // a request that was made in the process
	}
	h.Method, h.Target, h.Host = span(r.Method), span(target), span(r.Host)
	path := r.URL.EscapedPath()
	switch {
	case r.Method == http.MethodConnect:
	case r.URL.Opaque != "":
		h.Path = span("*") // neither origin-form nor absolute-form: no path that could be looked up
	default:
		if path != "*" && !strings.HasPrefix(path, "/") {
			path = "/" + path // http.StripPrefix leaves such paths
		}
		h.Path, h.Query = span(path), span(r.URL.RawQuery)
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
	h.Upgrade = r.ProtoMajor == 1 && r.ProtoMinor >= 1 && r.Header.Get("Upgrade") != "" && hasUpgrade(r.Header["Connection"])

	c.Request.info = peer{std: r, tls: r.TLS}
	c.Request.maxBody = c.server.config.Limits.Body
	c.Request.streaming = r.Body != nil && r.Body != http.NoBody
	c.Request.buffered = !c.Request.streaming

	for name, values := range w.w.Header() {
		for _, v := range values {
			c.Response.fields = append(c.Response.fields, field{name, v})
		}
	}
}

func hasUpgrade(connection []string) bool {
	for _, v := range connection {
		if http1.HasToken([]byte(v), "upgrade") {
			return true
		}
	}
	return false
}

func localAddr(r *http.Request) net.Addr {
	a, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	return a
}

// remoteAddr reads what net/http or a middleware (which may leave out the port) says of the peer. Anything else is the name of a
// unix socket.
func remoteAddr(text string) net.Addr {
	if a, err := netip.ParseAddrPort(text); err == nil {
		return net.TCPAddrFromAddrPort(a)
	}
	if ip, err := netip.ParseAddr(strings.Trim(text, "[]")); err == nil {
		return net.TCPAddrFromAddrPort(netip.AddrPortFrom(ip, 0))
	}
	return &net.UnixAddr{Name: text, Net: "unix"}
}

// stdWire is the wire of a request that came from net/http.
type stdWire struct {
	w        http.ResponseWriter
	r        *http.Request
	inside   *stdWriter // of the middleware that it came from; nil if it came from a server
	cancels  bool       // the contexts of requests hear of the end of r's from attach, else by descent
	hijacked bool
	upgraded net.Conn
	stops    []func() bool
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
	if told, ok := errors.AsType[*Error](err); ok {
		return n, told // from a body of ours, behind a middleware
	}
	return n, &Error{Status: http.StatusBadRequest, Cause: err}
}

// stopReading and breakOff speak through deadlines, where whoever has the connection knows them.

func (w *stdWire) stopReading(*Context) {
	http.NewResponseController(w.w).SetReadDeadline(time.Unix(1, 0))
}

func (w *stdWire) breakOff(*Context) {
	http.NewResponseController(w.w).SetWriteDeadline(time.Unix(1, 0))
}

func (w *stdWire) begin(c *Context, length int64) error {
	r := &c.Response
	if r.upgrade != nil {
		return w.switchProtocols(c)
	}
	if length < 0 && c.Request.streaming && w.r.ProtoMajor == 1 {
		// A stream may begin before the body has been read, as it may where the connection is ours.
		http.NewResponseController(w.w).EnableFullDuplex()
	}
	header := w.w.Header()
	setFields(header, r.fields)
	header.Del("Transfer-Encoding")
	header.Del("Keep-Alive")
	if length >= 0 {
		header.Del("Content-Length")
	}
	if w.r.ProtoMajor > 1 {
		// RFC 9113 section 8.2.2: no connection-specific fields. net/http sees to Connection.
		header.Del("Upgrade")
		header.Del("Proxy-Connection")
	} else if header.Get("Upgrade") != "" && !http1.HasToken([]byte(header.Get("Connection")), "upgrade") {
		header.Add("Connection", "Upgrade") // RFC 9110 section 7.8
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

// setFields makes header what fields says. A name without values, which has net/http leave a field out, stays.
func setFields(header http.Header, fields []field) {
	for name, values := range header {
		if len(values) > 0 {
			delete(header, name)
		}
	}
	for _, f := range fields {
		header.Add(f.name, f.value)
	}
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
	if _, err = nc.Write(append(out, "\r\n"...)); err != nil {
		nc.Close() // net/http has given it away, and does not close it any more
	}
	return err
}

func (w *stdWire) write(c *Context, p []byte) error {
	_, err := w.w.Write(p)
	return w.passed(err)
}

// passed says of an error why it has come, where that is known.
func (w *stdWire) passed(err error) error {
	if err != nil && w.r.Context().Err() != nil {
		return fmt.Errorf("%w: %w", ErrDisconnected, err)
	}
	return err
}

func (w *stdWire) sendFile(c *Context, f *os.File, offset, n int64) error {
	if _, err := f.Seek(offset, io.SeekStart); err != nil {
		return err
	}
	_, err := io.CopyN(w.w, f, n)
	return w.passed(err)
}

func (w *stdWire) flush(*Context) error {
	err := http.NewResponseController(w.w).Flush()
	if errors.Is(err, http.ErrNotSupported) {
		return nil // a recorder, say: everything it is given is there
	}
	return w.passed(err)
}

func (w *stdWire) inform(c *Context, status int) error {
	header := w.w.Header()
	before := maps.Clone(header)
	setFields(header, c.Response.fields)
	w.w.WriteHeader(status)
	clear(header)
	maps.Copy(header, before)
	return nil
}

// finish sends the trailer.
func (w *stdWire) finish(c *Context) {
	for _, f := range c.Response.trailer {
		w.w.Header().Add(http.TrailerPrefix+f.name, f.value)
	}
}

// attach has rc end with the context of r, which net/http ends when the client has gone.
func (w *stdWire) attach(_ *Context, rc *requestContext) {
	if !w.cancels {
		return
	}
	ctx := w.r.Context()
	w.stops = append(w.stops, context.AfterFunc(ctx, func() {
		why := context.Cause(ctx)
		if why == context.Canceled {
			why = ErrDisconnected
		}
		rc.cancel(why)
	}))
}

// release ends what attach has begun.
func (w *stdWire) release() {
	for _, stop := range w.stops {
		stop()
	}
}

func (w *stdWire) watch(*Context)       {} // net/http watches
func (w *stdWire) trailer() http.Header { return w.r.Trailer }

func (w *stdWire) mayWait(*Context) {
	if outer := w.inside; outer != nil {
		outer.c.wire.mayWait(outer.c)
	}
}

// std returns the wire to net/http, or nil where the connection is ours.
func (c *Context) std() *stdWire {
	to := c.wire
	for {
		switch w := to.(type) {
		case *stdWire:
			return w
		case *gate:
			to = w.to
		default:
			return nil
		}
	}
}

func (w *stdWire) hijack(c *Context) (hijacked, error) {
	nc, buffer, err := http.NewResponseController(w.w).Hijack()
	if err != nil {
		return hijacked{}, fmt.Errorf("hijack: %w", err)
	}
	w.hijacked = true
	return hijacked{nc, buffer}, nil
}
