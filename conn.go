package hyperlane

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hyperlane-go/hyperlane/internal/engine"
	"github.com/hyperlane-go/hyperlane/internal/http1"
)

// conn is HTTP/1.1 on one connection: the one place that knows engine, http1 and router. Its owner is the engine's (see the engine's
// contract); what Hangup and Drain touch is atomic. Nothing else of a connection is kept between two turns.
type conn struct {
	server *Server
	handle *engine.Conn
	cell   *cell
	peer   peer

	life     atomic.Pointer[requestContext] // of the request that is served, if it was asked for
	gone     atomic.Bool                    // the peer has closed its side
	draining atomic.Bool
	heir     atomic.Pointer[engine.Protocol] // speaks on the connection now; nil while this does
	started  bool                            // a request has come
}

// contexts holds Contexts that no one uses. Under findMisuse nothing is ever put back.
var contexts = sync.Pool{New: func() any {
	c := new(Context)
	c.Request.c, c.Response.c = c, c
	c.Response.length = -1
	return c
}}

// preface is how a client that knows of HTTP/2 here begins (RFC 9113 section 3.4).
var preface = []byte("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")

// flushAt is how many bytes of answers gather before they leave in the middle of a turn.
const flushAt = 64 << 10

// Serve answers the requests in t.In, one after the other, until one is incomplete.
func (co *conn) Serve(t *engine.Turn) engine.Next {
	c := contexts.Get().(*Context)
	c.server, c.base = co.server, co.server.base
	var next engine.Next
	for more := true; more; {
		next, more = co.message(t, c)
		c = co.recycle(c)
		if len(t.Out) >= flushAt && t.Flush() != nil {
			next, more = engine.Abort, false
		}
	}
	if !findMisuse {
		contexts.Put(c)
	}
	return next
}

// recycle makes c ready for the next request, or replaces it where its misuse is to be found out.
func (co *conn) recycle(c *Context) *Context {
	if findMisuse && c.returned.Load() {
		c = contexts.New().(*Context)
		c.server, c.base = co.server, co.server.base
		return c
	}
	c.reset()
	return c
}

// message serves the request at the front of t.In. more says that there may be another behind it.
func (co *conn) message(t *engine.Turn, c *Context) (next engine.Next, more bool) {
	if len(t.In) == 0 {
		return co.empty(t), false
	}
	x := &c.exchange
	n, err := x.head.Parse(t.In, &co.server.headLimits)
	if !co.started && co.peer.tls == nil { // with TLS the handshake has settled it
		switch {
		case bytes.HasPrefix(t.In, preface):
			return co.switchToHTTP2(t), false
		case n == 0 && t.Err == nil && bytes.HasPrefix(preface, t.In[:min(len(t.In), len(preface))]):
			return engine.AwaitHead, false
		}
	}
	switch {
	case err != nil:
		return co.refuse(t, c, err), false
	case n == 0 && t.Err == engine.ErrTimeout && len(bytes.TrimRight(t.In, "\r\n")) > 0:
		return co.refuse(t, c, errHeadTimeout), false
	case n == 0 && t.Err != nil:
		return engine.Close, false
	case n == 0:
		return engine.AwaitHead, false
	}
	co.started = true
	return co.request(t, c, n)
}

// empty is the turn that finds nothing to serve.
func (co *conn) empty(t *engine.Turn) engine.Next {
	switch {
	case t.Err != nil, co.draining.Load():
		return engine.Close
	case !co.started:
		return engine.AwaitHead
	}
	return engine.AwaitMessage
}

var (
	errHeadTimeout = &http1.Error{Status: http.StatusRequestTimeout, Reason: "the head did not come in time"}
	errBodyTimeout = Errorf(http.StatusRequestTimeout, "the body did not come in time")
	errBodyStopped = cause("hyperlane: the body is not read any more, as its handler is over")
	errBodyCut     = &Error{Status: http.StatusBadRequest, Detail: "the body has ended too early", Cause: io.ErrUnexpectedEOF}
)

