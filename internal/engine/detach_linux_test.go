//go:build !386

package engine

import (
	"net"
	"sync/atomic"
	"syscall"
	"testing"
)

// A turn that has detached is over for the engine: the number of its descriptor is soon another connection's, which nothing of the turn may
// reach.
func TestATurnThatHasDetachedReachesNoConnectionThatCameLater(t *testing.T) {
	l, serves, conns := aloneLoop(t, 1)
	old := conns[0]
	turn := beginAway(t, old)
	nc := detachAlone(t, turn)
	defer nc.Close()
	reused, peer := reuse(t, l, aloneSeat(), old.fd)
	syscall.Write(peer, []byte("secret"))

	if err := turn.Fill(AwaitBody); err != ErrClosed || len(turn.In) > 0 {
		t.Errorf("Fill: got %q, %v, want %v", turn.In, err, ErrClosed)
	}
	turn.Out = append(turn.Out, "for the old one"...)
	if err := turn.Flush(); err != ErrClosed {
		t.Errorf("Flush: got %v, want %v", err, ErrClosed)
	}
	turn.Out = append(turn.Out, "for the old one"...)
	if err := turn.Write([]byte("too")); err != ErrClosed {
		t.Errorf("Write: got %v, want %v", err, ErrClosed)
	}
	turn.Interrupt()
	wantUntouched(t, reused, peer)
	wantServed(t, reused, serves)
}

// Who waits for input is no exception, and does not wait on.
func TestAFillThatWaitsIsEndedByDetach(t *testing.T) {
	l, serves, conns := aloneLoop(t, 1)
	old := conns[0]
	turn := beginAway(t, old)
	read := make(chan error, 1)
	go func() { read <- turn.Fill(AwaitBody) }()
	(&server{t: t}).eventually("the reader waits", func() bool {
		old.mu.Lock()
		defer old.mu.Unlock()
		return old.parked[input] != nil
	})
	nc := detachAlone(t, turn)
	defer nc.Close()
	reused, peer := reuse(t, l, aloneSeat(), old.fd)
	syscall.Write(peer, []byte("secret"))

	turn.Interrupt()
	if err := await(t, read); err != ErrClosed {
		t.Errorf("Fill: got %v, want %v", err, ErrClosed)
	}
	if len(turn.In) > 0 {
		t.Errorf("Fill has read %q", turn.In)
	}
	wantUntouched(t, reused, peer)
	wantServed(t, reused, serves)
}

// wantUntouched fails the test if anything of another connection has reached c.
func wantUntouched(t *testing.T, c *loopConn, peer int) {
	t.Helper()
	if n, err := syscall.Read(peer, make([]byte, 100)); err != syscall.EAGAIN {
		t.Errorf("the peer of the new connection reads %d bytes, %v, want that nothing is there", n, err)
	}
	if c.loop.set.table.at(int(c.fd)) != c || c.state.Load() != 0 {
		t.Error("the new connection is not as it was")
	}
}

// wantServed wants that the loop of c hears of the input that is there, and serves it; then it ends c.
func wantServed(t *testing.T, c *loopConn, serves *atomic.Int32) {
	t.Helper()
	l, s, before := c.loop, aloneSeat(), serves.Load()
	for i := range l.poller.poll() {
		l.dispatch(s, &l.poller.events[i])
	}
	if n := serves.Load() - before; n != 1 {
		t.Errorf("the new connection was served %d times, want 1", n)
	}
	c.claim()
	c.end(s, nil)
}

// beginAway begins a turn of c off its loop.
func beginAway(t *testing.T, c *loopConn) *Turn {
	t.Helper()
	if !c.claim() {
		t.Fatal("the connection is not free")
	}
	c.loop.set.away.Add(1)
	turn := takeAwaySeat().begin(c)
	turn.In, turn.base = nil, nil
	return turn
}

func detachAlone(t *testing.T, turn *Turn) net.Conn {
	t.Helper()
	nc, err := turn.Detach()
	if err != nil {
		t.Fatal(err)
	}
	return nc
}
