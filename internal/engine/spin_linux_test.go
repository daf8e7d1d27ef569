//go:build !386

package engine

import (
	"testing"
	"time"
)

// wantQuiet fails the test if the first loop of s does anything, though nobody asks it to. What counts are its polls that have brought
// something, and its sleeps: a loop that spins makes thousands of them in a tenth of a second, on however busy a machine.
func (s *server) wantQuiet() {
	s.t.Helper()
	l := s.engine.loops.started()[0]
	before := l.steps.Load()
	enough := s.engine.clock.after(100 * time.Millisecond)
	s.eventually("some ticks are over", func() bool { return s.engine.clock.passed(enough) })
	if n := l.steps.Load() - before; n > 20 {
		s.t.Errorf("the loop woke %d times for nothing", n)
	}
}

func (p *peer) reset() {
	if tcp, ok := p.Conn.(interface{ SetLinger(int) error }); ok {
		tcp.SetLinger(0)
	}
	p.Close()
}

// Level-triggered epoll reports an end for as long as somebody listens to it (EPOLLRDHUP), or even if nobody does (EPOLLHUP).
func TestAHungUpConnectionDoesNotSpinItsLoop(t *testing.T) {
	const big = "30000000\n" // more than the kernel takes for a peer that does not read
	for _, test := range []struct {
		name    string
		say     string
		waits   func(s *server) bool // until the connection is in that state
		end     func(p *peer)
		hangups int32
	}{
		{"half-closed while a handler runs", "gate\n", inside, (*peer).closeWrite, 1},
		{"half-closed behind a request", "gate\n", inside, func(p *peer) { p.say("more\n"); p.closeWrite() }, 1},
		{"reset while a handler runs", "gate\n", inside, (*peer).reset, 1},
		{"half-closed while a handler runs off the loop", "off\ngate\n", inside, (*peer).closeWrite, 1},
		{"reset while a handler runs off the loop", "off\ngate\n", inside, (*peer).reset, 1},
		{"half-closed while a handler runs after an upgrade", "switch\ng", inside, (*peer).closeWrite, 1},
		{"half-closed and never reads what waits", "out " + big, unread, (*peer).closeWrite, 0},
		{"half-closed and never reads what a handler writes", "write " + big, serving, (*peer).closeWrite, 0},
		{"half-closed and never reads what others send", "switch\ng", sentTo, (*peer).closeWrite, 0},
		{"sends on and never reads", "out " + big, unread, func(p *peer) { p.say("more\nmore\n") }, 0},
		{"sends on while a handler runs", "gate\n", inside, func(p *peer) { p.say("more\nmore\n") }, 0},
		{"was told good-bye and stays", "linger\n", serving, func(*peer) {}, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			onLoops(t, func(t *testing.T, d testDriver) {
				s := start(t, d, Config{})
				p := s.dial()
				p.say(test.say)
				s.eventually("the connection is in its state", func() bool { return test.waits(s) })
				test.end(p)
				s.eventually("the hang-up was told", func() bool { return s.hangups.Load() >= test.hangups })
				other := s.dial()
				other.say("x\n")
				other.hear("x\n")
				s.wantQuiet()
				if n := s.hangups.Load(); n > 1 {
					t.Errorf("the hang-up was told %d times", n)
				}
				s.release()
				p.Close()
				s.eventually("the connection has ended", func() bool { return len(s.closings()) == 1 })
			})
		})
	}
}

func inside(s *server) bool { return len(s.inside) > 0 }

func serving(s *server) bool { return s.serves.Load() > 0 }

func unread(s *server) bool {
	c := s.last.Load()
	return c != nil && c.driver.(*loopConn).hasUnsent()
}

// sentTo has others send more than the kernel takes.
func sentTo(s *server) bool {
	return inside(s) && s.last.Load().Send(pattern(1<<20)) == ErrOutboxFull
}

// A connection that is closed while its peer takes nothing must not be flushed in a loop until it does.
func TestClosingDoesNotWaitOrSpinForAPeerThatTakesNothing(t *testing.T) {
	onLoops(t, func(t *testing.T, d testDriver) {
		s := start(t, d, Config{})
		p := s.dial()
		p.say("out 30000000\nclose\n")
		s.eventually("the rest waits", func() bool { return unread(s) })
		c := s.last.Load()
		other := s.dial()
		other.say("x\n")
		other.hear("x\n")
		s.wantQuiet()
		c.Close()
		s.eventually("the connection has ended", func() bool { return len(s.closings()) == 1 })
		other.say("y\n")
		other.hear("y\n")
	})
}

// A loop that has nothing to do waits in the runtime's poller: a system call that blocks would hold its thread, and its P until sysmon
// takes that away.
func TestAnIdleLoopHoldsNeitherThreadNorP(t *testing.T) {
	const loops = 3
	onLoops(t, func(t *testing.T, d testDriver) {
		s := start(t, d, Config{Loops: loops})
		p := s.dial()
		p.say("x\n")
		p.hear("x\n")
		s.eventually("all loops wait in the runtime's poller", func() bool { return parkedIn("engine.(*poller).wait") == loops })
		s.wantQuiet()
		if n := parkedIn("engine.(*poller).wait"); n != loops {
			t.Errorf("%d loops of %d wait in the runtime's poller", n, loops)
		}
	})
}
