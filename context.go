package hyperlane

import (
	"context"
	"net/http"
	"os"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/hyperlane-go/hyperlane/internal/http1"
	"github.com/hyperlane-go/hyperlane/internal/route"
)

// Context is one request in flight: what was asked, what will be answered, and what its handlers tell each other. It belongs to the
// goroutine that runs the handler, and to the handler only until that returns: see [Context.Detach]. It must not be copied.
//
// Under the race detector, and with the build tag hyperlanedebug, a Context is never reused, and its methods panic when they are
// called after its handler has returned.
type Context struct {
	Request  Request
	Response Response

	server *Server
	base   context.Context // of the request's context: the server's, or net/http's
	wire   wire
	route  *registration
	match  route.Match
	params []param // of a detached Context; else match has them
	values []value
	life   *requestContext // what Context returned, if it was asked for

	aborted   bool
	responded bool // the response phase has begun
	broken    bool // the response cannot be completed: the connection must close
	detached  bool
	returned  atomic.Bool // see inUse

	exchange exchange
}

// wire is how an exchange reaches its peer: an HTTP/1.1 connection (exchange.go), net/http (bridge.go), or, for a handler that may
// come too late, one of those behind a gate (timeout.go).
type wire interface {
	// readBody reads from a body that was not read before the handler ran. It may be called on another goroutine than what writes.
	readBody(c *Context, p []byte) (int, error)
	// stopReading has a read under way on another goroutine, and all that follow, fail.
	stopReading(c *Context)
	// breakOff has a write under way on another goroutine fail, and the connection end.
	breakOff(c *Context)
	// begin sends the head. length is that of the body, or -1.
	begin(c *Context, length int64) error
	// write sends bytes of the body, after begin. They may wait in a buffer until flush.
	write(c *Context, p []byte) error
	// sendFile sends n bytes of f as a part of the body, by the kernel's own means where there are any.
	sendFile(c *Context, f *os.File, offset, n int64) error
	// flush returns when the peer's kernel may have everything.
	flush(c *Context) error
	// inform sends an interim response (1xx) with the fields of c.Response.
	inform(c *Context, status int) error
	// watch asks for the request's context to be cancelled when the peer goes. It does not wait for a write under way.
	watch(c *Context)
	// mayWait is called before the handler is known to wait.
	mayWait(c *Context)
	// attach makes rc the context that the peer's end cancels.
	attach(c *Context, rc *requestContext)
	// hijack takes the connection out of the server.
	hijack(c *Context) (hijacked, error)
	// trailer returns the fields behind a body that was read to its end.
	trailer() http.Header
}

type param struct{ name, value string }

type value struct{ key, value any }

// inUse panics if the handler that c belonged to has returned. It costs nothing unless misuse is to be found out.
func (c *Context) inUse() {
	if findMisuse && c.returned.Load() {
		panic("hyperlane: a Context was used after its handler had returned. It belongs to another request by then. " +
			"What a goroutine needs later, it takes before (strings are safe to keep), or it takes c.Detach()")
	}
}

// retire notes that the handler has returned.
func (c *Context) retire() {
	if findMisuse {
		c.returned.Store(true)
	}
}

// Param returns the text that the param of that name caught, decoded, or "" if the route has none.
func (c *Context) Param(name string) string {
	c.inUse()
	if c.detached {
		for _, p := range c.params {
			if p.name == name {
				return p.value
			}
		}
		return ""
	}
	v, _ := c.match.Find(name)
	return string(v)
}

// Params returns all params by name.
func (c *Context) Params() map[string]string {
	c.inUse()
	all := make(map[string]string)
	for _, p := range c.allParams() {
		all[p.name] = p.value
	}
	return all
}

func (c *Context) allParams() []param {
	if c.detached {
		return c.params
	}
	all := make([]param, c.match.Len())
	for i := range all {
		all[i] = param{c.match.Name(i), string(c.match.Value(i))}
	}
	return all
}

// Pattern returns the pattern of the route, or "" if none matched.
func (c *Context) Pattern() string {
	c.inUse()
	return c.route.Pattern
}

// Query returns the first value of a query parameter, decoded, or "". See Request.Query for all of them.
func (c *Context) Query(name string) string { return c.Request.Query(name) }

// Set keeps a value for the rest of the request, for handlers that run later. Use a key of a type of your own.
func (c *Context) Set(key, v any) {
	c.inUse()
	for i := range c.values {
		if c.values[i].key == key {
			c.values[i].value = v
			return
		}
	}
	c.values = append(c.values, value{key, v})
}

// Value returns what was Set for key, or nil.
func (c *Context) Value(key any) any {
	c.inUse()
	return find(c.values, key)
}

func find(values []value, key any) any {
	for i := range values {
		if values[i].key == key {
			return values[i].value
		}
	}
	return nil
}

// Abort ends the request phase: middleware that is still to come and the handler are skipped; the response phase runs.
func (c *Context) Abort() {
	c.inUse()
	c.aborted = true
}

// Aborted reports whether Abort was called.
func (c *Context) Aborted() bool {
	c.inUse()
	return c.aborted
}

// Server returns the server that got the request.
func (c *Context) Server() *Server { return c.server }

