//go:build !386

package engine

import (
	"syscall"
	"testing"
)

// A reader waits in a turn, while others have sent more than the kernel takes: the descriptor is watched for room only. Then the peer takes
// everything, and a message of the owner's own, by another goroutine, carries along what had waited. When the event comes nothing is to be
// sent, but the reader is to be armed again.
func TestAReaderThatWaitsIsArmedAgainWhenTheOwnersMessageOvertookThePump(t *testing.T) {
	l, _, _ := aloneLoop(t, 0)
	s := aloneSeat()
	c, peer := openAlone(t, l, s)
	s.leads = false
	beginAway(t, c)
	c.state.Or(switched)
	reader := &parking{ready: make(chan error, 1)}
	if err := c.beginWait(reader, input); err != nil {
		t.Fatal(err)
	}
	for c.Waiting() == 0 {
		if err := c.Send(pattern(10 << 10)); err != nil {
			t.Fatal(err)
		}
		c.pump()
	}
	takeAll := func() {
		for p := make([]byte, 64<<10); ; {
			if n, _ := syscall.Read(peer, p); n <= 0 {
				return
			}
		}
	}
	takeAll()
	if err := c.hold(c.seat); err != nil { // the owner's message begins
		t.Fatal(err)
	}
	c.unhold()
	if n := c.Waiting(); n > 0 {
		t.Fatalf("%d bytes wait still", n)
	}
	takeAll()
	dispatchAll := func() {
		for i := range l.poller.poll() {
			l.dispatch(s, &l.poller.events[i])
		}
	}
	dispatchAll()
	syscall.Write(peer, []byte("input"))
	dispatchAll()
	select {
	case err := <-reader.ready:
		if err != nil {
			t.Errorf("the reader was told %v", err)
		}
	default:
		t.Errorf("the reader sleeps with input there; the interest is %#x", c.interest)
	}
	c.end(s, nil)
}
