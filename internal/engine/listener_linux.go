//go:build !386

package engine

import (
	"net"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"
)

const (
	// acceptBurst is how many connections are taken before others get their turn.
	acceptBurst = 64
	// acceptPause is how long a listener rests when there is no descriptor for a connection.
	acceptPause = 100 * time.Millisecond
)

// listener is a listening socket on one loop, whose leader accepts. mu guards all fields; it is held while the descriptor is
// used, so that it is not closed under a call.
type listener struct {
	set  *loops
	loop *loop
	fd   int
	done chan error // gets the reason why the listener was closed

	mu      sync.Mutex
	closed  bool
	resting bool    // out of descriptors: not registered for input until rested
	rested  instant // when to try again
	told    bool    // Failed was told, and no connection has come since
}

// pollable returns how to reach the socket of ln, if a loop can serve that.
func pollable(ln net.Listener) (syscall.Conn, bool) {
	switch ln := ln.(type) {
	case *net.TCPListener:
		return ln, true
	case *net.UnixListener:
		return ln, ln.Addr().Network() == "unix"
	}
	return nil, false
}

// listen puts a copy of the socket's descriptor on a loop.
func (e *loops) listen(from syscall.Conn) (*listener, error) {
	fd, err := duplicate(from)
	if err != nil {
		return nil, err
	}
	ln := &listener{set: e, fd: fd, done: make(chan error, 1)}
	e.mu.Lock()
	var list []*listener
	if old := e.listening.Load(); old != nil {
		list = slices.Clone(*old)
	}
	ln.loop = e.list[len(list)%len(e.list)]
	list = append(list, ln)
	e.listening.Store(&list)
	e.mu.Unlock()
	ln.mu.Lock()
	if err = ln.loop.poller.add(fd, 0, syscall.EPOLLIN); err != nil {
		ln.closeLocked(err)
	}
	ln.mu.Unlock()
	if e.engine.draining.Load() { // stopListening may have come too early to find it
		ln.close(ErrEngineClosed)
	}
	return ln, err
}

func (e *loops) listeners() []*listener {
	if list := e.listening.Load(); list != nil {
		return *list
	}
	return nil
}

func (e *loops) listenerAt(fd int) *listener {
	for _, ln := range e.listeners() {
		if ln.fd == fd {
			return ln
		}
	}
	return nil
}

// ready accepts what is there. The leader of the listener's loop calls it.
func (ln *listener) ready(l *loop, s *seat) {
	for range acceptBurst {
		fd, errno := ln.accept()
		switch errno {
		case 0:
			if ln.set.admit(l, s, fd); !s.leads {
				return
			}
		case syscall.EINTR, syscall.ECONNABORTED, syscall.EPROTO, syscall.EPERM:
			// This one has gone, or was refused by the system; the next may be there.
		case syscall.EAGAIN:
			return
		case syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM:
			ln.rest(errno)
			return
		default:
			err := os.NewSyscallError("accept4", errno)
			ln.set.engine.config.Failed(err)
			ln.close(err)
			return
		}
	}
}

// acceptErrno, if set, is asked before each accept. Tests use it.
var acceptErrno func() syscall.Errno

func (ln *listener) accept() (fd int, errno syscall.Errno) {
	ln.mu.Lock()
	defer ln.mu.Unlock()
	if ln.closed {
		return -1, syscall.EAGAIN
	}
	if acceptErrno != nil {
		if errno = acceptErrno(); errno != 0 {
			return -1, errno
		}
	}
	if fd, errno = acceptOne(ln.fd); errno == 0 {
		ln.told = false
	}
	return fd, errno
}

// rest takes the listener's interest away, so that what waits in the kernel does not spin the loop, and says so once.
func (ln *listener) rest(errno syscall.Errno) {
	ln.mu.Lock()
	told := ln.told
	ln.told = true
	ln.set.engine.acceptFails.Add(1)
	if !ln.closed {
		ln.resting, ln.rested = true, ln.set.engine.clock.after(acceptPause)
		ln.loop.poller.change(ln.fd, 0, wantNothing)
	}
	ln.mu.Unlock()
	if !told {
		ln.set.engine.config.Failed(os.NewSyscallError("accept4", errno))
	}
}

// sweep ends a rest that has been long enough.
func (ln *listener) sweep() {
	ln.mu.Lock()
	defer ln.mu.Unlock()
	if ln.closed || !ln.resting || !ln.set.engine.clock.passed(ln.rested) {
		return
	}
	ln.resting = false
	if err := ln.loop.poller.change(ln.fd, 0, syscall.EPOLLIN); err != nil {
		ln.closeLocked(err)
	}
}

// close takes the listener off its loop for good. Anybody may call it, more than once.
func (ln *listener) close(reason error) {
	ln.mu.Lock()
	defer ln.mu.Unlock()
	ln.closeLocked(reason)
}

func (ln *listener) closeLocked(reason error) {
	if ln.closed {
		return
	}
	ln.closed = true
	ln.set.forget(ln)
	syscall.Close(ln.fd)
	ln.done <- reason
}

func (e *loops) forget(ln *listener) {
	e.mu.Lock()
	defer e.mu.Unlock()
	list := slices.DeleteFunc(slices.Clone(*e.listening.Load()), func(l *listener) bool { return l == ln })
	e.listening.Store(&list)
}

// admit makes a connection of a descriptor that was accepted on l, and puts it on the loop that has the fewest.
func (e *loops) admit(l *loop, s *seat, fd int) {
	engine := e.engine
	if open := engine.open.Add(1); engine.config.MaxConns > 0 && open > int64(engine.config.MaxConns) {
		engine.release()
		engine.refused.Add(1)
		if len(engine.config.Refusal) > 0 {
			transmit(fd, engine.config.Refusal)
		}
		closeSocket(fd)
		return
	}
	to := e.lightest(l)
	if !to.reserve() {
		engine.release()
		closeSocket(fd)
		return
	}
	c := newLoopConn(to, fd)
	c.open(l, s)
}
