package hyperlane

import (
	"net/http"
	"os"
	"runtime/debug"
	"sync"
	"time"
)

// Timeout returns middleware that gives what it wraps a limit of time. When the limit has passed, the request's context is cancelled
// and the answer is 503 at once, unless the response has begun, which is then broken off. The late handler may go on: its
// Context is never used for another request, and what it still writes is discarded with ErrHandlerTimeout.
//
// The handler runs on a goroutine of its own. One that reads its body from the wire is answered when the read has returned.
func Timeout(limit time.Duration) Middleware {
	return func(next Handler) Handler {
		return func(c *Context) error { return runWithin(c, limit, next) }
	}
}

var errTimeout = &Error{Status: http.StatusServiceUnavailable, Cause: ErrHandlerTimeout}

// gate stands between a handler that may come too late and the wire. Once shut, nothing passes.
type gate struct {
	mu    sync.Mutex // held while a call is on the wire
	to    wire
	shut  bool
	begun bool // the head has passed, or the connection was taken
}

// runWithin runs h on a double of c, so that c can be answered while h still holds the double.
func runWithin(c *Context, limit time.Duration, h Handler) error {
	g := &gate{to: c.wire}
	d := c.double(g)
	life := d.Context().(*requestContext)
	c.wire.mayWait(c)
	done := make(chan error, 1)
	go func() {
		err := error(errGoexit)
		defer func() { done <- err }()
		err = guardStack(d, h)
	}()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case err := <-done:
		c.adopt(d)
		life.end(ErrFinished)
		return err
	case <-timer.C:
	}
	go func() {
		<-done // however late: nobody else knows of a form that h has read, or a file that it has opened
		d.Request.dropForm()
		d.Response.dropBody()
	}()
	life.cancel(ErrHandlerTimeout)
	g.mu.Lock()
	g.shut = true
	if g.begun {
		c.Response.committed, c.responded = true, true
	}
	g.mu.Unlock()
	life.end(ErrHandlerTimeout)
	return errTimeout
}

var errGoexit = cause("hyperlane: the handler has called runtime.Goexit")

// guardStack is guard; its name in a stack tells that a timeout was at work.
func guardStack(c *Context, h Handler) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &PanicError{Value: v, Stack: debug.Stack()}
		}
	}()
	return h(c)
}

// double returns a Context for the same exchange that shares no memory with c but the wire behind g. Its context descends from c's, so
// whatever ends that, a limit around this one, say, ends both.
func (c *Context) double(g *gate) *Context {
	d := c.Detach()
	d.wire, d.base = g, c.Context().(*requestContext).Context
	d.Request.buffered, d.Request.streaming = c.Request.buffered, c.Request.streaming
	d.Request.maxBody, d.Request.bodyErr, d.Request.read = c.Request.maxBody, c.Request.bodyErr, c.Request.read
	d.Request.form = c.Request.form
	d.Response.status = c.Response.status
	d.Response.fields = append([]field(nil), c.Response.fields...)
	d.Response.trailer = append([]field(nil), c.Response.trailer...)
	d.Response.length = -1
	d.responded = c.responded
	return d
}

// adopt takes over what the handler has done to the double, which nobody uses any more.
func (c *Context) adopt(d *Context) {
	c.values = append(c.values[:0], d.values...)
	c.aborted, c.responded, c.broken = d.aborted, d.responded, d.broken
	c.Request.body, c.Request.buffered = d.Request.body, d.Request.buffered
	c.Request.read, c.Request.bodyErr, c.Request.form = d.Request.read, d.Request.bodyErr, d.Request.form
	r, from := &c.Response, &d.Response
	r.dropBody()
	r.status, r.fields, r.trailer = from.status, append(r.fields[:0], from.fields...), append(r.trailer[:0], from.trailer...)
	r.bytes, r.text, r.reader, r.length = from.bytes, from.text, from.reader, from.length
	r.buffer, r.committed, r.sent, r.mistake, r.upgrade = from.buffer, from.committed, from.sent, from.mistake, from.upgrade
	if from.stream != nil {
		r.stream = &Stream{c}
	}
}

// pass runs f on the wire unless the gate is shut.
func (g *gate) pass(f func(wire) error) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.shut {
		return ErrHandlerTimeout
	}
	return f(g.to)
}

func (g *gate) readBody(c *Context, p []byte) (n int, err error) {
	err = g.pass(func(w wire) error { n, err = w.readBody(c, p); return err })
	return n, err
}

func (g *gate) begin(c *Context, length int64) error {
	return g.pass(func(w wire) error { g.begun = true; return w.begin(c, length) })
}

func (g *gate) write(c *Context, p []byte) error {
	return g.pass(func(w wire) error { return w.write(c, p) })
}

func (g *gate) flush(c *Context) error {
	return g.pass(func(w wire) error { return w.flush(c) })
}

func (g *gate) inform(c *Context, status int) error {
	return g.pass(func(w wire) error { return w.inform(c, status) })
}

func (g *gate) sendFile(c *Context, f *os.File, offset, n int64) error {
	return g.pass(func(w wire) error { return w.sendFile(c, f, offset, n) })
}

func (g *gate) hijack(c *Context) (h hijacked, err error) {
	err = g.pass(func(w wire) error {
		h, err = w.hijack(c)
		g.begun = g.begun || err == nil
		return err
	})
	return h, err
}

func (g *gate) watch(c *Context) {
	g.pass(func(w wire) error { w.watch(c); return nil })
}

func (g *gate) attach(*Context, *requestContext) {} // the context that it descends from is attached

func (g *gate) trailer() (trailer http.Header) {
	g.pass(func(w wire) error { trailer = w.trailer(); return nil })
	return trailer
}

func (g *gate) mayWait(*Context) {} // it is on a goroutine of its own
