package hyperlane

import (
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"sync/atomic"

	"github.com/hyperlane-go/hyperlane/internal/engine"
	"github.com/hyperlane-go/hyperlane/internal/http1"
)

// Protocol speaks on a connection after its upgrade, in the style of events: no goroutine belongs to the connection while nothing
// happens. The calls for one connection never overlap, but for Hangup and Drain. A panic in one of them ends the connection, after what was
// sent.
type Protocol interface {
	// Opened is the first call, when 101 has left. It is not made for an upgrade that has failed.
	Opened(conn *Conn)
	// Receive is given what has arrived, and returns how much of it was used; the rest comes again with more. An error ends the
	// connection, io.EOF in an orderly way. in is only lent, and may be changed as far as it is used.
	Receive(conn *Conn, in []byte) (used int, err error)
	// Hangup tells that the peer has ended its side while Opened or Receive runs, or had before Opened: there may be more to receive,
	// then there is the end. Where the server's driver is not the event loop, what comes meanwhile is told after Conn.MayWait only. Any
	// goroutine may call it; it must not block.
	Hangup(conn *Conn)
	// Drain tells that the server is shutting down: say goodbye, then close. Any goroutine may call it; it must not block.
	Drain(conn *Conn)
	// Closed is the last call. err is nil after an orderly end, else the reason.
	Closed(conn *Conn, err error)
}

// Conn is a connection after its upgrade. Its methods may be called by any goroutine, also after it has ended.
type Conn struct {
	handle *engine.Conn
	turn   *engine.Turn // while Opened or Receive runs
}

// Send queues p and returns without waiting; p may be reused. What is sent in one call stays together. The error tells that the
// connection has ended ([net.ErrClosed]), or that the peer is so slow that more than Limits.Outbox bytes would wait ([ErrOutboxFull]).
func (c *Conn) Send(p []byte) error { return c.handle.Send(p) }

// Waiting returns about how many bytes were sent and have not left yet, because the peer is slow.
func (c *Conn) Waiting() int { return c.handle.Waiting() }

// Finish closes the connection in an orderly way when what was sent has left. What is sent after it may be lost.
func (c *Conn) Finish() { c.handle.Finish() }

// Close closes the connection at once.
func (c *Conn) Close() { c.handle.Close() }

// MayWait says that Opened or Receive, which calls it, is going to wait for something. An event loop goes on without it at once, where it
// would find out by itself a little later; and a peer that goes away meanwhile is told by Hangup.
func (c *Conn) MayWait() {
	if c.turn != nil { // nil: net/http has given the connection away, and Opened runs on its goroutine
		c.turn.GiveUpLoop()
		c.turn.Watch()
	}
}

// RemoteAddr returns the address of the peer.
func (c *Conn) RemoteAddr() net.Addr {
	_, remote := c.handle.Addrs()
	return remote
}

// Upgrade takes the connection out of HTTP (RFC 9110 section 7.8): when the handler has returned, 101 is sent with the fields that were
// set on the response, and everything that comes belongs to p. It fails if the client has not asked for an upgrade to name, if a
// hook of OnUpgrade refuses, if the request has a body, and where the connection cannot be upgraded (HTTP/2). What a client may send before
// it has seen 101 is not lost.
func (c *Context) Upgrade(name string, p Protocol) error {
	c.inUse()
	h := &c.exchange.head
	if !h.Upgrade || !slices.ContainsFunc(c.Request.HeaderValues("Upgrade"), func(v string) bool { return http1.HasToken([]byte(v), name) }) {
		c.Response.SetHeader("Upgrade", name)
		return Errorf(http.StatusUpgradeRequired, "this resource speaks %s", name)
	}
	if h.Chunked || h.ContentLength > 0 {
		// What is left of it would be taken for the new protocol's.
		return Errorf(http.StatusBadRequest, "a request for an upgrade has no body here")
	}
	for _, hook := range c.server.hooks.upgrade {
		if err := hook(c); err != nil {
			return err
		}
	}
	c.Response.SetStatus(http.StatusSwitchingProtocols).
		SetHeader("Upgrade", name).SetHeader("Connection", "Upgrade").SetBody(nil)
	c.Response.upgrade = p
	return nil
}

// Hijack takes the connection out of the server, as net/http's Hijacker does: the caller owns it, and nothing else is sent. It fails
// once the response has begun, and where there is no connection of one's own (HTTP/2).
func (c *Context) Hijack() (net.Conn, error) {
	c.inUse()
	if c.Response.committed {
		return nil, errors.New("hyperlane: the response has begun")
	}
	h, err := c.wire.hijack(c)
	if err != nil {
		return nil, err
	}
	c.Response.committed, c.responded = true, true
	return &unread{Conn: h.conn, from: h.buffer}, nil
}

