//go:build !386

package engine

import (
	"syscall"
	"testing"
)

// The leader that accepts opens connections for other loops, too. If it ends one at once, that is no turn of the other loop, whose leader
// may be at work: its phase is not the accepting one's to change.
func TestAConnectionThatIsClosedWithinAcceptLeavesItsLoopToItsLeader(t *testing.T) {
	const phase = 40 // of the other loop
	var other *loop
	closed := 0
	accepting := aloneLoopOf(t, func(c *Conn) Protocol {
		c.Close()
		return closing{func() {
			closed++
			if n := other.phase.Load(); n != phase {
				t.Errorf("the other loop is in phase %d while Closed runs, want %d still", n, phase)
			}
		}}
	})
	other, err := newLoop(accepting.set, 1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(other.poller.close)
	accepting.set.list = append(accepting.set.list, other)
	accepting.open.Add(10) // so that the other is the lightest
	other.phase.Store(phase)
	s := aloneSeat()
	s.loop = accepting
	pair, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(pair[1])
	accepting.set.admit(accepting, s, pair[0])
	if closed != 1 || other.open.Load() != 0 || other.count.accepted.Load() != 1 {
		t.Errorf("closed %d times, %d of %d connections are open on the other loop, want 1, 0 of 1", closed, other.open.Load(), other.count.accepted.Load())
	}
	if n := other.phase.Load(); n != phase {
		t.Errorf("the other loop is in phase %d, want %d still", n, phase)
	}
	if !accepting.stillLeads(s) {
		t.Error("the accepting leader has lost its own loop")
	}
}

// closing calls a function when its connection has ended.
type closing struct{ closed func() }

func (closing) Serve(t *Turn) Next { return Close }
func (closing) Hangup()            {}
func (closing) Drain()             {}
func (p closing) Closed(error)     { p.closed() }
