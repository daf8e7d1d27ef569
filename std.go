package hyperlane

import (
	"bufio"
	"context"
	"errors"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hyperlane-go/hyperlane/internal/http1"
)

// FromHTTP mounts an http.Handler: server.Any("/debug/{path...}", hyperlane.FromHTTP(mux)). It gets the whole path (see
// http.StripPrefix), the params as path values, and a ResponseWriter that can flush, hijack and send trailers and interim
// responses, also by http.ResponseController. Deadlines (SetReadDeadline, SetWriteDeadline) can be set where net/http has the
// connection; elsewhere they are http.ErrNotSupported, as the timeouts of Config hold, none of which ends a stream that makes progress.
func FromHTTP(h http.Handler) Handler {
	return func(c *Context) error {
		w := newStdWriter(c)
		defer w.end()
		defer func() {
			if v := recover(); v != nil {
				if v != http.ErrAbortHandler {
					panic(v)
				}
				c.broken = true
			}
		}()
		h.ServeHTTP(w, w.request())
		return w.finish()
	}
}

// FromHTTPMiddleware adapts net/http's kind of middleware. What it does to the request (its context, header, URL, body) and to the
// ResponseWriter holds for the handlers inside it. m is called once for each route, so what it keeps is kept from request to
// request. The context that it gives to its handler must descend from the one that it was given.
func FromHTTPMiddleware(m func(http.Handler) http.Handler) Middleware {
	return func(next Handler) Handler {
		return FromHTTP(m(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			outer, ok := r.Context().Value(stdKey{}).(*stdWriter)
			if !ok {
				panic("hyperlane: a middleware has given its handler a request whose context does not descend from the one it got")
			}
			outer.inside(w, r, next)
		})))
	}
}

// stdKey finds, in the context of a request, the stdWriter that the request was made for.
type stdKey struct{}

// inside runs next on a Context of its own, for the request and the writer that middleware of net/http's kind has made of w's. It may
// run on another goroutine than the middleware began on, and end later (http.TimeoutHandler).
func (w *stdWriter) inside(rw http.ResponseWriter, r *http.Request, next Handler) {
	d := w.double()
	if d == nil {
		return // nobody waits any more
	}
	s := d.server
	std := &stdWire{w: rw, r: r, inside: w}
	d.bridge(std)
	defer d.Request.dropForm()
	if err := guard(d, next); err != nil {
		s.fail(d, err)
	}
	w.adopt(d) // before the response phase can see
	if !d.Response.committed && !d.broken {
		s.send(d)
	}
	if d.life != nil {
		d.life.end(ErrFinished)
	}
	if !d.broken {
		std.finish(d)
	}
	d.retire()
	switch {
	case std.hijacked:
	case d.broken:
		panic(http.ErrAbortHandler)
	case d.Response.upgrade != nil:
		go s.serveUpgraded(std.upgraded, d.Response.upgrade)
	}
}

// double returns a Context for the handlers inside a middleware, or nil if that has returned.
func (w *stdWriter) double() *Context {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.over.Load() {
		return nil
	}
	c := w.c
	d := &Context{server: c.server, route: c.route, detached: true, params: c.allParams(), responded: true}
	d.Request.c, d.Response.c, d.Response.length = d, d, -1
	d.values = append(d.values, c.values...)
	return d
}

// adopt takes over what the handlers inside have left.
func (w *stdWriter) adopt(d *Context) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.over.Load() {
		return
	}
	w.c.values = append(w.c.values[:0], d.values...)
	w.c.aborted = d.aborted
	if std := w.c.std(); std != nil && std.inside != nil {
		std.inside.adopt(w.c) // a middleware around this one
	}
}

// request returns the request as net/http knows it.
func (w *stdWriter) request() *http.Request {
	c := w.c
	r := &c.Request
	h := r.head()
	header := make(http.Header, len(h.Fields))
	for name, value := range r.Headers() {
		if !strings.EqualFold(name, "Host") {
			header.Add(name, value)
		}
	}
	target := r.Target()
	u, err := url.ParseRequestURI(target)
	if err != nil {
		u = &url.URL{Path: r.Path(), RawQuery: r.RawQuery()}
	}
	std := &http.Request{
		Method: r.Method(), URL: u, Proto: r.Proto(), ProtoMajor: 1, ProtoMinor: h.Minor,
		Header: header, Host: r.Host(), RequestURI: target, ContentLength: r.ContentLength(), TLS: r.TLS(),
		Body: http.NoBody, Pattern: c.route.Pattern,
	}
	if from := r.info.std; from != nil {
		std.ProtoMajor, std.ProtoMinor, std.URL = from.ProtoMajor, from.ProtoMinor, from.URL
		std.TransferEncoding, std.RemoteAddr = from.TransferEncoding, from.RemoteAddr
		std.Trailer = maps.Clone(from.Trailer)
	} else {
		if h.Chunked {
			std.TransferEncoding = []string{"chunked"}
			std.Trailer = announced(header)
			header.Del("Trailer")
		}
		std.RemoteAddr = r.info.remote().String()
	}
	for _, p := range c.allParams() {
		std.SetPathValue(p.name, p.value)
	}
	std = std.WithContext(newStdContext(w))
	if r.streaming || len(r.body) > 0 || h.Chunked {
		w.body = &stdBody{c: c, std: std}
		std.Body = w.body
	}
	return std
}

