//go:build !386

package engine

import (
	"net"
	"os"
	"syscall"
	"time"
)

// detach takes the connection out of the engine. The descriptor that the caller gets is a new one, so that nothing that
// still knows the old number can reach it.
func (c *loopConn) detach(t *Turn) (net.Conn, error) {
	if err := c.send(t, nil); err != nil {
		return nil, err
	}
	c.mu.Lock()
	if c.state.Load()&closeAsked != 0 {
		c.mu.Unlock()
		return nil, ErrClosed
	}
	nc, err := copyOf(int(c.fd))
	if err != nil { // the connection is as it was
		c.mu.Unlock()
		return nil, err
	}
	c.state.Or(over)
	c.unpark(input, ErrClosed)
	c.unpark(output, ErrClosed)
	c.due.stop()
	c.out.give()
	c.out = nil
	c.closed = true
	c.loop.set.table.set(int(c.fd), nil)
	c.loop.poller.remove(int(c.fd))
	closeSocket(int(c.fd))
	c.mu.Unlock()
	c.tell.Lock() // a Hangup or Drain under way ends first; none comes after over
	//lint:ignore SA2001 waiting is all that is wanted
	c.tell.Unlock()
	c.forget()
	if err := nc.SetDeadline(time.Time{}); err != nil {
		return nil, err
	}
	if len(t.In) == 0 {
		return nc, nil
	}
	read := append([]byte(nil), t.In...)
	t.In = nil
	return &prefixed{Conn: nc, read: read}, nil
}

// copyOf returns the socket of fd as a net.Conn with a descriptor of its own.
func copyOf(fd int) (net.Conn, error) {
	n, _, errno := syscall.RawSyscall(syscall.SYS_FCNTL, uintptr(fd), syscall.F_DUPFD_CLOEXEC, 0)
	if errno != 0 {
		return nil, os.NewSyscallError("fcntl", errno)
	}
	file := os.NewFile(n, "connection")
	defer file.Close()
	return net.FileConn(file)
}

// addrs asks the kernel once, when somebody asks first.
func (c *loopConn) addrs() (local, remote net.Addr) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ends == nil {
		if c.closed {
			return &net.TCPAddr{}, &net.TCPAddr{}
		}
		local, remote := socketAddrs(int(c.fd))
		c.ends = &ends{local, remote}
	}
	return c.ends.local, c.ends.remote
}

func (c *loopConn) loopNumber() int { return c.loop.number }

func (c *loopConn) netConn() net.Conn { return nil }
