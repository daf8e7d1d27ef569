//go:build !386

package engine

import (
	"os"
	"sync"
	"syscall"
)

// moveOff runs the turn again on a goroutine of its own. What it has answered so far leaves first.
func (c *loopConn) moveOff(s *seat) {
	away := takeAwaySeat()
	out := s.turn.Out
	if len(out) > 0 {
		if c.state.Load()&unsent == 0 {
			n, errno := c.transmit(out)
			if errno != 0 && errno != syscall.EAGAIN {
				c.finishTurn(s)
				c.end(s, os.NewSyscallError("send", errno))
				return
			}
			out = out[max(n, 0):]
		}
		away.out = append(away.out[:0], out...)
	}
	restart, moved := s.restart, s.switched
	rest := s.rest()
	s.end()
	t := away.begin(c)
	t.Out = t.Out[:len(out)]
	away.restart, away.switched = restart, moved
	if away.own = rest; rest != nil {
		t.base = rest.b
	}
	t.In = t.base
	c.loop.set.away.Add(1)
	go c.runAway(away)
}

// runAway is the life of a goroutine that runs one turn.
func (c *loopConn) runAway(s *seat) {
	orderly := false
	defer func() {
		c.loop.set.away.Add(-1)
		if orderly {
			s.give()
			return
		}
		c.loop.fail(s, recover())
	}()
	c.turns(s)
	orderly = true
}

// parking is where a goroutine waits in the middle of a turn: the owner, or, when a handler reads with one goroutine and writes with
// another, either of the two.
type parking struct {
	ready    chan error // gets nil when the descriptor is ready, or why there is no use in waiting
	deadline instant
}

var parkings = sync.Pool{New: func() any { return &parking{ready: make(chan error, 1)} }}

// What one can wait for, as an index of loopConn.parked.
const (
	input = iota
	output
)

// park gives the loop away, if the goroutine leads it, and waits until the descriptor is ready. A wait may end without reason.
func (c *loopConn) park(s *seat, direction int, deadline instant) error {
	c.loop.stepDown(s)
	p := parkings.Get().(*parking)
	p.deadline = deadline
	if err := c.beginWait(p, direction); err != nil {
		return err
	}
	err := <-p.ready
	parkings.Put(p)
	if c.state.Load()&closeAsked != 0 {
		return ErrClosed
	}
	return err
}

func (c *loopConn) beginWait(p *parking, direction int) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch state := c.state.Or(disarmed); {
	case state&(closeAsked|over) != 0:
		return ErrClosed
	case state&deaf != 0 && direction == input:
		return ErrInterrupted
	}
	c.parked[direction] = p
	if !c.pumping() { // else the connection is not read from until the leader has sent what waits
		if err := c.armParked(); err != nil {
			c.parked[direction] = nil
			return err
		}
	}
	if c.parked[1-direction] == nil {
		c.loop.set.away.Add(-1)
	}
	return nil
}

// pumping reports whether the leader has the descriptor watched for the sake of the outflow. The caller holds mu.
func (c *loopConn) pumping() bool {
	return c.out != nil && !c.out.held && c.parked[output] == nil && c.interest == wantOutput|once
}

// armParked has the descriptor and the time watched for those who are parked. If nobody is, the end is still to be heard of: the owner may
// be long in coming back to the socket. The caller holds mu.
func (c *loopConn) armParked() error {
	if c.closed { // detached: the number may be another's
		return nil
	}
	want, due := wantHangup, instant(0)
	if p := c.parked[input]; p != nil {
		want, due = wantInput|once, p.deadline
	}
	if p := c.parked[output]; p != nil {
		if c.parked[input] == nil {
			want = 0
		}
		want |= wantOutput | once
		if due == 0 || p.deadline != 0 && p.deadline < due {
			due = p.deadline
		}
	}
	c.due.set(due)
	return c.arm(want)
}

// unpark ends a wait, if there is one. The caller holds mu, and has the rest watched again.
func (c *loopConn) unpark(direction int, err error) bool {
	p := c.parked[direction]
	if p == nil {
		return false
	}
	c.parked[direction] = nil
	if c.parked[1-direction] == nil {
		c.loop.set.away.Add(1)
		c.due.stop()
	}
	p.ready <- err
	return true
}

