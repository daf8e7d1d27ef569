//go:build !386

package engine

import (
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
)

// loopConn is one connection of the event-loop driver.
//
// Who has set owned in state owns it: reads from it, serves it, ends it, and uses the first group of fields. Between turns
// nobody has, and the leader of its loop takes it (claim) for an event or a task. When foreign code is overtaken by the monitor
// the mark stays, so the follower leaves the connection alone.
//
// due is one deadline, because a connection waits in one of three ways at a time:
//
//	free, nothing unsent      for input: patience says until when
//	free or owned, unsent     for room: WriteTimeout from the last byte that the kernel took. flush sets it, and takes it away with
//	                          the last byte; then await or release goes back to the first row, counted from that moment
//	owned, parked             for the earlier of the two that are parked: armParked sets it
//
// and none while foreign code runs with nothing unsent. The owner sets it, or who sends for the owner, under mu.
//
// interest follows from who waits, too, and after a registration for once has fired (0) every path registers anew or tells somebody:
//
//	free, nothing unsent      wantInput
//	free, unsent              wantOutput: who does not take answers is not read from
//	owned, untouched          as it was when free: the first event finds the owner, see met
//	owned, parked             input, output or both, for once
//	owned, others' unsent     output for once, unless a writer is parked, who sends first
//	owned, else               wantHangup for once, then wantNothing
//
// mu guards the second group, and the life of the descriptor: who does not own the connection holds mu while it uses the
// descriptor, and the owner closes it under mu. It is held for moments, at most for one system call that does not wait.
type loopConn struct {
	Conn
	loop       *loop
	fd         int32
	generation int32
	state      atomic.Uint32
	next       Next  // what it waits for; Close and Linger wait for its output to leave, lingering for the peer's end
	due        timer // see below; the sweep reads it
	wait       patience
	need       int     // for AwaitBody; the bytes that may still come while lingering
	rest       *buffer // input that was not consumed; nil if there is none
	seat       *seat   // of the goroutine that runs a turn

	mu       sync.Mutex
	out      *outflow    // nil if nothing waits to leave
	parked   [2]*parking // who waits in the middle of a turn: for input, and for room for output
	interest uint32      // what the descriptor is registered for; 0 if a registration for once has fired
	closed   bool        // the descriptor is
	ends     *ends

	tell sync.Mutex // held around Hangup and Drain, so that Closed comes after them
}

// ends are the two addresses of a connection, once somebody has asked.
type ends struct{ local, remote net.Addr }

// The marks in loopConn.state. A free connection in good order has none, or only switched.
const (
	owned       uint32 = 1 << iota // a goroutine has the connection: set by claim, cleared by release
	switched                       // others send too: see outflow. Set by the owner, once, in Turn.Switch
	disarmed                       // the interest is not that of a free connection: release must restore it. Set while owned
	unsent                         // out holds something. Set and cleared under mu
	pushed                         // the loop's leader was asked to attend, and has not looked yet
	again                          // rest can be served without new input
	late                           // the sweep found due to have passed
	hungup                         // Hangup was told in this turn
	closeAsked                     // somebody wants the connection closed; the socket is shut down
	finishAsked                    // somebody wants the connection closed once what was sent has left: see finish_linux.go
	drainAsked                     // the engine drains
	drainTold                      // and the protocol knows
	deaf                           // the turn reads no more: see Turn.Interrupt
	ending                         // the sending side is shut: what is posted could only cut the linger short
	over                           // Closed was or is being called; last state
)

// lingering is what a connection waits for after Linger: the peer's end.
const lingering Next = 0xff

// servesPerTurn is how often Serve is called in one turn of a loop, when it leaves whole messages unconsumed.
const servesPerTurn = 16

// open begins the connection's life. The leader of l, which has accepted it and owns it, calls it; its own loop may be another.
func (c *loopConn) open(l *loop, s *seat) {
	e := c.loop.set
	s.conn = c
	l.enter(s)
	p := e.engine.config.Accept(&c.Conn)
	l.leave(s)
	s.conn = nil
	if p == nil {
		c.end(s, nil)
		return
	}
	c.setProtocol(p)
	c.next = AwaitHead
	c.due.set(c.wait.begin(e.engine, AwaitHead, true))
	e.table.set(int(c.fd), c)
	// It is set free before its loop hears of it, and whoever ends it waits for mu.
	c.mu.Lock()
	free := c.state.CompareAndSwap(owned, 0)
	err := c.loop.poller.add(int(c.fd), c.generation, wantInput)
	c.interest = wantInput
	c.mu.Unlock()
	switch {
	case err != nil && (!free || c.claim()):
		c.end(s, err)
		return
	case err != nil: // somebody was faster, and waits for events that never come
		c.kick(false)
		c.loop.push(c)
		return
	}
	if !free {
		c.release(s)
	}
	if e.engine.draining.Load() {
		c.kick(true)
	}
	if e.closing.Load() {
		c.kick(false)
	}
}

