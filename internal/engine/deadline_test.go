package engine

import (
	"errors"
	"fmt"
	"testing"
	"time"
)

func TestAnIdleConnectionIsClosedInOrder(t *testing.T) {
	onEachDriver(t, func(t *testing.T, d testDriver) {
		s := start(t, d, Config{IdleTimeout: 30 * time.Millisecond})
		p := s.dial()
		p.say("x\n")
		p.hear("x\n")
		p.hearEnd()
		s.eventually("the connection has ended", func() bool { return len(s.closings()) == 1 })
		if err := s.closings()[0]; err != nil {
			t.Errorf("closed with %v, want nil", err)
		}
	})
}

func TestAConnectionThatNeverSpeaksIsClosed(t *testing.T) {
	onEachDriver(t, func(t *testing.T, d testDriver) {
		s := start(t, d, Config{HeadTimeout: 30 * time.Millisecond})
		s.dial().hearEnd()
	})
}

func TestAHeadThatTricklesInRunsIntoItsDeadline(t *testing.T) {
	onEachDriver(t, func(t *testing.T, d testDriver) {
		s := start(t, d, Config{HeadTimeout: 60 * time.Millisecond})
		p := s.dial()
		trickled := make(chan int)
		go func() {
			n := 0
			for ; ; n++ {
				if _, err := p.Write([]byte("x")); err != nil {
					break
				}
				time.Sleep(5 * time.Millisecond) // the peer is slow: that is the case
			}
			trickled <- n
		}()
		line, _ := p.r.ReadString('\n')
		if len(line) < 10 || line[:5] != "ended" {
			t.Errorf("heard %q, want the end of input told", line)
		}
		p.Close()
		<-trickled
	})
}

func TestABodyEarnsTimeByItsBytes(t *testing.T) {
	// the body brings 2999 bytes at once, and the last one long after the grace of 50 ms
	for _, c := range []struct {
		rate int    // bytes for which a second is earned
		line string // what is heard at the end
	}{{100, "body 3000\n"}, {100_000, "body ended: engine: deadline passed\n"}} {
		onEachDriver(t, func(t *testing.T, d testDriver) {
			s := start(t, d, Config{BodyTimeout: 50 * time.Millisecond, BodyRate: c.rate})
			p := s.dial()
			p.say("need 3000\n")
			s.eventually("the head has been read", func() bool { return s.serves.Load() == 1 })
			p.say(string(pattern(2999)))
			later := s.engine.clock.after(150 * time.Millisecond)
			s.eventually("the grace is over", func() bool { return s.engine.clock.passed(later) })
			p.Write([]byte{1})
			p.hear(c.line)
		})
	}
}

func TestFillRunsIntoTheDeadlineOfABody(t *testing.T) {
	onEachDriver(t, func(t *testing.T, d testDriver) {
		s := start(t, d, Config{BodyTimeout: 40 * time.Millisecond})
		p := s.dial()
		p.say("fill 100\n123")
		// The pattern does not matter: the bytes are counted before they are compared.
		line, _ := p.r.ReadString('\n')
		if want := "garbled filled 3: engine: deadline passed\n"; line != want {
			t.Errorf("heard %q, want %q", line, want)
		}
		p.hearEnd()
	})
}

func TestASlowReaderIsClosedAfterTheWriteTimeout(t *testing.T) {
	for _, line := range []string{"out 30000000\n", "write 30000000\n", "off\nwrite 30000000\n"} {
		onEachDriver(t, func(t *testing.T, d testDriver) {
			s := start(t, d, Config{WriteTimeout: 50 * time.Millisecond})
			p := s.dial()
			p.say(line)
			s.eventually("the connection has ended", func() bool { return len(s.closings()) == 1 })
			if err := s.closings()[0]; err != nil && !errors.Is(err, ErrTimeout) {
				t.Errorf("closed with %v, want %v", err, ErrTimeout)
			}
		})
	}
}

// byHand is a Tick that never comes: the test lets the time pass.
const byHand = 1000 * time.Hour

// What has left is over, and so is its deadline: a connection that keeps its own time may be quiet for as long as it likes.
func TestAWriteDeadlineEndsWithItsWrite(t *testing.T) {
	onEachDriver(t, func(t *testing.T, d testDriver) {
		s := start(t, d, Config{Tick: byHand, WriteTimeout: time.Hour})
		p := s.dial()
		p.say("switch\n")
		p.hear("switched\n")
		for range 3 {
			if err := s.last.Load().Send([]byte("news")); err != nil {
				t.Fatal(err)
			}
			p.hear("news")
			s.pass(2 * time.Hour)
			p.say("\x02")
			p.hear("ff")
		}
	})
}

// An answer that the peer takes late has its own deadline while it waits. Then that of the next message counts, from the beginning.
func TestAnAnswerThatLeftLateLeavesTheIdleTimeoutAsItIs(t *testing.T) {
	onEachDriver(t, func(t *testing.T, d testDriver) {
		s := start(t, d, Config{Tick: byHand, WriteTimeout: time.Hour, IdleTimeout: 10 * time.Hour})
		p := s.dial()
		s.answerLate(p, d)
		s.pass(2 * time.Hour)
		p.say("x\n")
		p.hear("x\n")
	})
}

func TestTheIdleTimeoutHoldsBehindAnAnswerThatLeftLate(t *testing.T) {
	for _, writes := range []time.Duration{time.Hour, 0} {
		t.Run(fmt.Sprintf("WriteTimeout %v", writes), func(t *testing.T) {
			onEachDriver(t, func(t *testing.T, d testDriver) {
				s := start(t, d, Config{Tick: byHand, WriteTimeout: writes, IdleTimeout: 10 * time.Hour})
				p := s.dial()
				s.answerLate(p, d)
				s.eventually("the idle connection is closed", func() bool {
					s.pass(11 * time.Hour) // again, because the wait may begin after the first time
					return len(s.closings()) == 1
				})
				if err := s.closings()[0]; err != nil {
					t.Errorf("closed with %v, want nil", err)
				}
				p.hearEnd()
			})
		})
	}
}

// answerLate has the server answer with more than the kernel takes for a peer that does not read, and then reads all of it.
func (s *server) answerLate(p *peer, d testDriver) {
	s.t.Helper()
	const size = 12 << 20
	line := fmt.Sprintf("out %d\n", size)
	p.say(line)
	s.eventually("the line has been read", func() bool { return s.serves.Load() > 0 })
	if d.loops {
		s.eventually("the rest waits", s.hasUnsent)
	}
	p.hear(string(pattern(size)))
	p.hear(line)
	s.eventually("everything has left", func() bool { return !s.hasUnsent() })
}

// hasUnsent reports whether an answer of the latest connection waits on its loop.
func (s *server) hasUnsent() bool {
	c, ok := s.last.Load().driver.(interface{ hasUnsent() bool })
	return ok && c.hasUnsent()
}
