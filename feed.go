package hyperlane

import (
	"errors"
	"sync"

	"github.com/hyperlane-go/hyperlane/internal/engine"
	"github.com/hyperlane-go/hyperlane/internal/http1"
)

// Feed is the body of a response that goes on after its handler has returned, in the style of events: no goroutine belongs to it
// while nothing is sent. Its methods may be called by any goroutine, from the moment Context.Feed has returned it, and also after it
// has ended.
type Feed struct {
	server *Server
	feeder Feeder
	limit  int // bytes that may wait

	mu      sync.Mutex   // guards what follows
	handle  *engine.Conn // once the connection belongs to the feed; nil where net/http has the connection
	chunked bool
	pending []byte        // sent, and not given to handle or to the goroutine that writes
	wake    chan struct{} // tells that goroutine of more; nil where there is none
	ended   bool          // End was called
	drained bool          // Feeder.Drain was called
	failed  bool          // and has not returned: nobody is going to end the feed
	closed  bool          // Feeder.Closed was called
}

// Feeder is told what becomes of a Feed. It must not block: neither method has a goroutine of its own. After a panic of Drain the body
// is broken off.
type Feeder interface {
	// Drain tells that the server is shutting down: send a last word and End. It is called once at most.
	Drain(f *Feed)
	// Closed is the last call, and comes for every Feed. err is nil when the feed has ended by End, ErrFinished when another response
	// took its place or there was no body to be sent (HEAD), and wraps ErrDisconnected when the connection has ended before.
	Closed(f *Feed, err error)
}

var (
	// ErrFeedEnded is what Feed.Send returns after End, and once the client has gone.
	ErrFeedEnded = errors.New("hyperlane: the feed has ended")

	// ErrOutboxFull is what the Send of a Feed and of a Conn returns when more than Config.Limits.Outbox bytes would wait for a slow
	// client. Nothing of what was given is sent; what comes later may be.
	ErrOutboxFull = engine.ErrOutboxFull
)

// Feed answers with a body that others write after the handler has returned, by the Feed that it returns. When the handler has returned,
// the response phase runs and the head leaves; the hooks of OnFinish run then, as no Context is kept for the body. What is sent before
// goes behind the head. A body that is set later, or an error of the handler, takes the Feed's place.
//
// The connection serves the feed only, and closes after it; what the client sends on it is read and dropped. Over HTTP/1.1 the body
// is chunked, so that a client can tell its end from a failure. Where net/http has the connection (HTTP/2, Server.ServeHTTP, inside
// its middleware), the request's goroutine stays and writes.
func (c *Context) Feed(feeder Feeder) (*Feed, error) {
	c.inUse()
	r := &c.Response
	if _, none := c.wire.(noWire); none {
		return nil, errNoWire
	}
	if r.committed {
		return nil, errors.New("hyperlane: the response has begun")
	}
	r.dropBody()
	r.stream = nil
	r.feed = &Feed{server: c.server, feeder: feeder, limit: c.server.config.Limits.Outbox}
	return r.feed, nil
}

// Send adds p to the body and returns without waiting; p may be reused. What is sent in one call stays together, and calls of one
// goroutine keep their order. The errors are ErrOutboxFull and ErrFeedEnded.
func (f *Feed) Send(p []byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.ended || f.closed:
		return ErrFeedEnded
	case len(p) == 0:
		return nil
	case f.handle != nil:
		return f.post(p)
	case len(f.pending)+len(p) > f.limit-chunkFrame:
		return ErrOutboxFull
	}
	f.pending = append(f.pending, p...)
	f.tell()
	return nil
}

// Waiting returns about how many bytes have been sent and wait, because the client is slow or the head has not left.
func (f *Feed) Waiting() int {
	f.mu.Lock()
	handle, pending := f.handle, len(f.pending)
	f.mu.Unlock()
	if handle != nil {
		return handle.Waiting()
	}
	return pending
}

// End ends the body, behind what was sent. Later calls do nothing.
func (f *Feed) End() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.ended || f.closed {
		return
	}
	f.ended = true
	f.tell()
	if f.handle != nil {
		f.finish()
	}
}

// tell lets the goroutine that writes know. The caller holds mu.
func (f *Feed) tell() {
	select {
	case f.wake <- struct{}{}:
	default: // it knows, or there is none
	}
}

// chunkFrame is more than the bytes around the one chunk that pending becomes.
const chunkFrame = 64

// frames holds memory for chunks.
var frames = sync.Pool{New: func() any { return new([]byte) }}

// post gives p to the connection. The caller holds mu.
func (f *Feed) post(p []byte) error {
	if !f.chunked {
		return f.passed(f.handle.Send(p))
	}
	frame := frames.Get().(*[]byte)
	out := http1.AppendChunkHead((*frame)[:0], len(p))
	out = append(append(out, p...), "\r\n"...)
	err := f.handle.Send(out)
	if cap(out) <= 64<<10 {
		*frame = out
	}
	frames.Put(frame)
	return f.passed(err)
}

func (f *Feed) passed(err error) error {
	if err == engine.ErrClosed {
		return ErrFeedEnded
	}
	return err
}

// finish sends the last chunk and has the connection close. The caller holds mu.
func (f *Feed) finish() {
	if f.chunked && f.handle.Send([]byte("0\r\n\r\n")) != nil {
		f.handle.Close() // without its last chunk the client sees that something is missing
		return
	}
	f.handle.Finish()
}

// drain tells the feeder of a shutdown, once.
func (f *Feed) drain() {
	f.mu.Lock()
	told := f.drained || f.closed
	f.drained = true
	f.mu.Unlock()
	if told {
		return
	}
	failed := true
	defer func() { // also after a Goexit
		if failed {
			f.breakOff()
		}
	}()
	failed = f.guard(func() { f.feeder.Drain(f) }) != nil
}

// breakOff ends the body so that the client sees that something is missing.
func (f *Feed) breakOff() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.failed = true
	f.tell()
	if f.handle != nil {
		f.handle.Close()
	}
}

func (f *Feed) guard(call func()) error {
	return f.server.guardAlone("feed failed", func() error { call(); return nil })
}

// end tells the feeder of the end, once.
func (f *Feed) end(err error) {
	f.mu.Lock()
	told := f.closed
	f.closed = true
	f.pending = nil
	f.mu.Unlock()
	if !told {
		f.guard(func() { f.feeder.Closed(f, err) })
	}
}