// unread is a hijacked connection whose first bytes may have been read already.
type unread struct {
	net.Conn
	from io.Reader
}

func (u *unread) Read(p []byte) (int, error) { return u.from.Read(p) }

// CloseWrite closes the sending side where the connection can do that. Without it an end could not be orderly.
func (u *unread) CloseWrite() error {
	if half, ok := u.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return errors.ErrUnsupported
}

// upgraded joins a Protocol to the engine.
type upgraded struct {
	server   *Server
	conn     Conn
	protocol Protocol
	phase    atomic.Uint32
	failed   error // what Receive has ended the connection with
}

// The phases of an upgraded connection. Others see it from Turn.Switch on, and may be ahead of Opened.
const (
	opening  = 1 << iota // Opened was called
	opened               // it has returned
	draining             // Drain was called, or will be when Opened has returned
	gone                 // Hangup was called, or will be when Opened is
)

func newUpgraded(s *Server, handle *engine.Conn, p Protocol) *upgraded {
	return &upgraded{server: s, conn: Conn{handle: handle}, protocol: p}
}

func (co *conn) upgradeTo(t *engine.Turn, p Protocol) engine.Next {
	// From Switch on others may send: 101 must have left before.
	if t.Flush() != nil {
		return engine.Abort
	}
	u := newUpgraded(co.server, co.handle, p)
	co.handOver(t, u)
	if !u.open(t) {
		return engine.Linger
	}
	if len(t.In) > 0 {
		return u.Serve(t)
	}
	return engine.AwaitForever
}

// open makes the first call, and reports whether that went well. t is nil if net/http has given the connection away.
func (u *upgraded) open(t *engine.Turn) bool {
	known := u.phase.Or(opening)&gone != 0
	u.failed = u.during(t, func() error {
		if known {
			defer u.hangupBeside()()
		}
		u.protocol.Opened(&u.conn)
		return nil
	})
	if u.failed == nil && u.phase.Or(opened)&draining != 0 {
		u.tell(u.protocol.Drain)
	}
	return u.failed == nil
}

func (u *upgraded) Serve(t *engine.Turn) engine.Next {
	if t.Err != nil {
		return engine.Close
	}
	used := 0
	err := u.during(t, func() (err error) { used, err = u.protocol.Receive(&u.conn, t.In); return err })
	t.In = t.In[used:]
	_, panicked := err.(*PanicError)
	switch {
	case errors.Is(err, io.EOF):
		return engine.Linger
	case panicked:
		u.failed = err
		return engine.Linger
	case err != nil:
		u.failed = err
		return engine.Abort
	}
	return engine.AwaitForever
}

// during runs f, which is code of the protocol, in a turn.
func (u *upgraded) during(t *engine.Turn, f func() error) error {
	if t == nil {
		return u.guard(f)
	}
	u.conn.turn = t
	t.Enter()
	err := u.guard(f)
	t.Leave()
	u.conn.turn = nil
	return err
}

func (u *upgraded) guard(f func() error) error {
	return u.server.guardAlone("upgraded connection failed", f)
}

// tell runs f, which is code of the protocol, outside of a turn. The connection closes after a panic or a Goexit.
func (u *upgraded) tell(f func(*Conn)) {
	failed := true
	defer func() {
		if failed {
			u.conn.Close()
		}
	}()
	failed = u.guard(func() error { f(&u.conn); return nil }) != nil
}

// Hangup may be called in each turn, and from two sides while the connection changes hands: the protocol hears of an end once. Before
// Opened it is left to open.
func (u *upgraded) Hangup() {
	if before := u.phase.Or(gone); before&(gone|opening) == opening {
		u.tell(u.protocol.Hangup)
	}
}

// hangupBeside tells what was known before Opened as if it came while that runs. What it returns waits until it is told.
func (u *upgraded) hangupBeside() (wait func()) {
	told := make(chan struct{})
	go func() {
		defer close(told)
		u.tell(u.protocol.Hangup)
	}()
	return func() { <-told }
}

func (u *upgraded) Drain() {
	if before := u.phase.Or(draining); before&(opened|draining) == opened {
		u.tell(u.protocol.Drain)
	}
}

func (u *upgraded) Closed(err error) {
	if u.failed != nil {
		err = u.failed
	}
	u.guard(func() error { u.protocol.Closed(&u.conn, err); return nil })
}
