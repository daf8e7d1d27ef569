package websocket

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hyperlane-go/hyperlane"
)

var (
	// ErrSlow is what Conn.Send returns when the peer is so slow that what waits for it would be more than the server's Limits.Outbox.
	// The message is not sent.
	ErrSlow = errors.New("websocket: the peer is too slow")

	// ErrDead is why a connection ended whose peer has not answered a ping.
	ErrDead = errors.New("websocket: the peer does not answer")

	// ErrClosed is what is returned to those who write after the close frame was sent, or the connection has ended.
	ErrClosed = errors.New("websocket: the connection is closed")
)

// transport is what carries the bytes: a hyperlane.Conn, or what Dial has made.
type transport interface {
	Send(p []byte) error
	Waiting() int
	Finish()
	Close()
	MayWait()
	RemoteAddr() net.Addr
}

// Conn is one connection. Its methods may be called by any goroutine, but for Read, ReadText, ReadJSON and Reader, which belong to the
// function of an endpoint in the blocking style, and to whoever has dialled.
type Conn struct {
	// These are set before it opens, or while it does. receive and what it calls have reading to themselves: the calls of a transport's
	// owner never overlap. mu guards what follows it, and keeps the close frame the last.

	config   *Config
	endpoint *Endpoint       // nil if it was dialled
	request  *hyperlane.Kept // nil if it was dialled
	protocol string
	inbox    *inbox // in the blocking style
	terms    deflateTerms
	server   bool
	told     bool  // Events.Open was called, or would have been
	quiet    uint8 // for how many beats of the keeper there was no sign; the keeper guards it

	reading struct {
		part   *part   // of a message; nil between two
		window *buffer // what compressed messages refer back to, with a context
		closed bool    // the peer's close frame has come, or the rules were broken: nothing more is read
		left   bool    // see leave
	}

	transport atomic.Pointer[transport]
	sign      atomic.Uint32 // of life, since the keeper looked
	place     int32         // in keeper.conns, plus 1; the keeper guards it

	message  sync.Mutex // held while a message is written, which may take several frames; guards deflater
	deflater *deflater  // with a context

	mu      sync.Mutex
	said    bool // a close frame was sent
	heard   bool // no other will come: when ours is sent the connection ends
	gone    bool // the peer has ended its side
	ended   bool
	why     error // the first reason to end; nil while there is none
	closing *time.Timer
	ctx     context.Context // what Context has returned; nil if nobody has asked
	cancel  context.CancelCauseFunc
	values  map[any]any
	subs    map[*subscriber]struct{}
}

// Signs of life.
const (
	signNone  = iota
	signHeard // something has come
	signBusy  // what has come is being worked on, and so nothing is read
)

func newConn(config *Config, server bool, terms deflateTerms) *Conn {
	return &Conn{config: config, server: server, terms: terms}
}

// Request returns the request that asked for the upgrade, as Context.Detach does: its params, values, fields and cookies. Each call makes it
// anew, so that an idle connection need not hold it: take what you need, and Set it. It is nil if the connection was dialled.
func (c *Conn) Request() *hyperlane.Context {
	if c.request == nil {
		return nil
	}
	return c.request.Context()
}

// Set keeps v for the connection, as Context.Set does for a request.
func (c *Conn) Set(key, v any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.values == nil {
		c.values = make(map[any]any)
	}
	c.values[key] = v
}

// Value returns what was Set for key, else what a middleware or the handler has set for it on the request's Context, else nil.
func (c *Conn) Value(key any) any {
	c.mu.Lock()
	v, ok := c.values[key]
	c.mu.Unlock()
	if !ok && c.request != nil {
		return c.request.Value(key)
	}
	return v
}

// Protocol returns the subprotocol, or "".
func (c *Conn) Protocol() string { return c.protocol }

// RemoteAddr returns the address of the peer.
func (c *Conn) RemoteAddr() net.Addr { return c.carrier().RemoteAddr() }

// carrier returns the transport, which is there from Open on.
func (c *Conn) carrier() transport { return *c.transport.Load() }

// Send sends a message and returns without waiting; p may be reused. The errors are ErrSlow and ErrClosed. While a Writer is open it waits
// for that.
func (c *Conn) Send(t Type, p []byte) error {
	c.message.Lock()
	defer c.message.Unlock()
	return c.sendMessage(t, p)
}

