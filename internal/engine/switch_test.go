package engine

import (
	"context"
	"sync/atomic"
	"testing"
)

// lodger does one thing in its only turn with input, and lets the connection wait from then on.
type lodger struct {
	turn   func(t *Turn)
	drain  func()
	drains atomic.Int32
}

func (l *lodger) Serve(t *Turn) Next {
	t.In = t.In[len(t.In):]
	if t.Err != nil {
		return Close
	}
	if l.turn != nil {
		l.turn(t)
	}
	return AwaitForever
}

func (l *lodger) Hangup() {}

func (l *lodger) Drain() {
	l.drains.Add(1)
	if l.drain != nil {
		l.drain()
	}
}

func (l *lodger) Closed(error) {}

func TestWhatIsSentInTheTurnOfASwitchLeavesWhileTheTurnGoesOn(t *testing.T) {
	onEachDriver(t, func(t *testing.T, d testDriver) {
		heard := make(chan struct{})
		s := start(t, d, Config{Accept: func(*Conn) Protocol {
			return &lodger{turn: func(turn *Turn) {
				turn.Conn().Send([]byte("before, "))
				turn.Switch(&lodger{})
				turn.Enter()
				turn.Conn().Send([]byte("within"))
				<-heard
				turn.Leave()
			}}
		}})
		p := s.dial()
		defer close(heard)
		p.say("x")
		p.hear("before, within")
	})
}

// The protocol that is being replaced has heard of the drain, and has not got round to noting it, when the next one asks.
func TestADrainAtTheMomentOfASwitchReachesWhoSpeaksThen(t *testing.T) {
	onEachDriver(t, func(t *testing.T, d testDriver) {
		told, switched := make(chan struct{}), make(chan struct{})
		next := &lodger{}
		inside := make(chan struct{})
		first := &lodger{
			turn: func(turn *Turn) {
				turn.Enter()
				close(inside)
				<-told
				turn.Leave()
				turn.Switch(next)
				close(switched)
			},
			drain: func() {
				close(told)
				<-switched
			},
		}
		s := start(t, d, Config{Accept: func(*Conn) Protocol { return first }})
		p := s.dial()
		p.say("x")
		<-inside
		shut := make(chan error, 1)
		go func() { shut <- s.engine.Shutdown(context.Background()) }()
		s.eventually("the next one was told", func() bool { return next.drains.Load() == 1 })
		if n := first.drains.Load(); n != 1 {
			t.Errorf("the first one was told %d times", n)
		}
		p.Close()
		if err := await(t, shut); err != nil {
			t.Errorf("Shutdown: %v", err)
		}
	})
}

func TestASendDoesNotCutALingerShort(t *testing.T) {
	onEachDriver(t, func(t *testing.T, d testDriver) {
		s := start(t, d, Config{})
		p := s.dial()
		p.say("linger\n")
		p.hear("bye\n")
		p.hearEnd() // its sending side is shut
		if err := s.last.Load().Send([]byte("late")); err != ErrClosed {
			t.Errorf("Send: %v, want ErrClosed", err)
		}
		p.Close()
		s.eventually("it has ended", func() bool { return len(s.closings()) == 1 })
		if err := s.closings()[0]; err != nil {
			t.Errorf("closed with %v", err)
		}
	})
}
