//go:build !386

package engine

import (
	"syscall"
	"testing"
)

func TestAStaleEventOfTheSameBatchIsIgnored(t *testing.T) {
	l, serves, conns := aloneLoop(t, 2)
	s := takeLeaderSeat(4096)
	s.leads = true
	a, b := conns[0], conns[1]
	stale := []syscall.EpollEvent{
		{Events: syscall.EPOLLIN, Fd: a.fd, Pad: a.generation},
		{Events: syscall.EPOLLIN | syscall.EPOLLHUP, Fd: a.fd, Pad: a.generation},
		{Events: syscall.EPOLLIN | syscall.EPOLLHUP, Fd: b.fd, Pad: a.generation},
	}
	a.claim()
	a.end(s, nil)
	l.dispatch(s, &stale[0]) // nobody is on the descriptor yet
	reused, peer := reuse(t, l, s, a.fd)
	syscall.Write(peer, []byte("for the new one"))
	before := serves.Load()
	for i := range stale {
		l.dispatch(s, &stale[i])
	}
	if n := serves.Load() - before; n != 0 {
		t.Errorf("a stale event was served %d times", n)
	}
	if l.set.table.at(int(reused.fd)) != reused || reused.state.Load() != 0 {
		t.Error("a stale event has touched the new connection")
	}
	l.dispatch(s, &syscall.EpollEvent{Events: syscall.EPOLLIN, Fd: reused.fd, Pad: reused.generation})
	if n := serves.Load() - before; n != 1 {
		t.Errorf("the new connection's event was served %d times", n)
	}
	reused.claim()
	reused.end(s, nil)
	b.claim()
	b.end(s, nil)
}
