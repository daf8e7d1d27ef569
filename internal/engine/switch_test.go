package engine

import "testing"

// lodger does one thing in its only turn with input, and lets the connection wait from then on.
type lodger struct{ turn func(t *Turn) }

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

func (l *lodger) Drain() {}

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
