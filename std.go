package hyperlane

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
)

// FromHTTP mounts an http.Handler: server.Any("/debug/{path...}", hyperlane.FromHTTP(mux)). It gets the whole path (see
// http.StripPrefix), the params as path values, and a ResponseWriter that can flush, hijack and send trailers and interim
// responses, also by http.ResponseController.
func FromHTTP(h http.Handler) Handler {
	return func(c *Context) (err error) {
		w := &stdWriter{c: c, header: make(http.Header)}
		for name, value := range c.Response.Headers() {
			w.header.Add(name, value)
		}
		defer func() {
			if v := recover(); v != nil {
				if v != http.ErrAbortHandler {
					panic(v)
				}
				c.broken = true
			}
		}()
		h.ServeHTTP(w, c.stdRequest())
		return w.finish()
	}
}

// FromHTTPMiddleware adapts net/http's kind of middleware. What it does to the request (its context, header, URL) and to the
// ResponseWriter holds for the handlers inside it.
func FromHTTPMiddleware(m func(http.Handler) http.Handler) Middleware {
	return func(next Handler) Handler {
		return func(c *Context) error {
			inner := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { c.inside(w, r, next) })
			return FromHTTP(m(inner))(c)
		}
	}
}

// inside runs next on a Context of its own, for the request and the writer that middleware of net/http's kind has made of c.
func (c *Context) inside(w http.ResponseWriter, r *http.Request, next Handler) {
	d := &Context{server: c.server, route: c.route, detached: true, params: c.allParams(), responded: true}
	d.Request.c, d.Response.c, d.Response.length = d, d, -1
	d.values = append(d.values, c.values...)
	std := &stdWire{w: w, r: r}
	d.bridge(std)
	defer d.Request.dropForm()
	if err := guard(d, next); err != nil {
		c.server.fail(d, err)
	}
	if !d.Response.committed && !d.broken {
		c.server.send(d)
	}
	if d.life != nil {
		d.life.end(ErrFinished)
	}
	std.finish(d)
	c.values = append(c.values[:0], d.values...)
	c.aborted = d.aborted
	if d.broken {
		panic(http.ErrAbortHandler)
	}
}

// stdRequest returns the request as net/http knows it.
func (c *Context) stdRequest() *http.Request {
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
		Body: http.NoBody,
	}
	if r.info.std != nil {
		std.ProtoMajor, std.ProtoMinor, std.URL = r.info.std.ProtoMajor, r.info.std.ProtoMinor, r.info.std.URL
		std.Trailer = r.info.std.Trailer
	}
	if r.info.remote != nil {
		std.RemoteAddr = r.info.remote.String()
	}
	if h.Chunked && r.info.std == nil {
		std.TransferEncoding = []string{"chunked"}
	}
	if r.streaming || len(r.body) > 0 {
		std.Body = io.NopCloser(r.BodyReader())
	}
	for _, p := range c.allParams() {
		std.SetPathValue(p.name, p.value)
	}
	ctx := c.Context()
	if r.info.local != nil {
		ctx = context.WithValue(ctx, http.LocalAddrContextKey, r.info.local)
	}
	return std.WithContext(ctx)
}

// stdWriter is the http.ResponseWriter of a handler mounted by FromHTTP.
type stdWriter struct {
	c      *Context
	header http.Header
	stream *Stream // not nil once the status is known
	taken  bool    // hijacked
}

// Header returns the fields that WriteHeader will send.
func (w *stdWriter) Header() http.Header { return w.header }

// WriteHeader sets the status and takes over the header, or sends an interim response.
func (w *stdWriter) WriteHeader(status int) {
	if w.stream != nil || w.taken {
		return
	}
	w.takeHeader()
	if status >= 100 && status < 200 && status != http.StatusSwitchingProtocols {
		w.c.wire.inform(w.c, status)
		return
	}
	w.c.Response.SetStatus(status)
	w.stream = w.c.startStream()
}

// takeHeader makes the fields of the response those of the header. A trailer that is announced by prefix comes with finish.
func (w *stdWriter) takeHeader() {
	r := &w.c.Response
	if r.committed {
		return
	}
	clear(r.fields)
	r.fields = r.fields[:0]
	for name, values := range w.header {
		if strings.HasPrefix(name, http.TrailerPrefix) {
			continue
		}
		for _, v := range values {
			r.AddHeader(name, strings.TrimSpace(v))
		}
	}
}

// Write sends the head first, if it has not left, with a guess at the content type if there is none, as net/http does.
func (w *stdWriter) Write(p []byte) (int, error) {
	if w.taken {
		return 0, http.ErrHijacked
	}
	if w.stream == nil {
		if _, set := w.header["Content-Type"]; !set && len(p) > 0 && w.header.Get("Content-Encoding") == "" {
			w.header.Set("Content-Type", http.DetectContentType(p))
		}
		w.WriteHeader(http.StatusOK)
	}
	if w.c.bodiless() {
		if w.c.Request.Method() == http.MethodHead {
			return len(p), nil
		}
		return 0, http.ErrBodyNotAllowed
	}
	return w.stream.Write(p)
}

// FlushError sends what was written, for http.ResponseController.
func (w *stdWriter) FlushError() error {
	if w.stream == nil {
		w.WriteHeader(http.StatusOK)
	}
	return w.stream.Flush()
}

// Flush sends what was written.
func (w *stdWriter) Flush() { w.FlushError() }

// Hijack gives the connection to the caller.
func (w *stdWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	h, err := w.c.wire.hijack(w.c)
	if err != nil {
		return nil, nil, err
	}
	w.taken = true
	w.c.Response.committed, w.c.responded = true, true
	return h.conn, h.buffer, nil
}

// EnableFullDuplex is always on: a body may be read after the response has begun.
func (w *stdWriter) EnableFullDuplex() error { return nil }

// finish ends the response of a handler that has returned.
func (w *stdWriter) finish() error {
	if w.taken {
		return nil
	}
	if w.stream == nil {
		w.WriteHeader(http.StatusOK)
	}
	for name, values := range w.header {
		if trailer, ok := strings.CutPrefix(name, http.TrailerPrefix); ok {
			for _, v := range values {
				w.c.Response.SetTrailer(trailer, v)
			}
		}
	}
	for _, list := range w.header.Values("Trailer") {
		for name := range strings.SplitSeq(list, ",") {
			for _, v := range w.header.Values(strings.TrimSpace(name)) {
				w.c.Response.SetTrailer(strings.TrimSpace(name), v)
			}
		}
	}
	if len(w.c.Response.trailer) > 0 {
		return w.stream.Flush() // a body with a length has no place for a trailer
	}
	return nil
}