// announced returns the names in Trailer, without values, as net/http presents them until the body has been read.
func announced(header http.Header) http.Header {
	var trailer http.Header
	for _, list := range header["Trailer"] {
		for name := range strings.SplitSeq(list, ",") {
			if name = http.CanonicalHeaderKey(strings.TrimSpace(name)); name != "" {
				if trailer == nil {
					trailer = make(http.Header)
				}
				trailer[name] = nil
			}
		}
	}
	return trailer
}

// stdContext is the context of a request as net/http knows it: that of c, with the values that net/http's server would add.
type stdContext struct {
	context.Context
	writer *stdWriter
	server *http.Server // nil if the request came from net/http, whose context says
	local  net.Addr
}

func newStdContext(w *stdWriter) stdContext {
	x := stdContext{Context: w.c.Context(), writer: w, local: w.c.Request.info.local()}
	if w.c.Request.info.std == nil {
		// httputil.ReverseProxy breaks a response off only for who has a server.
		x.server = &w.c.server.h2.server
	}
	return x
}

func (x stdContext) Value(key any) any {
	switch key {
	case stdKey{}:
		return x.writer
	case http.ServerContextKey:
		if x.server != nil {
			return x.server
		}
	case http.LocalAddrContextKey:
		if x.local != nil {
			return x.local
		}
	}
	return x.Context.Value(key)
}

// stdBody is the body of a request as net/http knows it. It may be read by another goroutine than the handler's, as a proxy's
// transport does, while the handler writes, and even after the handler has returned, which is an error then.
type stdBody struct {
	mu     sync.Mutex // held while a read is under way
	c      *Context
	std    *http.Request
	closed atomic.Bool
}

func (b *stdBody) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed.Load() {
		return 0, http.ErrBodyReadAfterClose
	}
	n, err := b.c.Request.BodyReader().Read(p)
	switch {
	case err == io.EOF:
		b.ended()
	case err == errBodyLimit:
		err = &Error{Status: errBodyLimit.Status, Cause: &http.MaxBytesError{Limit: b.c.Request.maxBody}}
	}
	return n, err
}

// Close has reads fail from now on. It does not wait for one that is under way.
func (b *stdBody) Close() error {
	b.closed.Store(true)
	return nil
}

// ended fills in the trailer.
func (b *stdBody) ended() {
	for name, values := range b.c.wire.trailer() {
		if b.std.Trailer == nil {
			b.std.Trailer = make(http.Header)
		}
		b.std.Trailer[name] = values
	}
}

// stdWriter is the http.ResponseWriter of a handler mounted by FromHTTP.
type stdWriter struct {
	c        *Context
	header   http.Header
	stream   *Stream  // not nil once the status is known
	declared int64    // Content-Length, or -1
	written  int64    // bytes of the body, those beyond declared too
	taken    bool     // hijacked
	body     *stdBody // nil without a body

	mu   sync.Mutex // held by those who use c and may come late
	over atomic.Bool
}

func newStdWriter(c *Context) *stdWriter {
	w := &stdWriter{c: c, header: make(http.Header)}
	for name, value := range c.Response.Headers() {
		w.header.Add(name, value)
	}
	return w
}