// SendText is Send for text, which must be UTF-8.
func (c *Conn) SendText(text string) error { return c.Send(Text, []byte(text)) }

// SendJSON sends v as text, by encoding/json.
func (c *Conn) SendJSON(v any) error {
	p, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return c.Send(Text, p)
}

// Write is Send that waits until there is room, or ctx is done.
func (c *Conn) Write(ctx context.Context, t Type, p []byte) error {
	c.message.Lock()
	defer c.message.Unlock()
	return c.whenThereIsRoom(ctx, func() error { return c.sendMessage(t, p) })
}

// whenThereIsRoom tries send again, with pauses, while the peer is too slow for it.
func (c *Conn) whenThereIsRoom(ctx context.Context, send func() error) error {
	for pause := time.Millisecond; ; pause = min(2*pause, 50*time.Millisecond) {
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		if err := send(); err != ErrSlow {
			return err
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
		}
	}
}

var errType = errors.New("websocket: a message is Text or Binary")

// sendMessage sends a message in one frame. The caller holds message.
func (c *Conn) sendMessage(t Type, p []byte) error {
	if t != Text && t != Binary {
		return errType
	}
	if !c.terms.on || len(p) < c.config.Compression.MinSize {
		return c.sendFrame(frame{op: opcode(t), final: true}, p)
	}
	window, takeover := c.terms.compresses(c.server)
	buffer := takeBuffer()
	defer buffer.give()
	if !takeover {
		var err error
		if buffer.b, err = compress(buffer.b, p, window); err != nil {
			return err
		}
		return c.sendFrame(frame{op: opcode(t), final: true, compressed: true}, buffer.b)
	}
	if c.deflater == nil {
		c.deflater = newDeflater(window)
	}
	var err error
	buffer.b, err = c.deflater.append(buffer.b, p)
	if err == nil {
		err = c.sendFrame(frame{op: opcode(t), final: true, compressed: true}, buffer.b)
	}
	if err != nil {
		c.deflater = nil // later messages must not refer to one that was not sent
	}
	return err
}

// sendFrame sends one frame, which it masks if this is a client.
func (c *Conn) sendFrame(f frame, p []byte) error {
	buffer := takeBuffer()
	defer buffer.give()
	f.length = uint64(len(p))
	if !c.server {
		f.masked, f.key = true, rand.Uint32()
	}
	out := append(f.append(buffer.b), p...)
	buffer.b = out
	if f.masked {
		mask(out[len(out)-len(p):], f.key)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.said || c.ended {
		return ErrClosed
	}
	c.said = f.op == opClose
	return c.passed(c.carrier().Send(out))
}

func (c *Conn) passed(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, hyperlane.ErrOutboxFull):
		return ErrSlow
	}
	return ErrClosed
}

// Ping sends a ping with up to 125 bytes, and does not wait for the answer. The keeper sends its own: see Config.PingInterval.
func (c *Conn) Ping(p []byte) error {
	if len(p) > maxControl {
		return errors.New("websocket: a ping carries at most 125 bytes")
	}
	return c.sendFrame(frame{op: opPing, final: true}, p)
}

// Context returns a context that ends with the connection, and on the event loop as soon as the peer has gone while an event is
// handled; its cause is why. It has nothing of the request's.
func (c *Conn) Context() context.Context {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ctx == nil {
		c.ctx, c.cancel = context.WithCancelCause(context.Background())
		switch {
		case c.ended:
			c.cancel(c.why)
		case c.gone:
			c.cancel(hyperlane.ErrDisconnected)
		}
	}
	return c.ctx
}