// request serves the request whose head is t.In[:n].
func (co *conn) request(t *engine.Turn, c *Context, n int) (next engine.Next, more bool) {
	w := &c.exchange.wire
	w.reset(co, t)
	c.wire = w
	c.Request.info = co.peer
	c.Request.maxBody = co.server.config.Limits.Body
	x := &c.exchange
	x.raw = t.In[:n]
	w.keepAlive = x.head.KeepAlive && t.Err == nil
	w.body.Begin(&x.head, co.server.config.Limits.Body)

	end, next, ready := co.body(t, c, w, n)
	if !ready {
		return next, false
	}
	co.server.find(c)
	offLoop := w.streaming || c.route.offLoop()
	if offLoop && t.OnLoop() {
		return engine.OffLoop, false
	}
	if w.streaming {
		// The input buffer will move while the handler reads: the head gets a place of its own.
		x.own = append(x.own[:0], x.raw...)
		x.raw = x.own
		end = n
	}
	t.In = t.In[end:]
	serial := co.cell.requests.Add(1)
	co.run(t, c, w, offLoop, serial%sampled == 0)
	return co.after(t, c, w)
}

// body gets the body behind the head, if it is to be read before the handler runs: it returns where the message ends, or that the
// connection has to wait, or that a streamed body begins there.
func (co *conn) body(t *engine.Turn, c *Context, w *h1Wire, n int) (end int, next engine.Next, ready bool) {
	h := &c.exchange.head
	c.Request.buffered = true
	switch {
	case w.body.Done():
		return n, 0, true
	case h.Chunked:
		if t.OnLoop() {
			// Decoding changes the input, which a turn elsewhere would begin with.
			if co.server.find(c); c.route.offLoop() {
				return 0, engine.OffLoop, false
			}
		}
		if end, ok := co.chunked(t, c, w, n); ok {
			return end, 0, true
		}
	case h.ContentLength > co.server.config.Limits.Body:
		// Refused by the first read, so that the answer can be the handler's or 413.
	case h.ContentLength <= int64(co.server.config.Limits.BufferedBody):
		end = n + int(h.ContentLength)
		if len(t.In) >= end {
			c.Request.body = t.In[n:end]
			w.body = http1.Body{}
			return end, 0, true
		}
		if t.Err == engine.ErrTimeout {
			return 0, co.refuse(t, c, errBodyTimeout), false
		}
		if t.Err != nil {
			return 0, engine.Close, false
		}
		if h.Expect && len(t.In) == n {
			break // only who wants the body has the client send it: see h1Wire.readBody
		}
		t.Need = end
		return 0, engine.AwaitBody, false
	}
	c.Request.buffered = false
	c.Request.streaming = true
	w.streaming = true
	w.expect = h.Expect && len(t.In) == n
	return n, 0, true
}

// chunked decodes a chunked body that has come as a whole, in place. Otherwise it leaves everything as it was.
func (co *conn) chunked(t *engine.Turn, c *Context, w *h1Wire, n int) (end int, ok bool) {
	probe := w.body
	size := 0
	for end = n; !probe.Done(); {
		data, used, err := probe.Next(t.In[end:])
		if err != nil || used == 0 || size+len(data) > co.server.config.Limits.BufferedBody {
			return 0, false
		}
		end += used
		size += len(data)
	}
	w.body.Begin(&c.exchange.head, co.server.config.Limits.Body)
	to := n
	for from := n; !w.body.Done(); {
		data, used, _ := w.body.Next(t.In[from:])
		to += copy(t.In[to:], data)
		from += used
	}
	c.Request.body = t.In[n:to]
	return end, true
}

// run has the handler answer, and sends what it has set.
func (co *conn) run(t *engine.Turn, c *Context, w *h1Wire, offLoop, sample bool) {
	cells := co.server.cells
	var began time.Duration
	if offLoop || sample {
		began = cells.now()
	}
	over := false
	defer func() {
		if !over { // by runtime.Goexit
			co.cell.end(0, true)
			co.life.Store(nil)
			c.abandon()
		}
	}()
	t.Enter()
	co.server.handle(c)
	if !c.Response.committed && !c.broken {
		co.server.send(c)
	}
	if c.life != nil {
		co.life.Store(nil)
		c.life.end(ErrFinished)
	}
	over = true
	overstayed := t.Leave()
	if overstayed {
		c.route.pace.overstayed()
	}
	switch {
	case offLoop:
		took := cells.now() - began
		co.cell.latency.note(took, 1)
		if !overstayed && !w.streaming {
			c.route.pace.took(took)
		}
	case sample:
		co.cell.latency.note(cells.now()-began, sampled)
	}
}

