//go:build !386

package engine

import (
	"sync/atomic"
	"syscall"
	"testing"
)

// aloneLoop returns a loop that nobody leads, and n connections on it: a test hands it the events that it wants.
func aloneLoop(t *testing.T, n int) (*loop, *atomic.Int32, []*loopConn) {
	t.Helper()
	var serves atomic.Int32
	l := aloneLoopOf(t, func(*Conn) Protocol { return counting{&serves} })
	s := aloneSeat()
	var conns []*loopConn
	for range n {
		c, _ := openAlone(t, l, s)
		conns = append(conns, c)
	}
	return l, &serves, conns
}

func aloneLoopOf(t *testing.T, accept func(*Conn) Protocol) *loop {
	t.Helper()
	e := New(Config{Accept: accept})
	set := &e.loops
	set.engine = e
	set.monitor.init()
	l, err := newLoop(set, 0)
	if err != nil {
		t.Fatal(err)
	}
	set.list = []*loop{l}
	t.Cleanup(l.poller.close)
	return l
}

func aloneSeat() *seat {
	s := takeLeaderSeat(4096)
	s.leads = true
	return s
}

// openAlone puts a connection on l, and returns it with the descriptor of its peer.
func openAlone(t *testing.T, l *loop, s *seat) (*loopConn, int) {
	t.Helper()
	pair, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Close(pair[1]) })
	l.set.engine.open.Add(1)
	l.open.Add(1)
	c := newLoopConn(l, pair[0])
	c.open(l, s)
	return c, pair[1]
}

// reuse is openAlone on a descriptor that was closed just before: the kernel gives the lowest number that is free.
func reuse(t *testing.T, l *loop, s *seat, fd int32) (*loopConn, int) {
	t.Helper()
	c, peer := openAlone(t, l, s)
	if c.fd != fd {
		t.Fatalf("the kernel gave descriptor %d, not %d again", c.fd, fd)
	}
	return c, peer
}

type counting struct{ serves *atomic.Int32 }

func (c counting) Serve(t *Turn) Next { c.serves.Add(1); t.In = nil; return AwaitMessage }
func (counting) Hangup()              {}
func (counting) Drain()               {}
func (counting) Closed(error)         {}