// Close begins the closing handshake with a status and a reason of at most 123 bytes, and returns without waiting. If the peer does not
// answer within Config.CloseTimeout the connection is closed all the same. Only the first Close counts; the error is ErrClosed for others,
// and for a status that may not be sent it says so.
func (c *Conn) Close(s Status, reason string) error {
	if !s.sendable() && s != StatusNone {
		return errors.New("websocket: a status that may not be sent")
	}
	c.note(&CloseError{Status: s, Reason: reason})
	err := c.sendFrame(frame{op: opClose, final: true}, appendClose(nil, s, reason))
	if err == ErrSlow {
		c.cut(err) // it would never see the frame
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.hurry()
	return err
}

// hurry gives the closing handshake Config.CloseTimeout, or ends it if it is complete. The caller holds mu.
func (c *Conn) hurry() {
	if c.closing == nil && !c.ended {
		c.closing = time.AfterFunc(c.config.CloseTimeout, func() { c.cut(ErrDead) })
	}
	if c.said && c.heard {
		c.carrier().Finish()
	}
}

// fail tells the peer why the connection ends. Whoever calls it ends it, without waiting for the peer's close frame.
func (c *Conn) fail(e *CloseError) {
	c.note(e)
	c.sendFrame(frame{op: opClose, final: true}, appendClose(nil, e.Status, e.Reason))
}

// cut ends the connection at once. The end is told by its owner; whoever waits on the way there is woken.
func (c *Conn) cut(why error) {
	c.note(why)
	c.carrier().Close()
	c.endContext(why)
	if c.inbox != nil {
		c.inbox.close(why)
	}
}

func (c *Conn) endContext(why error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cancel != nil {
		c.cancel(why)
	}
}

// hangup is told when the peer has gone while an event is handled.
func (c *Conn) hangup() {
	c.mu.Lock()
	c.gone = true
	c.mu.Unlock()
	c.endContext(hyperlane.ErrDisconnected)
}

// orFail runs f, and tells the peer of a panic.
func (c *Conn) orFail(f func()) {
	failed := true
	defer func() {
		if failed {
			c.reading.closed = true
			c.fail(refuse(StatusInternalError, ""))
		}
	}()
	f()
	failed = false
}

// note remembers why the connection ends, and returns the first reason, which counts.
func (c *Conn) note(why error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.why == nil {
		c.why = why
	}
	return c.why
}

// opened is the first event.
func (c *Conn) opened(t transport) {
	c.transport.Store(&t)
	c.sign.Store(signHeard)
	e := c.endpoint
	if e == nil {
		return
	}
	if n := e.open.Add(1); e.config.Connections > 0 && n > int64(e.config.Connections) {
		if c.Close(StatusTryAgain, "too many connections"); c.inbox != nil { // several came at once, and Serve has let them all pass
			c.inbox.close(ErrClosed)
		}
		return
	}
	c.told = true
	e.keeper.add(c)
	if e.events.Open != nil {
		c.orFail(func() { e.events.Open(c) })
	}
	if e.serve != nil {
		c.inbox.mayWait = t.MayWait
		go c.serveBlocking(e.serve)
	}
}

// over is the last event.
func (c *Conn) over(err error) {
	c.mu.Lock()
	c.ended = true
	switch {
	case c.why != nil:
	case err != nil:
		c.why = fmt.Errorf("%w: %w", hyperlane.ErrDisconnected, err)
	default:
		c.why = &CloseError{Status: StatusAbnormal}
	}
	why, subs := c.why, c.subs
	c.subs = nil
	if c.closing != nil {
		c.closing.Stop()
	}
	c.mu.Unlock()
	c.endContext(why)
	for s := range subs {
		s.end()
	}
	if c.inbox != nil {
		c.inbox.close(why)
	}
	c.reading.part.give()
	c.reading.part = nil
	e := c.endpoint
	if e == nil {
		return
	}
	e.keeper.remove(c)
	e.open.Add(-1)
	if c.told && e.events.Close != nil {
		e.events.Close(c, why)
	}
}

// upgraded is a Conn as hyperlane sees it.
type upgraded Conn

func (u *upgraded) Opened(conn *hyperlane.Conn) { (*Conn)(u).opened(conn) }

func (u *upgraded) Receive(_ *hyperlane.Conn, in []byte) (int, error) { return (*Conn)(u).receive(in) }

func (u *upgraded) Hangup(*hyperlane.Conn) { (*Conn)(u).hangup() }

func (u *upgraded) Drain(*hyperlane.Conn) { (*Conn)(u).Close(StatusGoingAway, "the server shuts down") }

func (u *upgraded) Closed(_ *hyperlane.Conn, err error) { (*Conn)(u).over(err) }

// buffer is memory for frames.
type buffer struct{ b []byte }

var buffers = sync.Pool{New: func() any { return new(buffer) }}

func takeBuffer() *buffer { return buffers.Get().(*buffer) }

func (b *buffer) give() {
	if cap(b.b) <= keepPart {
		b.b = b.b[:0]
		buffers.Put(b)
	}
}
