//go:build !386

package engine

import (
	"bytes"
	"syscall"
	"testing"
)

// nibbling is a protocol that consumes a few bytes in each call, and notes how much it was shown.
type nibbling struct {
	bytes        int
	serves, most *int
}

func (p nibbling) Serve(t *Turn) Next {
	*p.serves++
	*p.most = max(*p.most, len(t.In))
	t.In = t.In[min(p.bytes, len(t.In)):]
	return AwaitMessage
}

func (nibbling) Hangup()      {}
func (nibbling) Drain()       {}
func (nibbling) Closed(error) {}

// A connection that has more than enough to do gets one read and servesPerTurn calls; then it is the turn of others, also if they came later.
func TestATurnHasABudgetSoThatNoConnectionStarvesOthers(t *testing.T) {
	for _, test := range []struct {
		name   string
		bytes  int // of one message
		sent   int // bytes that wait in the socket
		serves int // of the first turn
	}{
		{"many messages in one read", 1, 1000, servesPerTurn},
		{"one message that fills many reads", 1 << 20, 100 << 10, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			serves, most := 0, 0
			l := aloneLoopOf(t, func(*Conn) Protocol { return nibbling{test.bytes, &serves, &most} })
			s := aloneSeat()
			fat, fatPeer := openAlone(t, l, s)
			lean, leanPeer := openAlone(t, l, s)
			if n, err := syscall.Write(fatPeer, bytes.Repeat([]byte("x"), test.sent)); n != test.sent {
				t.Fatalf("wrote %d, %v", n, err)
			}
			syscall.Write(leanPeer, []byte("y"))
			event := func(c *loopConn) *syscall.EpollEvent {
				return &syscall.EpollEvent{Events: syscall.EPOLLIN, Fd: c.fd, Pad: c.generation}
			}
			for range 3 {
				serves, most = 0, 0
				l.dispatch(s, event(fat))
				if serves != test.serves || most > len(s.in) {
					t.Errorf("the turn had %d calls, with %d bytes, want %d with %d at most", serves, most, test.serves, len(s.in))
				}
			}
			serves = 0
			l.dispatch(s, event(lean))
			if serves != 1 {
				t.Errorf("the lean one was served %d times behind the fat one, want 1", serves)
			}
			if test.serves > 1 { // what was left over is not forgotten
				serves = 0
				l.work(s)
				if serves != servesPerTurn {
					t.Errorf("the rest was served %d times when it was its turn again, want %d", serves, servesPerTurn)
				}
			}
			for _, c := range []*loopConn{fat, lean} {
				c.claim()
				c.end(s, nil)
			}
		})
	}
}
