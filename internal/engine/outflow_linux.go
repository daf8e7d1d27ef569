//go:build !386

package engine

import (
	"os"
	"sync"
	"syscall"
)

// outflow is what a connection of the event-loop driver has to send and the kernel has not taken. The connection's mu guards
// it, and it is there only while it holds something or the owner is in the middle of a message.
//
// Before the connection has switched its protocol, only the owner sends: what others post waits until the turn has ended. From
// then on whoever holds mu may send what is there (the leader, for an owner that is elsewhere), unless held is set: then the
// owner is in the middle of a message of its own.
type outflow struct {
	left    *buffer // leaves first; its first sent bytes have left
	sent    int
	waiting *buffer // posted by others; whole messages
	held    bool
}

var outflows = sync.Pool{New: func() any { return new(outflow) }}

// give returns what the outflow has borrowed. nil is nothing to return.
func (o *outflow) give() {
	if o == nil {
		return
	}
	o.left.give()
	o.waiting.give()
	*o = outflow{}
	outflows.Put(o)
}

func (o *outflow) size() int {
	n := -o.sent
	if o.left != nil {
		n += len(o.left.b)
	}
	if o.waiting != nil {
		n += len(o.waiting.b)
	}
	return n
}

// post is Conn.Send.
func (c *loopConn) post(p []byte) error {
	if len(p) == 0 {
		return nil
	}
	c.mu.Lock()
	if c.state.Load()&(over|closeAsked|ending) != 0 {
		c.mu.Unlock()
		return ErrClosed
	}
	o := c.outflow()
	if n := o.size(); n > 0 && n+len(p) > c.loop.set.engine.config.OutboxLimit {
		c.tidy()
		c.mu.Unlock()
		return ErrOutboxFull
	}
	if o.waiting == nil {
		o.waiting = takeBuffer(len(p))
	}
	o.waiting = o.waiting.put(p)
	already := c.state.Or(unsent)&unsent != 0
	c.mu.Unlock()
	if !already {
		c.loop.push(c)
	}
	return nil
}

// share has what others post leave from now on, and what they have posted already.
func (c *loopConn) share() {
	if c.state.Or(switched)&unsent != 0 {
		c.loop.push(c)
	}
}

// outflow returns the connection's, making it if need be. The caller holds mu.
func (c *loopConn) outflow() *outflow {
	if c.out == nil {
		c.out = outflows.Get().(*outflow)
	}
	return c.out
}

// tidy gives the outflow back when there is nothing in it. The caller holds mu.
func (c *loopConn) tidy() {
	if o := c.out; o != nil && !o.held && o.size() == 0 {
		c.out = nil
		o.give()
		c.state.And(^unsent)
	}
}

// flush sends what waits, as far as the kernel takes it, and reports whether some is left. The caller holds mu, and owns the
// connection or has seen that it is switched. Progress moves the deadline of a peer that takes nothing.
func (c *loopConn) flush() (left bool, err error) {
	o := c.out
	if o == nil {
		return false, nil
	}
	clock, timeout := &c.loop.set.engine.clock, c.loop.set.engine.config.WriteTimeout
	for o.size() > 0 {
		if o.left == nil {
			o.left, o.waiting = o.waiting, nil
		}
		n, errno := c.transmit(o.left.b[o.sent:])
		if errno == syscall.EAGAIN {
			if c.interest&^once != wantOutput {
				c.due.set(clock.after(timeout))
			}
			return true, nil
		}
		if errno != 0 {
			return true, os.NewSyscallError("send", errno)
		}
		c.due.set(clock.after(timeout))
		if o.sent += n; o.sent == len(o.left.b) {
			o.left.give()
			o.left, o.sent = nil, 0
		}
	}
	c.due.stop() // the write deadline; whoever has flushed sets what counts now
	c.tidy()
	return false, nil
}

// sendTurn sends what a turn has answered. A leader leaves to the outflow what the kernel does not take.
func (c *loopConn) sendTurn(s *seat) error {
	t := &s.turn
	if !s.leads {
		return c.send(t, nil)
	}
	out := t.Out
	t.Out = out[:0]
	state := c.state.Load()
	if state&unsent != 0 {
		c.mu.Lock()
		defer c.mu.Unlock()
		if state&switched != 0 {
			if left, err := c.flush(); left || err != nil {
				c.queue(out)
				return err
			}
		} else if c.out != nil && c.out.left != nil {
			c.queue(out)
			return nil
		}
	}
	n, errno := c.transmit(out)
	switch {
	case errno == syscall.EAGAIN:
		n = 0
	case errno != 0:
		return os.NewSyscallError("send", errno)
	case n == len(out):
		return nil
	}
	if state&unsent == 0 {
		c.mu.Lock()
		defer c.mu.Unlock()
	}
	c.outflow().left = takeBuffer(len(out) - n).put(out[n:])
	c.state.Or(unsent)
	c.due.set(c.loop.set.engine.clock.after(c.loop.set.engine.config.WriteTimeout))
	return nil
}

// queue puts out behind everything else. The caller holds mu.
func (c *loopConn) queue(out []byte) {
	o := c.outflow()
	if o.left == nil {
		o.left, o.waiting = o.waiting, nil
	}
	if o.waiting != nil {
		o.left = o.left.put(o.waiting.b)
		o.waiting.give()
		o.waiting = nil
	}
	if o.left == nil {
		o.left = takeBuffer(len(out))
	}
	o.left = o.left.put(out)
	c.state.Or(unsent)
}

// pump sends for an owner that is elsewhere: in foreign code, or waiting for input. It reports false if there is no such owner
// any more. The leader calls it when others have posted, and when the socket can take more.
func (c *loopConn) pump() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.markDisarmed() {
		return false
	}
	c.pumpLocked()
	return true
}

// markDisarmed tells the owner that the interest has been changed. It reports false if there is no owner; after it has
// succeeded the owner cannot set the connection free before the caller has released mu.
func (c *loopConn) markDisarmed() bool {
	for {
		state := c.state.Load()
		if state&over != 0 {
			return true
		}
		if state&owned == 0 {
			return false
		}
		if c.state.CompareAndSwap(state, state|disarmed) {
			return true
		}
	}
}

func (c *loopConn) pumpLocked() {
	state := c.state.Load()
	if state&over != 0 {
		return
	}
	left, err := false, error(nil)
	if state&(unsent|switched) == unsent|switched && c.out != nil && !c.out.held {
		left, err = c.flush()
	} else if c.interest != 0 {
		return
	}
	switch {
	case err != nil:
	case left:
		err = c.arm(wantOutput | once)
	default:
		err = c.armParked()
	}
	if err != nil {
		c.shut()
	}
}
