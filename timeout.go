package hyperlane

import (
	"net/http"
	"os"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"
)

// Timeout returns middleware that gives what it wraps a limit of time. When the limit has passed, the request's context is cancelled
// and the answer is 503 at once, unless the response has begun, which is then broken off. The late handler may go on: its
// Context is never used for another request, and what it still writes is discarded with ErrHandlerTimeout.
//
// The handler runs on a goroutine of its own. Its context ends with context.Canceled; context.Cause tells that it was ErrHandlerTimeout. One
// route has a limit of its own by server.Get(pattern, hyperlane.Timeout(limit)(handler)), as by any middleware.
func Timeout(limit time.Duration) Middleware {
	return func(next Handler) Handler {
		return func(c *Context) error { return runWithin(c, limit, next) }
	}
}

var errTimeout = &Error{Status: http.StatusServiceUnavailable, Cause: ErrHandlerTimeout}

// gate stands between a handler that may come too late and the wire. Once shut, nothing passes.
type gate struct {
	to      wire
	isShut  atomic.Bool
	asking  sync.Mutex  // held while to is asked for what takes no time, and while the gate is shut
	reading sync.Mutex  // held while a read is under way
	writing sync.Mutex  // held while a write is under way
	sending atomic.Bool // that write is one that may have to wait for the client
	begun   atomic.Bool // the head has passed, or the connection was taken
}

// runWithin runs h on a double of c, so that c can be answered while h still holds the double.
func runWithin(c *Context, limit time.Duration, h Handler) error {
	g := &gate{to: c.wire}
	d := c.double(g)
	life := d.Context().(*requestContext)
	c.wire.mayWait(c)
	done := make(chan error, 1)
	var settled atomic.Bool // by who comes first: the handler, or its limit
	go func() {
		err := error(errGoexit)
		defer func() {
			if settled.CompareAndSwap(false, true) {
				done <- err
				return
			}
			d.Request.dropForm() // nobody else knows of it
			d.Response.dropBody()
		}()
		err = guardStack(d, h)
	}()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	var err error
	select {
	case err = <-done:
	case <-timer.C:
		if settled.CompareAndSwap(false, true) {
			life.cancel(ErrHandlerTimeout)
			if g.shut(c) {
				c.Response.committed, c.responded = true, true
			}
			life.end(ErrHandlerTimeout)
			return errTimeout
		}
		err = <-done
	}
	c.adopt(d)
	life.end(ErrFinished)
	return err
}

// shut lets nothing pass from now on, and has what is under way return. It reports whether the response has begun.
func (g *gate) shut(c *Context) (begun bool) {
	g.asking.Lock()
	g.isShut.Store(true)
	g.asking.Unlock()
	if !g.reading.TryLock() {
		g.to.stopReading(c)
		g.reading.Lock()
	}
	g.reading.Unlock()
	if g.sending.Load() && g.begun.Load() { // what has begun is not to be ended well
		g.to.breakOff(c)
	}
	g.writing.Lock()
	defer g.writing.Unlock()
	return g.begun.Load()
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
	r.buffer, r.committed, r.sent, r.mistake = from.buffer, from.committed, from.sent, from.mistake
	r.upgrade, r.feed = from.upgrade, from.feed
	if from.stream != nil {
		r.stream = &Stream{c}
	}
}

// pass runs f on the wire unless the gate is shut.
func (g *gate) pass(f func(wire) error) error {
	g.writing.Lock()
	defer g.writing.Unlock()
	g.sending.Store(true)
	defer g.sending.Store(false)
	if g.isShut.Load() {
		return ErrHandlerTimeout
	}
	return f(g.to)
}

func (g *gate) readBody(c *Context, p []byte) (int, error) {
	g.reading.Lock()
	defer g.reading.Unlock()
	if g.isShut.Load() {
		return 0, ErrHandlerTimeout
	}
	n, err := g.to.readBody(c, p)
	if err == errBodyStopped {
		err = ErrHandlerTimeout
	}
	return n, err
}

func (g *gate) begin(c *Context, length int64) error {
	return g.pass(func(w wire) error { g.begun.Store(true); return w.begin(c, length) })
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
		if err == nil {
			g.begun.Store(true)
		}
		return err
	})
	return h, err
}

// ask runs f, which takes no time, unless the gate is shut: then the wire may have gone on to another request. A gate inside this
// one asks whenever its own time has passed.
func (g *gate) ask(f func()) {
	g.asking.Lock()
	defer g.asking.Unlock()
	if !g.isShut.Load() {
		f()
	}
}

func (g *gate) stopReading(c *Context) { g.ask(func() { g.to.stopReading(c) }) }

func (g *gate) breakOff(c *Context) { g.ask(func() { g.to.breakOff(c) }) }

func (g *gate) watch(c *Context) { g.ask(func() { g.to.watch(c) }) }

func (g *gate) trailer() http.Header {
	g.reading.Lock()
	defer g.reading.Unlock()
	if g.isShut.Load() {
		return nil
	}
	return g.to.trailer()
}

func (g *gate) attach(*Context, *requestContext) {} // the context that it descends from is attached

func (g *gate) mayWait(*Context) {} // it is on a goroutine of its own