func newLoopConn(l *loop, fd int) *loopConn {
	c := &loopConn{loop: l, fd: int32(fd), generation: l.set.generation()}
	c.driver = c
	c.state.Store(owned)
	return c
}

// claim makes the caller, who leads the loop, the owner of a free connection.
func (c *loopConn) claim() bool {
	for {
		state := c.state.Load()
		if state&(owned|over) != 0 {
			return false
		}
		if c.state.CompareAndSwap(state, state|owned) {
			return true
		}
	}
}

// ready handles an event on the connection that the leader has claimed.
func (c *loopConn) ready(s *seat, events uint32) {
	state := c.state.Load()
	switch {
	case state&closeAsked != 0:
		c.end(s, ErrClosed)
	case state&unsent != 0:
		c.release(s) // which sends
	case c.next == lingering:
		c.discard(s)
	case state&again != 0:
		c.serveRest(s, nil)
	default:
		c.read(s)
	}
}

// attend does what the connection was pushed for.
func (c *loopConn) attend(s *seat) {
	asked := c.state.And(^(pushed | late)) // late goes also if there is an owner: else the sweep would never push again
	for !c.claim() {
		state := c.state.Load()
		if state&over != 0 {
			return
		}
		if state&(drainAsked|drainTold) == drainAsked {
			c.tellDrain()
		}
		if c.pump() {
			return
		}
	}
	state := c.state.Load()
	switch {
	case state&closeAsked != 0:
		c.end(s, ErrClosed)
		return
	case asked&late != 0:
		if c.loop.set.engine.clock.passed(c.due.get()) {
			c.timeout(s)
			return
		}
	case state&(drainAsked|drainTold) == drainAsked && (c.next != AwaitMessage || c.rest != nil):
		s.conn = c // should foreign code end the goroutine, the connection ends too
		c.tellDrain()
		s.conn = nil
	}
	switch {
	case state&unsent != 0:
		c.release(s) // which sends
	case state&again != 0:
		c.serveRest(s, nil)
	default:
		c.release(s)
	}
}

// timeout ends what the connection has waited for too long.
func (c *loopConn) timeout(s *seat) {
	c.loop.count.timeouts.Add(1)
	switch {
	case c.state.Load()&unsent != 0:
		c.end(s, ErrTimeout)
	case c.next == lingering:
		c.end(s, nil)
	default:
		c.inputEnded(s, ErrTimeout)
	}
}

// receive, transmit and transmitBoth are the system calls, counted.

func (c *loopConn) receive(p []byte) (int, syscall.Errno) {
	n, errno := receive(int(c.fd), p)
	if n > 0 {
		c.loop.count.read.Add(uint64(n))
	}
	return n, errno
}

func (c *loopConn) transmit(p []byte) (int, syscall.Errno) {
	n, errno := transmit(int(c.fd), p)
	if n > 0 {
		c.loop.count.written.Add(uint64(n))
	}
	return n, errno
}

func (c *loopConn) transmitBoth(head, tail []byte) (int, syscall.Errno) {
	n, errno := transmitBoth(int(c.fd), head, tail)
	if n > 0 {
		c.loop.count.written.Add(uint64(n))
	}
	return n, errno
}

// read takes what has arrived, and serves it.
func (c *loopConn) read(s *seat) {
	limit := c.loop.set.engine.loopReadBuffer(c.state.Load()&switched != 0)
	n, errno := c.receive(s.in[:min(limit, len(s.in))])
	if errno != 0 {
		if errno == syscall.EAGAIN {
			c.release(s)
			return
		}
		c.inputEnded(s, os.NewSyscallError("recv", errno))
		return
	}
	if n == 0 {
		c.inputEnded(s, io.EOF)
		return
	}
	c.wait.grown += int64(n)
	if c.rest == nil && c.next == AwaitBody && n < c.need {
		c.rest = takeBuffer(n)
	}
	if c.rest != nil {
		c.rest = c.rest.put(s.in[:n])
		if c.next == AwaitBody && len(c.rest.b) < c.need {
			c.due.set(c.wait.begin(c.loop.set.engine, AwaitBody, false))
			c.release(s)
			return
		}
		c.serveRest(s, nil)
		return
	}
	t := s.begin(c)
	t.base = s.in[:n]
	t.In = t.base
	c.turns(s)
}

// serveRest runs a turn on the input that the connection has kept.
func (c *loopConn) serveRest(s *seat, err error) {
	c.state.And(^again)
	t := s.begin(c)
	t.Err = err
	s.own, c.rest = c.rest, nil
	if s.own != nil {
		t.base = s.own.b
	} else {
		t.base = s.in[:0]
	}
	t.In = t.base
	c.turns(s)
}

