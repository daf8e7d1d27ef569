package websocket

import (
	"context"
	"encoding/json"
	"errors"
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
	RemoteAddr() net.Addr
}

// Conn is one connection. Its methods may be called by any goroutine, but for Read, ReadText, ReadJSON and Reader, which belong to the
// function of an endpoint in the blocking style, and to whoever has dialled.
//
// The fields of the first group are set before it opens. receive and what it calls have reading to themselves: the calls of a transport's
// owner never overlap. mu guards the writing side.
type Conn struct {
	config   *Config
	endpoint *Endpoint // nil if it was dialled
	request  *hyperlane.Context
	protocol string
	terms    deflateTerms
	server   bool
	inbox    *inbox // in the blocking style

	reading struct {
		part   *part  // of a message; nil between two
		window []byte // what compressed messages refer back to, with a context
		closed bool   // the peer's close frame has come, or the rules were broken: nothing more is read
	}

	transport atomic.Pointer[transport]
	heard     atomic.Bool // something has come since the keeper looked
	quiet     uint8       // for how many of its beats nothing has; the keeper guards it
	place     int         // in keeper.conns, plus 1; the keeper guards it

	message sync.Mutex // held while a message is written, which may take several frames

	mu       sync.Mutex
	deflater *deflater // with a context
	why      error     // the first reason to end; nil while there is none
	said     bool      // a close frame was sent
	closing  *time.Timer
	ended    bool
	subs     map[*subscriber]struct{}
}

func newConn(config *Config, server bool, terms deflateTerms) *Conn {
	return &Conn{config: config, server: server, terms: terms}
}

// Request returns the request that asked for the upgrade, as Context.Detach does: its params, values, fields and cookies stay as they were.
// It is nil if the connection was dialled.
func (c *Conn) Request() *hyperlane.Context { return c.request }

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
	// What was compressed with a context must be sent, or the peer's context is another: so there has to be room before.
	if c.carrier().Waiting() > 0 && c.carrier().Waiting()+len(p) > maxBacklog {
		return ErrSlow
	}
	c.mu.Lock()
	if c.deflater == nil {
		c.deflater = newDeflater(window)
	}
	var err error
	buffer.b, err = c.deflater.append(buffer.b, p)
	c.mu.Unlock()
	if err == nil {
		err = c.sendFrame(frame{op: opcode(t), final: true, compressed: true}, buffer.b)
	}
	if err == ErrSlow {
		c.fail(refuse(StatusInternalError, "a compressed message was lost"))
	}
	return err
}

// maxBacklog is how much may wait before a message is compressed with a context.
const maxBacklog = 256 << 10

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
		c.carrier().Close() // it would never see the frame
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing == nil && !c.ended {
		c.closing = time.AfterFunc(c.config.CloseTimeout, c.carrier().Close)
	}
	return err
}

// fail tells the peer that it has broken the rules, once. Then nothing more is read.
func (c *Conn) fail(e *CloseError) {
	c.note(e)
	c.reading.closed = true
	c.sendFrame(frame{op: opClose, final: true}, appendClose(nil, e.Status, e.Reason))
	c.carrier().Finish()
}

// note remembers why the connection ends. The first reason counts.
func (c *Conn) note(why error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.why == nil {
		c.why = why
	}
}

// opened is the first event.
func (c *Conn) opened(t transport) {
	c.transport.Store(&t)
	c.heard.Store(true)
	e := c.endpoint
	if e == nil {
		return
	}
	e.open.Add(1)
	e.keeper.add(c)
	if e.events.Open != nil {
		e.events.Open(c)
	}
	if e.serve != nil {
		c.inbox = newInbox()
		go c.serveBlocking(e.serve)
	}
}

// serveBlocking is the life of the goroutine of a connection in the blocking style.
func (c *Conn) serveBlocking(serve func(ctx context.Context, c *Conn) error) {
	err := errors.New("websocket: the function of the connection has called runtime.Goexit")
	defer func() {
		var told *CloseError
		switch {
		case err == nil, errors.As(err, &told), errors.Is(err, ErrClosed):
			c.Close(StatusNormal, "")
		default:
			c.Close(StatusInternalError, "")
		}
		c.inbox.close(ErrClosed) // what still comes is dropped, and holds nobody up
	}()
	err = serve(c.inbox.ctx, c)
}

// over is the last event.
func (c *Conn) over(err error) {
	c.mu.Lock()
	c.ended = true
	if c.why == nil {
		c.why = err
	}
	if c.why == nil {
		c.why = &CloseError{Status: StatusAbnormal}
	}
	why, subs := c.why, c.subs
	c.subs, c.deflater = nil, nil
	if c.closing != nil {
		c.closing.Stop()
	}
	c.mu.Unlock()
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
	if e.events.Close != nil {
		e.events.Close(c, why)
	}
}

// upgraded is a Conn as hyperlane sees it.
type upgraded Conn

func (u *upgraded) Opened(conn *hyperlane.Conn) { (*Conn)(u).opened(conn) }

func (u *upgraded) Receive(_ *hyperlane.Conn, in []byte) (int, error) { return (*Conn)(u).receive(in) }

func (u *upgraded) Drain(*hyperlane.Conn) { (*Conn)(u).Close(StatusGoingAway, "the server shuts down") }

func (u *upgraded) Closed(_ *hyperlane.Conn, err error) { (*Conn)(u).over(err) }

// buffer is memory for frames.
type buffer struct{ b []byte }

var buffers = sync.Pool{New: func() any { return new(buffer) }}

func takeBuffer() *buffer { return buffers.Get().(*buffer) }

func (b *buffer) give() {
	if cap(b.b) <= 64<<10 {
		b.b = b.b[:0]
		buffers.Put(b)
	}
}
