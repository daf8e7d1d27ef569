//go:build !386

package engine

import (
	"fmt"
	"syscall"
	"testing"
)

// keeping is a protocol that waits for more, whatever has come: the connection keeps it.
type keeping struct{}

func (keeping) Serve(t *Turn) Next {
	if t.Err != nil {
		return Close
	}
	return AwaitHead
}

func (keeping) Hangup()      {}
func (keeping) Drain()       {}
func (keeping) Closed(error) {}

// Close asks for the end, and the owner gives the buffers back, once. Would they be given back twice, the next two connections would read
// into the same one.
func TestABufferHasOneOwnerWhenCloseMeetsARead(t *testing.T) {
	l := aloneLoopOf(t, func(*Conn) Protocol { return keeping{} })
	s := aloneSeat()
	event := func(c *loopConn) {
		l.dispatch(s, &syscall.EpollEvent{Events: syscall.EPOLLIN, Fd: c.fd, Pad: c.generation})
	}
	for round := range 20 {
		ended, peer := openAlone(t, l, s)
		syscall.Write(peer, []byte("half a message"))
		event(ended)
		if err := ended.Send([]byte("to leave later")); err != nil {
			t.Fatal(err)
		}
		ended.Close() // by whoever has the handle
		ended.Close()
		event(ended)
		l.work(s)
		if ended.state.Load()&over == 0 {
			t.Fatal("the connection has not ended")
		}
		var next []*loopConn
		for i := range 4 {
			c, peer := openAlone(t, l, s)
			fmt.Fprintf(writerTo(peer), "connection %d of round %d", i, round)
			event(c)
			next = append(next, c)
		}
		for i, c := range next {
			if want := fmt.Sprintf("connection %d of round %d", i, round); string(c.rest.b) != want {
				t.Errorf("a connection has %q, want %q", c.rest.b, want)
			}
			c.claim()
			c.end(s, nil)
		}
	}
}

// writerTo writes to a descriptor.
type writerTo int

func (fd writerTo) Write(p []byte) (int, error) { return syscall.Write(int(fd), p) }