// Context returns a context that ends with the request: when the handler has returned and its response is written, the last of which may
// still be on its way, when the client has gone, when a timeout has passed, or when a shutdown runs out of time; context.Cause tells
// which. It may be kept.
func (c *Context) Context() context.Context {
	c.inUse()
	if c.life == nil {
		c.life = newRequestContext(c)
	}
	return c.life
}

// The causes with which the context of a request ends, for context.Cause.
var (
	ErrFinished       = cause("hyperlane: the request is finished")
	ErrDisconnected   = cause("hyperlane: the client has gone")
	ErrHandlerTimeout = cause("hyperlane: the handler took too long")
	ErrShutdown       = cause("hyperlane: the server is shutting down")
)

type cause string

func (c cause) Error() string { return string(c) }

// requestContext is the context of one request. It is never reused, so it may be kept by anybody. Watching for the peer's end can
// cost something, so it starts when somebody first wants to know: at the first Done or Err.
type requestContext struct {
	context.Context
	cancel context.CancelCauseFunc

	mu      sync.Mutex // guards what follows
	c       *Context   // nil once the request has ended
	watched bool
}

func newRequestContext(c *Context) *requestContext {
	rc := &requestContext{c: c}
	rc.Context, rc.cancel = context.WithCancelCause(c.base)
	c.wire.attach(c, rc)
	return rc
}

// Done returns a channel that is closed when the request ends.
func (rc *requestContext) Done() <-chan struct{} {
	rc.watch()
	return rc.Context.Done()
}

// Err returns nil until the request ends.
func (rc *requestContext) Err() error {
	rc.watch()
	return rc.Context.Err()
}

func (rc *requestContext) watch() {
	rc.mu.Lock()
	defer rc.mu.Unlock()
	if rc.c != nil && !rc.watched {
		rc.watched = true
		rc.c.wire.watch(rc.c)
	}
}

// end is called by the owner of the request when it is over. After it no method reaches the Context.
func (rc *requestContext) end(why error) {
	rc.mu.Lock()
	rc.c = nil
	rc.mu.Unlock()
	rc.cancel(why)
}

// abandon ends what a request has begun that will not be answered, as its goroutine ends. Nobody uses c any more.
func (c *Context) abandon() {
	if c.life != nil {
		c.life.end(ErrFinished)
	}
	if f := c.Response.feed; f != nil {
		c.Response.feed = nil
		f.end(ErrDisconnected)
	}
	c.Response.dropBody()
	c.Request.dropForm()
}

// Detach returns a Context that stays valid after the handler has returned, for work that goes on in another goroutine. Its request is
// a copy, with the body as far as it was buffered; what is set on its response goes nowhere; its context ends with the server.
func (c *Context) Detach() *Context {
	c.inUse()
	d := &Context{server: c.server, base: c.server.base, wire: noWire{}, route: c.route, detached: true, params: c.allParams()}
	d.values = append(d.values, c.values...)
	d.exchange.head = c.exchange.head
	d.exchange.head.Fields = slices.Clone(c.exchange.head.Fields)
	d.exchange.raw = append([]byte(nil), c.exchange.raw...)
	d.Request.c, d.Response.c = d, d
	d.Request.info = c.Request.info
	d.Request.body = append([]byte(nil), c.Request.body...)
	d.Request.buffered, d.Request.maxBody = true, c.Request.maxBody
	return d
}

// reset makes c ready for another request. Every field is named here.
func (c *Context) reset() {
	c.Request.reset()
	c.Response.reset()
	c.route = nil
	c.params = nil
	clear(c.values)
	c.values = c.values[:0]
	c.life = nil
	c.aborted, c.responded, c.broken = false, false, false
	c.exchange.reset()
	// server, base, wire and match are set before they are used; detached and returned never were set.
}

// exchange is the HTTP/1.1 side of a Context: the head, and where its bytes are. The net/http bridge fills it too.
type exchange struct {
	head http1.Head
	raw  []byte // what the spans of head mark
	own  []byte // memory for raw where nobody else keeps the bytes
	wire h1Wire
}

func (x *exchange) reset() {
	x.head.Reset()
	x.raw = nil
	x.wire.reset(nil, nil)
}

var errNoWire = cause("hyperlane: a detached Context has no connection")

// noWire is the wire of a detached Context.
type noWire struct{}

func (noWire) readBody(*Context, []byte) (int, error)          { return 0, errNoWire }
func (noWire) stopReading(*Context)                            {}
func (noWire) breakOff(*Context)                               {}
func (noWire) begin(*Context, int64) error                     { return errNoWire }
func (noWire) write(*Context, []byte) error                    { return errNoWire }
func (noWire) sendFile(*Context, *os.File, int64, int64) error { return errNoWire }
func (noWire) flush(*Context) error                            { return errNoWire }
func (noWire) inform(*Context, int) error                      { return errNoWire }
func (noWire) watch(*Context)                                  {}
func (noWire) mayWait(*Context)                                {}
func (noWire) attach(*Context, *requestContext)                {}
func (noWire) hijack(*Context) (hijacked, error)               { return hijacked{}, errNoWire }
func (noWire) trailer() http.Header                            { return nil }

// Redirect answers with a status from 300 to 308 and a Location, which is sent as it is given.
func (c *Context) Redirect(status int, location string) error {
	if status < 300 || status > 308 {
		return Errorf(http.StatusInternalServerError, "redirect with status %d", status)
	}
	c.Response.SetStatus(status).SetHeader("Location", location)
	return nil
}
