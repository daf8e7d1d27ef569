//go:build !386

package engine

import (
	"errors"
	"net"
	"syscall"
	"testing"
)

// A turn that has detached is over for the engine: its descriptor's number is soon another connection's, which nothing of the turn may
// reach, not even a goroutine that waits for input.
func TestATurnThatHasDetachedReachesNoConnectionThatCameLater(t *testing.T) {
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
	reused, peer := reuse(t, l, aloneSeat(), old.fd)
	syscall.Write(peer, []byte("secret"))

	turn.Interrupt()
	if err := await(t, read); !errors.Is(err, ErrClosed) {
		t.Errorf("the Fill that waited: got %v, want %v", err, ErrClosed)
	}
	turn.Err = nil
	if err := turn.Fill(AwaitBody); err == nil || len(turn.In) > 0 {
		t.Errorf("Fill: got %q, %v, want an error", turn.In, err)
	}
	turn.Out = append(turn.Out, "for the old one"...)
	if err := turn.Flush(); err == nil {
		t.Error("Flush: got no error")
	}
	turn.Out = append(turn.Out, "for the old one"...)
	if err := turn.Write([]byte("too")); err == nil {
		t.Error("Write: got no error")
	}
	if n, err := syscall.Read(peer, make([]byte, 100)); err != syscall.EAGAIN {
		t.Errorf("the peer of the new connection reads %d bytes, %v, want that nothing is there", n, err)
	}
	if l.set.table.at(int(reused.fd)) != reused || reused.state.Load() != 0 {
		t.Error("the turn has touched the new connection")
	}
	before, s := serves.Load(), aloneSeat()
	for i := range l.poller.poll() {
		l.dispatch(s, &l.poller.events[i])
	}
	if n := serves.Load() - before; n != 1 {
		t.Errorf("the new connection was served %d times, want 1", n)
	}
	reused.claim()
	reused.end(s, nil)
	nc.Close()
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