// end parts w from its Context, which another request may use next. A read of the body that is under way is made to return first.
func (w *stdWriter) end() {
	if w.body != nil {
		w.body.Close()
		if !w.body.mu.TryLock() {
			w.c.wire.stopReading(w.c)
			w.body.mu.Lock()
		}
		defer w.body.mu.Unlock()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.over.Store(true)
}

var errHandlerOver = errors.New("hyperlane: a ResponseWriter was used after its handler had returned")

// Header returns the fields that WriteHeader will send.
func (w *stdWriter) Header() http.Header { return w.header }

// WriteHeader sets the status and takes over the header, or sends an interim response.
func (w *stdWriter) WriteHeader(status int) {
	if w.stream != nil || w.taken || w.over.Load() {
		return
	}
	w.takeHeader()
	if status >= 100 && status < 200 && status != http.StatusSwitchingProtocols {
		w.c.wire.inform(w.c, status)
		return
	}
	w.c.Response.SetStatus(status)
	w.declared = w.c.Response.declaredLength()
	w.stream = w.c.startStream()
}

var lineBreaks = strings.NewReplacer("\r", " ", "\n", " ")

// takeHeader makes the fields of the response those of the header, mended as net/http does. A trailer that is announced by prefix
// comes with finish.
func (w *stdWriter) takeHeader() {
	r := &w.c.Response
	if r.committed {
		return
	}
	clear(r.fields)
	r.fields = r.fields[:0]
	for _, name := range slices.Sorted(maps.Keys(w.header)) {
		if strings.HasPrefix(name, http.TrailerPrefix) || !http1.ValidName(name) {
			continue
		}
		for _, v := range w.header[name] {
			r.AddHeader(name, strings.TrimSpace(lineBreaks.Replace(v)))
		}
	}
}

// Write sends the head first, if it has not left, with a guess at the content type if there is none, as net/http does.
func (w *stdWriter) Write(p []byte) (int, error) {
	switch {
	case w.taken:
		return 0, http.ErrHijacked
	case w.over.Load():
		return 0, errHandlerOver
	}
	if w.stream == nil {
		if _, set := w.header["Content-Type"]; !set && len(p) > 0 && w.header.Get("Content-Encoding") == "" {
			w.header.Set("Content-Type", http.DetectContentType(p))
		}
		w.WriteHeader(http.StatusOK)
	}
	head := w.c.Request.Method() == http.MethodHead
	if w.c.bodiless() && !head {
		return 0, http.ErrBodyNotAllowed
	}
	w.written += int64(len(p))
	if w.declared >= 0 && w.written > w.declared {
		return 0, http.ErrContentLength
	}
	if head {
		return len(p), nil
	}
	return w.stream.Write(p)
}

// WriteString is Write.
func (w *stdWriter) WriteString(s string) (int, error) { return w.Write([]byte(s)) }

// FlushError sends what was written, for http.ResponseController.
func (w *stdWriter) FlushError() error {
	switch {
	case w.taken:
		return http.ErrHijacked
	case w.over.Load():
		return errHandlerOver
	}
	if w.stream == nil {
		w.WriteHeader(http.StatusOK)
	}
	return w.stream.Flush()
}

// Flush sends what was written.
func (w *stdWriter) Flush() { w.FlushError() }

// Hijack gives the connection to the caller. A response that has begun leaves first, such as the 101 of an upgrade.
func (w *stdWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	switch {
	case w.taken:
		return nil, nil, http.ErrHijacked
	case w.over.Load():
		return nil, nil, errHandlerOver
	}
	if std := w.c.std(); std != nil && w.c.Request.info.std.ProtoMajor > 1 {
		return nil, nil, http.ErrNotSupported // before the response is spoilt
	}
	if w.stream != nil {
		if err := w.stream.Flush(); err != nil {
			return nil, nil, err
		}
	}
	h, err := w.c.wire.hijack(w.c)
	if err != nil {
		return nil, nil, err
	}
	w.taken = true
	w.c.Response.committed, w.c.responded = true, true
	return h.conn, h.buffer, nil
}

// EnableFullDuplex lets the body be read after the response has begun. It is always on where net/http does not have the connection.
func (w *stdWriter) EnableFullDuplex() error {
	if std := w.c.std(); std != nil {
		return http.NewResponseController(std.w).EnableFullDuplex()
	}
	return nil
}

// SetReadDeadline is net/http's where that has the connection.
func (w *stdWriter) SetReadDeadline(deadline time.Time) error {
	if std := w.c.std(); std != nil {
		return http.NewResponseController(std.w).SetReadDeadline(deadline)
	}
	return http.ErrNotSupported
}

// SetWriteDeadline is net/http's where that has the connection.
func (w *stdWriter) SetWriteDeadline(deadline time.Time) error {
	if std := w.c.std(); std != nil {
		return http.NewResponseController(std.w).SetWriteDeadline(deadline)
	}
	return http.ErrNotSupported
}

// finish ends the response of a handler that has returned.
func (w *stdWriter) finish() error {
	if w.taken {
		return nil
	}
	if w.stream == nil {
		w.WriteHeader(http.StatusOK)
	}
	c := w.c
	head := c.Request.Method() == http.MethodHead
	switch {
	case head && w.declared < 0 && w.written > 0 && !c.Response.committed:
		c.Response.set("Content-Length", strconv.FormatInt(w.written, 10))
	case head && w.declared < 0:
		return w.stream.Flush() // what GET would have brought is not known
	case w.declared >= 0 && w.declared != w.written && !c.bodiless():
		err := w.stream.Flush()
		c.broken = true
		return err
	}
	w.trailer()
	if len(c.Response.trailer) > 0 && !head {
		return w.stream.Flush() // a body with a length has no place for a trailer
	}
	return nil
}

// trailer takes over the trailer: what has the prefix, and what was announced.
func (w *stdWriter) trailer() {
	r := &w.c.Response
	for name, values := range w.header {
		if trailer, ok := strings.CutPrefix(name, http.TrailerPrefix); ok {
			for _, v := range values {
				r.SetTrailer(trailer, v)
			}
		}
	}
	for name := range announced(w.header) {
		for _, v := range w.header[name] {
			r.SetTrailer(name, v)
		}
	}
}
