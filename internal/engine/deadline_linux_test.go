//go:build !386

package engine

import "testing"

// The sweep may find a deadline passed at the moment when an event begins a turn, which moves off the loop. That deadline is nobody's
// business any more, but the next one is.
func TestADeadlineThatIsNotedWhileTheOwnerIsElsewhereDoesNotHideTheNext(t *testing.T) {
	l, _, conns := aloneLoop(t, 1)
	s, c := aloneSeat(), conns[0]
	if !c.claim() { // the sweep has seen c free, and goes on after this
		t.Fatal("the connection is not free")
	}
	c.state.Or(late)
	l.push(c)
	l.work(s) // c is owned elsewhere
	c.release(s)
	if n := c.state.Load() & over; n != 0 {
		t.Fatal("the connection has ended, though no deadline of its own has passed")
	}
	c.due.set(1)
	l.set.engine.clock.now.Store(1000)
	c.expire()
	l.work(s)
	if c.state.Load()&over == 0 {
		t.Error("the next deadline has passed, and nothing has come of it")
		c.claim()
		c.end(s, nil)
	}
}