// inputEnded tells the protocol that nothing more will come, if it waits for something.
func (c *loopConn) inputEnded(s *seat, err error) {
	if c.next == AwaitMessage || c.rest == nil && c.next != AwaitForever {
		if err == io.EOF || err == ErrTimeout {
			err = nil
		}
		c.end(s, err)
		return
	}
	c.serveRest(s, err)
}

// turns calls Serve, and does what it asks for. The goroutine of s owns the connection, on the loop or off it; at the end it
// owns it no more.
func (c *loopConn) turns(s *seat) {
	t := &s.turn
	for served := 1; ; served++ {
		t.Restart, t.Need = false, 0
		led, before := s.leads, c.speaker.Load()
		next := (*before).Serve(t)
		s.restart = s.restart || t.Restart
		s.switched = s.switched || c.speaker.Load() != before
		if led && t.Err == nil {
			switch {
			case next == OffLoop && !s.leads:
				continue // the loop was lost meanwhile: this goroutine is as good as a new one
			case next == OffLoop:
				c.moveOff(s)
				return
			case s.leads && next == AwaitMessage && len(t.In) > 0 && served < servesPerTurn && !s.switched:
				continue
			}
		}
		c.settle(s, next)
		return
	}
}

// settle ends a turn: output leaves, and the connection goes where next says.
func (c *loopConn) settle(s *seat, next Next) {
	t := &s.turn
	switch next {
	case Detached:
		c.finishTurn(s)
		return
	case Abort:
		err := t.Err
		c.finishTurn(s)
		c.end(s, err)
		return
	case Close:
		if len(t.In) > 0 {
			next = Linger
		}
	case Linger, AwaitMessage, AwaitHead, AwaitBody, AwaitForever:
	default:
		c.misled(s, next)
		return
	}
	if t.Err != nil && next < Close {
		c.misled(s, next)
		return
	}
	if len(t.Out) > 0 {
		if err := c.sendTurn(s); err != nil {
			c.finishTurn(s)
			c.end(s, err)
			return
		}
	}
	if next == Linger && t.Err == io.EOF {
		next = Close
	}
	c.need = t.Need
	restart, moved := s.restart, s.switched
	c.rest = s.rest()
	c.finishTurn(s)
	c.await(s, next, restart, moved)
}

// misled ends a connection whose protocol has asked for what there is not.
func (c *loopConn) misled(s *seat, next Next) {
	c.finishTurn(s)
	c.end(s, fmt.Errorf("engine: protocol asked for %d, which cannot be given", next))
}

func (c *loopConn) finishTurn(s *seat) {
	s.end()
	c.seat = nil
}

// await lets the connection wait for next. What has not left goes first.
func (c *loopConn) await(s *seat, next Next, restart, moved bool) {
	c.next = next
	engine := c.loop.set.engine
	if next == Close || next == Linger {
		if c.state.Load()&unsent != 0 {
			c.release(s)
			return
		}
		c.last(s)
		return
	}
	if next == AwaitBody && c.rest != nil && (restart || c.wait.kind != AwaitBody) {
		c.wait.begin(engine, next, true)
		c.wait.grown = int64(len(c.rest.b)) // what came with the head counts too
		restart = false
	}
	if at := c.wait.begin(engine, next, restart); c.state.Load()&unsent == 0 && at != c.due.get() {
		c.due.set(at)
	}
	if c.rest != nil && (next == AwaitMessage || next == AwaitForever && moved) {
		c.state.Or(again)
		c.loop.push(c)
	}
	c.release(s)
}

// last closes the connection whose output has left, or begins to linger.
func (c *loopConn) last(s *seat) {
	if c.next == Close {
		c.end(s, nil)
		return
	}
	c.mu.Lock() // nothing is posted from here on
	c.state.Or(ending)
	waits := c.out != nil
	c.mu.Unlock()
	if waits {
		c.release(s) // somebody has just posted; last comes again
		return
	}
	if shutdownSocket(int(c.fd), syscall.SHUT_WR) != nil {
		c.end(s, nil)
		return
	}
	c.state.And(^again)
	c.rest.give()
	c.rest = nil
	c.next, c.need = lingering, lingerBytes
	c.due.set(c.loop.set.engine.clock.after(lingerTime))
	c.release(s)
}

// discard reads on while the connection lingers.
func (c *loopConn) discard(s *seat) {
	n, errno := c.receive(s.in)
	if errno == syscall.EAGAIN {
		c.release(s)
		return
	}
	if c.need -= n; n <= 0 || c.need <= 0 {
		c.end(s, nil)
		return
	}
	c.release(s)
}