// after ends the message: what of the request is unread must not become the next one.
func (co *conn) after(t *engine.Turn, c *Context, w *h1Wire) (next engine.Next, more bool) {
	unread := w.streaming && !w.body.Done()
	if !c.broken && !w.hijacked && c.Response.feed == nil {
		w.finish(c)
	}
	if !w.failed && !w.hijacked && (c.broken || len(co.server.hooks.finish) > 0) {
		// Answers before this one must not be lost with it, and the hooks are told of what has left.
		if w.passed(t.Flush()) != nil {
			c.broken = true
		}
	}
	co.cell.end(c.Response.Status(), c.broken)
	if len(co.server.hooks.finish) > 0 || c.Request.form != nil {
		t.Enter()
		co.server.finished(c)
		if t.Leave() {
			c.route.pace.overstayed()
		}
	}
	c.retire()
	switch {
	case w.hijacked:
		return engine.Detached, false
	case c.broken:
		return engine.Abort, false
	case c.Response.feed != nil:
		return co.feedTo(t, c, w), false
	case c.Response.upgrade != nil:
		return co.upgradeTo(t, c.Response.upgrade), false
	case unread && w.keepAlive && !w.drain():
		return engine.Linger, false
	case unread && !w.keepAlive:
		return engine.Linger, false
	case !w.keepAlive && len(t.In) > 0:
		return engine.Linger, false
	case !w.keepAlive && c.exchange.head.KeepAlive:
		return engine.Linger, false // the end is our decision: the client may be sending its next request already
	case !w.keepAlive:
		return engine.Close, false
	}
	t.Restart = true
	return engine.AwaitMessage, true
}

// refuse answers a message that is not served, and ends the connection: nothing behind it can be trusted.
func (co *conn) refuse(t *engine.Turn, c *Context, err error) engine.Next {
	co.cell.malformed.Add(1)
	status := co.server.problem(err).Status
	t.Out = http1.AppendStatusLine(t.Out, status)
	t.Out = co.server.appendDate(t.Out)
	t.Out = append(t.Out, "Content-Type: text/plain; charset=utf-8\r\nConnection: close\r\n"...)
	// RFC 9110 section 9.3.2: to HEAD there is no content. What was parsed may not go as far as the method.
	text := ""
	if !bytes.HasPrefix(bytes.TrimPrefix(t.In, []byte("\r\n")), []byte("HEAD ")) {
		text = http.StatusText(status) + "\n"
		t.Out = http1.AppendContentLength(t.Out, int64(len(text)))
	}
	t.Out = append(append(t.Out, "\r\n"...), text...)
	co.server.config.Logger.Debug("request refused", "remote", &co.peer, "status", status, "error", err)
	return engine.Linger
}

// Hangup ends the context of the request that is served.
func (co *conn) Hangup() {
	co.gone.Store(true)
	if rc := co.life.Load(); rc != nil {
		rc.cancel(ErrDisconnected)
	}
	if p := co.heir.Load(); p != nil {
		(*p).Hangup()
	}
}

// Drain has the connection close after the answer under way.
func (co *conn) Drain() {
	co.draining.Store(true)
	if p := co.heir.Load(); p != nil {
		(*p).Drain()
	}
}

// handOver gives the connection to p. What others tell co from now on, or have told it and will not say again, p hears, perhaps twice.
func (co *conn) handOver(t *engine.Turn, p engine.Protocol) {
	t.Switch(p)
	co.heir.Store(&p)
	if co.gone.Load() {
		p.Hangup()
	}
	if co.draining.Load() {
		p.Drain()
	}
}

// Closed is the end.
func (co *conn) Closed(err error) {
	if err != nil && !errors.Is(err, io.EOF) {
		co.server.config.Logger.Debug("connection failed", "remote", &co.peer, "error", err)
	}
}
