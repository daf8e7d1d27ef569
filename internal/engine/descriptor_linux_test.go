//go:build !386

package engine

import (
	"syscall"
	"testing"
)

// Who still holds the handle of a connection that has ended must not reach the one that has got its descriptor.
func TestADescriptorThatIsReusedReachesNoOldHandle(t *testing.T) {
	l, serves, conns := aloneLoop(t, 1)
	s, old := aloneSeat(), conns[0]
	handle := &old.Conn
	old.claim()
	old.end(s, nil)
	reused, peer := reuse(t, l, s, old.fd)
	for name, use := range map[string]func(){
		"Send": func() {
			if err := handle.Send([]byte("for the old one")); err != ErrClosed {
				t.Errorf("Send: got %v, want %v", err, ErrClosed)
			}
		},
		"Close":  handle.Close,
		"Finish": handle.Finish,
		"Waiting": func() {
			if n := handle.Waiting(); n != 0 {
				t.Errorf("Waiting: got %d", n)
			}
		},
		"Addrs":      func() { handle.Addrs() },
		"interrupt":  old.interrupt,
		"a deadline": func() { old.due.set(1); old.expire() },
		"a drain":    func() { old.kick(true) },
	} {
		use()
		l.work(s)
		if n, err := syscall.Read(peer, make([]byte, 1)); err != syscall.EAGAIN {
			t.Fatalf("%s: the peer of the new connection reads %d, %v, want that nothing is there", name, n, err)
		}
		if l.set.table.at(int(reused.fd)) != reused || reused.state.Load() != 0 {
			t.Errorf("%s has touched the new connection", name)
		}
	}
	before := serves.Load()
	syscall.Write(peer, []byte("still there?"))
	l.dispatch(s, &syscall.EpollEvent{Events: syscall.EPOLLIN, Fd: reused.fd, Pad: reused.generation})
	if n := serves.Load() - before; n != 1 {
		t.Errorf("the new connection was served %d times, want 1", n)
	}
	reused.claim()
	reused.end(s, nil)
}

// taking is a protocol that opens a descriptor when its connection has ended.
type taking struct{ got *int }

func (taking) Serve(t *Turn) Next { t.In = nil; return AwaitMessage }
func (taking) Hangup()            {}
func (taking) Drain()             {}
func (p taking) Closed(error)     { *p.got, _ = syscall.Dup(0) }

// What a protocol does in Closed, it does while the descriptor is still its own.
func TestADescriptorIsNotFreeBeforeClosedWasTold(t *testing.T) {
	taken := -1
	l := aloneLoopOf(t, func(*Conn) Protocol { return taking{&taken} })
	s := aloneSeat()
	c, _ := openAlone(t, l, s)
	c.claim()
	c.end(s, nil)
	defer syscall.Close(taken)
	if taken < 0 || taken == int(c.fd) {
		t.Errorf("Closed has got descriptor %d, of a connection on %d", taken, c.fd)
	}
}

// The same on every driver, while handles of all that has ended are used.
func TestOldHandlesReachNoConnectionThatCameLater(t *testing.T) {
	onEachDriver(t, func(t *testing.T, d testDriver) {
		s := start(t, d, Config{})
		ended := make(chan *Conn)
		stopped := make(chan struct{})
		go func() { // always uses the latest, among others
			defer close(stopped)
			var all []*Conn
			for c := range ended {
				all = append(all, c)
				for _, c := range all {
					if err := c.Send([]byte("for an old one")); err != ErrClosed {
						t.Errorf("Send: got %v, want %v", err, ErrClosed)
					}
					c.Close()
					c.Finish()
				}
			}
		}()
		next := s.dial()
		for i := range 60 {
			p := next
			p.say("x\n")
			p.hear("x\n")
			c := s.last.Load()
			p.Close()
			s.eventually("the connection has ended", func() bool { return len(s.closings()) == i+1 })
			next = s.dial() // most likely on the descriptor of p
			ended <- c
		}
		close(ended)
		<-stopped
		next.say("y\n")
		next.hear("y\n")
	})
}