// met is told of an event on a connection that is owned elsewhere. It quietens the descriptor, and leaves the rest to the
// owner. It reports false if the connection is free: then the event is the leader's.
func (c *loopConn) met(events uint32) bool {
	tell, met := c.quieten(events)
	if tell {
		c.tellHangup() // without mu
	}
	return met
}

// quieten does it, and reports whether Hangup is to be told.
func (c *loopConn) quieten(events uint32) (tell, met bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state.Load()&over != 0 {
		if !c.closed {
			c.loop.poller.remove(int(c.fd)) // Closed takes its time
		}
		return false, true
	}
	if !c.markDisarmed() {
		return false, false
	}
	if c.interest&once != 0 {
		c.interest = 0
	}
	if events&syscall.EPOLLOUT != 0 && c.parked[output] == nil {
		c.pumpLocked()
		return events&peerEnded != 0 && c.state.Or(hungup)&hungup == 0, true
	}
	woken := events&^syscall.EPOLLOUT != 0 && c.unpark(input, nil)
	if events&(syscall.EPOLLOUT|syscall.EPOLLHUP|syscall.EPOLLERR) != 0 && c.unpark(output, nil) {
		woken = true
	}
	if woken || events&peerEnded == 0 {
		if c.armParked() != nil {
			c.shut()
		}
		return false, true
	}
	if c.interest != 0 && c.arm(wantNothing) != nil {
		c.shut()
	}
	return c.state.Or(hungup)&hungup == 0, true
}

// interrupt ends the wait for input of the turn that runs, and has later ones fail.
func (c *loopConn) interrupt() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.state.Or(deaf)
	if c.unpark(input, ErrInterrupted) && !c.pumping() && c.armParked() != nil {
		c.shut()
	}
}

// shut makes the kernel end both directions, so that everybody who waits for the socket hears of it. The caller holds mu.
func (c *loopConn) shut() {
	if c.closed || c.state.Or(closeAsked)&closeAsked != 0 {
		return
	}
	shutdownSocket(int(c.fd), syscall.SHUT_RDWR)
	c.unpark(input, ErrClosed)
	c.unpark(output, ErrClosed)
}

// kick is how others end the connection: at once, or, for a drain, if it is between two messages.
func (c *loopConn) kick(drain bool) {
	if !drain {
		c.mu.Lock()
		c.shut()
		c.mu.Unlock()
		return
	}
	if c.state.Or(drainAsked)&drainAsked == 0 {
		c.loop.push(c)
	}
}

func (c *loopConn) tellHangup() {
	c.tell.Lock()
	defer c.tell.Unlock()
	if c.state.Load()&over == 0 {
		c.protocol().Hangup()
	}
}

func (c *loopConn) tellDrain() {
	c.tell.Lock()
	defer c.tell.Unlock()
	if c.state.Or(drainTold)&(drainTold|over) == 0 {
		c.protocol().Drain()
	}
}

// expire is called by the sweep when due has passed. Who waits in a turn is woken; a free connection goes to its leader; an
// owner that is in foreign code while others send to a peer that takes nothing loses the connection.
func (c *loopConn) expire() {
	c.mu.Lock()
	state := c.state.Load()
	clock := &c.loop.set.engine.clock
	if state&over != 0 || !clock.passed(c.due.get()) {
		c.mu.Unlock()
		return
	}
	woken := false
	for direction, p := range c.parked {
		if p != nil && clock.passed(p.deadline) {
			c.unpark(direction, ErrTimeout)
			c.loop.count.timeouts.Add(1)
			woken = true
		}
	}
	if woken {
		if !c.pumping() && c.armParked() != nil {
			c.shut()
		}
		c.mu.Unlock()
		return
	}
	if state&owned != 0 {
		if state&(unsent|switched) == unsent|switched {
			c.shut()
		}
		c.mu.Unlock()
		return
	}
	c.mu.Unlock()
	if c.state.Or(late)&late == 0 {
		c.loop.push(c)
	}
}
