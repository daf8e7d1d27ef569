//go:build !386

package engine

// release sets the connection free, for its loop's leader to claim; the caller does not own it any more.
func (c *loopConn) release(s *seat) {
	if state := c.state.Load(); state&^switched == owned && c.state.CompareAndSwap(state, state&switched) {
		return
	}
	// Something was asked for meanwhile, or has to be restored. The marks that others set are looked at here before the exchange
	// that frees the connection, which fails if one was set since state was loaded. Between the two looks at state, around the
	// sending, closeAsked and drainAsked may come: a close has shut the socket down, which the poller reports again and again, and a
	// drain has pushed the connection. So nothing that was asked for is lost.
	for {
		state := c.state.Load()
		switch {
		case state&closeAsked != 0:
			c.end(s, ErrClosed)
			return
		case state&(drainAsked|unsent) == drainAsked && c.next == AwaitMessage && c.rest == nil:
			c.end(s, nil)
			return
		}
		c.mu.Lock()
		waited := c.out != nil
		left, err := c.flush()
		if waited && !left && err == nil && c.next <= AwaitForever {
			c.due.set(c.wait.begin(c.loop.set.engine, c.next, true)) // nothing was read meanwhile: the wait begins now
		}
		state = c.state.Load()
		if state&finishAsked != 0 && c.next == AwaitForever {
			c.next = Linger
		}
		free, leaves := false, !left && (c.next == Close || c.next == Linger)
		if err == nil && !leaves {
			if left {
				err = c.arm(wantOutput)
			} else {
				err = c.arm(wantInput)
			}
			free = err == nil && c.state.CompareAndSwap(state, state&^(owned|disarmed|hungup|deaf))
		}
		c.mu.Unlock()
		switch {
		case err != nil:
			c.end(s, err)
			return
		case leaves:
			c.last(s)
			return
		case free:
			return
		}
	}
}

// arm changes the interest. The caller holds mu, and the descriptor is open.
func (c *loopConn) arm(interest uint32) error {
	if c.interest == interest {
		return nil
	}
	if err := c.loop.poller.change(int(c.fd), c.generation, interest); err != nil {
		return err
	}
	c.interest = interest
	return nil
}

// end closes the connection and tells its protocol. The owner calls it, once.
func (c *loopConn) end(s *seat, err error) {
	c.mu.Lock()
	c.state.Or(over)
	c.due.stop()
	c.out.give()
	c.out = nil
	c.mu.Unlock()
	defer c.bury()
	if c.speaker.Load() == nil {
		return
	}
	c.tell.Lock() // a Hangup or Drain under way ends first; none comes after over
	//lint:ignore SA2001 waiting is all that is wanted
	c.tell.Unlock()
	c.rest.give()
	c.rest = nil
	before := s.conn
	s.conn = c
	l := s.loop // not c.loop: who accepts for another loop ends its connections, too
	inside := l == nil || s.phase&1 == 1 || !s.leads
	if !inside {
		l.enter(s)
	}
	c.protocol().Closed(err)
	if !inside {
		l.leave(s)
	}
	s.conn = before
}

// bury closes the descriptor. The place in the table is free before the kernel can give the number away.
func (c *loopConn) bury() {
	e := c.loop.set
	c.mu.Lock()
	if !c.closed {
		c.closed = true
		if e.table.at(int(c.fd)) == c {
			e.table.set(int(c.fd), nil)
		}
		closeSocket(int(c.fd))
	}
	c.mu.Unlock()
	c.forget()
}

// forget takes the connection off the counts.
func (c *loopConn) forget() {
	e := c.loop.set
	c.loop.open.Add(-1)
	e.engine.release()
	if e.closing.Load() {
		c.loop.wake()
	}
}
