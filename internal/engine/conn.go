package engine

import (
	"errors"
	"net"
	"sync/atomic"
)

// ErrClosed is what Conn.Send reports once the connection has ended.
var ErrClosed = errors.New("engine: connection closed")

// ErrOutboxFull is what Conn.Send reports when something waits already, and with p more than Config.OutboxLimit bytes would.
var ErrOutboxFull = errors.New("engine: outbox full")

// Conn is the handle by which goroutines that do not own a connection may reach it. Its methods may be called by anyone, at any
// time, also after the connection has ended: a handle never reaches another connection.
type Conn struct {
	driver driver

	// speaker is set by the owner alone (Accept, Turn.Switch), and read by those who tell it of a drain or a hang-up.
	speaker atomic.Pointer[Protocol]
}

func (c *Conn) setProtocol(p Protocol) { c.speaker.Store(&p) }

func (c *Conn) protocol() Protocol { return *c.speaker.Load() }

// Send puts p into the connection's outbox and returns without waiting; p may be reused. Bytes of one call leave together,
// and calls of one goroutine leave in their order. It is meant for upgraded connections: in the middle of an HTTP
// exchange it would cut through what the owner writes. The errors are ErrClosed and ErrOutboxFull.
func (c *Conn) Send(p []byte) error { return c.driver.post(p) }

// Close asks the owner to close the connection, at once.
func (c *Conn) Close() { c.driver.kick(false) }

// Addrs returns the two ends of the connection. They stay the same for its life.
func (c *Conn) Addrs() (local, remote net.Addr) { return c.driver.addrs() }

// Loop returns the number of the event loop that has the connection, or -1 on the blocking driver.
func (c *Conn) Loop() int { return c.driver.loopNumber() }

// NetConn returns what the blocking driver reads and writes, to be looked at only (the state of a TLS connection, say), or nil on
// the event loop.
func (c *Conn) NetConn() net.Conn { return c.driver.netConn() }
