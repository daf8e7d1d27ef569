//go:build !386

package engine

import (
	"io"
	"os"
	"syscall"
)

// What a turn asks of its connection on an event loop. What has to wait gives the loop away first, see park.

func (c *loopConn) onLoop() bool { return c.loop.stillLeads(c.seat) }

func (c *loopConn) enter(*Turn) { c.loop.enter(c.seat) }

func (c *loopConn) leave(*Turn) (overstayed bool) {
	s := c.seat
	c.loop.leave(s)
	overstayed, s.overstayed = s.overstayed, false // it was this code, and not what the turn runs next
	return overstayed
}

func (c *loopConn) giveUpLoop(*Turn) { c.loop.stepDown(c.seat) }

func (c *loopConn) watch(*Turn) {} // a loop always watches

func (c *loopConn) fill(t *Turn, wait Next) error {
	s := c.seat
	for t.Err == nil {
		restart := t.Restart || s.restart
		t.Restart, s.restart = false, false
		if restart {
			c.state.And(^deaf) // the message that was interrupted is over
		}
		if c.state.Load()&deaf != 0 {
			return ErrInterrupted
		}
		deadline := c.wait.begin(c.loop.set.engine, wait, restart)
		room := s.room()
		c.mu.Lock() // another goroutine of this turn may detach
		if c.closed {
			c.mu.Unlock()
			return ErrClosed
		}
		n, errno := c.receive(room)
		c.mu.Unlock()
		switch {
		case n > 0 && errno == 0:
			t.grow(n)
			c.wait.grown += int64(n)
			return nil
		case errno == 0:
			t.Err = io.EOF
		case errno == syscall.EAGAIN:
			if t.Err = c.park(s, input, deadline); t.Err == ErrInterrupted {
				t.Err = nil
			}
		default:
			t.Err = os.NewSyscallError("recv", errno)
		}
		if t.Err != nil && c.state.Load()&closeAsked != 0 {
			t.Err = ErrClosed
		}
	}
	return t.Err
}

// send gives t.Out and then tail to the kernel, waiting for it as need be.
func (c *loopConn) send(t *Turn, tail []byte) error {
	head := t.Out
	t.Out = t.Out[:0]
	if len(tail) > 0 && len(tail) <= 4<<10 && cap(head)-len(head) >= len(tail) {
		head, tail = append(head, tail...), nil
	}
	if c.state.Load()&over != 0 {
		return ErrClosed // detached in this turn: the number may be another's
	}
	if len(head)+len(tail) == 0 {
		return nil
	}
	s := c.seat
	err := c.hold(s)
	for err == nil && len(head)+len(tail) > 0 {
		var n int
		var errno syscall.Errno
		switch {
		case len(head) == 0:
			n, errno = c.transmit(tail)
		case len(tail) == 0:
			n, errno = c.transmit(head)
		default:
			n, errno = c.transmitBoth(head, tail)
		}
		if errno != 0 {
			err = c.sendError(s, errno)
			continue
		}
		first := min(n, len(head))
		head, tail = head[first:], tail[n-first:]
	}
	c.unhold()
	if cap(t.Out) > keepOut {
		t.Out = nil
	}
	return err
}

// sendError waits, if that is all that is wrong.
func (c *loopConn) sendError(s *seat, errno syscall.Errno) error {
	if errno == syscall.EAGAIN {
		engine := c.loop.set.engine
		return c.park(s, output, engine.clock.after(engine.config.WriteTimeout))
	}
	if c.state.Load()&closeAsked != 0 {
		return ErrClosed
	}
	return os.NewSyscallError("send", errno)
}

// hold makes sure that the owner alone sends, between whole messages of others. What they had posted has left when it returns.
func (c *loopConn) hold(s *seat) error {
	if c.state.Load()&switched == 0 {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.outflow().held = true
	for {
		left, err := c.flush()
		if err != nil || !left {
			return err
		}
		c.mu.Unlock()
		err = c.sendError(s, syscall.EAGAIN)
		c.mu.Lock()
		if err != nil {
			return err
		}
	}
}

func (c *loopConn) unhold() {
	if c.state.Load()&switched == 0 {
		return
	}
	c.mu.Lock()
	if c.out != nil {
		c.out.held = false
		c.tidy()
	}
	more := c.out != nil
	c.mu.Unlock()
	if more {
		c.loop.push(c)
	}
}

// sendPiece is how much of a file is given to the kernel with one call.
const sendPiece = 1 << 20

// sendFile never runs on a loop: reading the file may wait for a disk.
func (c *loopConn) sendFile(t *Turn, f *os.File, offset, n int64) error {
	if err := c.send(t, nil); err != nil || n <= 0 {
		return err
	}
	s := c.seat
	c.loop.stepDown(s)
	raw, err := f.SyscallConn()
	if err != nil {
		return err
	}
	if err := c.hold(s); err != nil {
		c.unhold()
		return err
	}
	defer c.unhold()
	for n > 0 {
		var sent int
		var sendErr error
		if err := raw.Control(func(fd uintptr) {
			sent, sendErr = syscall.Sendfile(int(c.fd), int(fd), &offset, int(min(n, sendPiece)))
		}); err != nil {
			return err
		}
		switch {
		case sendErr == syscall.EINTR:
		case sendErr != nil:
			if err := c.sendError(s, sendErr.(syscall.Errno)); err != nil {
				return err
			}
		case sent == 0:
			return io.ErrUnexpectedEOF
		default:
			n -= int64(sent)
			c.loop.count.written.Add(uint64(sent))
		}
	}
	return nil
}
