//go:build !386

package engine

import (
	"sync/atomic"
	"syscall"
	"testing"
)

func TestAnEventOfAnEarlierConnectionOnTheDescriptorIsIgnored(t *testing.T) {
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
	// The kernel gives the lowest free number: the next socket is on a's descriptor, in the same batch.
	pair, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	syscall.Write(pair[1], []byte("for the new one"))
	l.set.engine.open.Add(1)
	l.open.Add(1)
	reused := newLoopConn(l, pair[0])
	reused.open(l, s)
	if reused.fd != a.fd {
		t.Fatalf("the kernel gave descriptor %d, not %d again", reused.fd, a.fd)
	}
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
	syscall.Close(pair[1])
}

// aloneLoop returns a loop that nobody leads, and n connections on it.
func aloneLoop(t *testing.T, n int) (*loop, *atomic.Int32, []*loopConn) {
	t.Helper()
	var serves atomic.Int32
	e := New(Config{Accept: func(*Conn) Protocol { return counting{&serves} }})
	set := &e.loops
	set.engine = e
	set.monitor.init()
	l, err := newLoop(set, 0)
	if err != nil {
		t.Fatal(err)
	}
	set.list = []*loop{l}
	t.Cleanup(l.poller.close)
	s := takeLeaderSeat(4096)
	s.leads = true
	var conns []*loopConn
	for range n {
		pair, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_NONBLOCK, 0)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { syscall.Close(pair[1]) })
		e.open.Add(1)
		l.open.Add(1)
		c := newLoopConn(l, pair[0])
		c.open(l, s)
		conns = append(conns, c)
	}
	return l, &serves, conns
}

type counting struct{ serves *atomic.Int32 }

func (c counting) Serve(t *Turn) Next { c.serves.Add(1); t.In = nil; return AwaitMessage }
func (counting) Hangup()              {}
func (counting) Drain()               {}
func (counting) Closed(error)         {}
