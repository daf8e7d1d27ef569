//go:build linux

package load

import (
	"strconv"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// conn is one connection and the place of its batch on the way. The
// generator's goroutine owns it.
type conn struct {
	fd     int
	index  int // in Generator.conns; also what epoll gives back
	group  *group
	sentAt time.Duration // since the generator's epoch

	unsent   []byte // the rest of the batch that the socket did not take
	waiting  int    // responses of the batch that are not complete
	response head   // of the body that is arriving
	bodyLeft int    // bytes of it to come
	partial  []byte // the start of a head that is not complete
}

// group is a Group compiled for the loop.
type group struct {
	batch      []byte // Depth times the request
	depth      int
	bodyLength int
	reconnect  bool
	tally      *Tally
}

// begin starts a batch, whatever became of the last one.
func (c *conn) begin(now time.Duration) {
	c.sentAt = now
	c.unsent = c.group.batch
	c.waiting = c.group.depth
	c.bodyLeft = 0
	c.partial = c.partial[:0]
}

// flush writes what is unsent. A full socket, or one that is still connecting,
// is no error: epoll reports it when it is ready.
func (c *conn) flush() error {
	for len(c.unsent) > 0 {
		n, errno := rawWrite(c.fd, c.unsent)
		switch errno {
		case 0:
			c.unsent = c.unsent[n:]
		case unix.EINTR:
		case unix.EAGAIN:
			return nil
		default:
			return errno
		}
	}
	return nil
}

// receive takes the bytes of one read. Complete responses go into the tally.
func (c *conn) receive(b []byte, now time.Duration, heads *headReader) error {
	if len(c.partial) > 0 {
		c.partial = append(c.partial, b...)
		b = c.partial
	}
	for len(b) > 0 {
		if c.bodyLeft > 0 {
			n := min(len(b), c.bodyLeft)
			c.bodyLeft -= n
			b = b[n:]
		} else {
			h, n, err := heads.read(b)
			if err != nil {
				return err
			}
			if n == 0 {
				break
			}
			c.response, c.bodyLeft = h, h.length
			b = b[n:]
		}
		if c.bodyLeft == 0 {
			if c.waiting == 0 {
				return errUnasked
			}
			c.waiting--
			c.count(now)
		}
	}
	c.partial = append(c.partial[:0], b...)
	return nil
}

// count puts the response that has just ended into the tally.
func (c *conn) count(now time.Duration) {
	t := c.group.tally
	switch {
	case c.response.status != 200:
		t.fail("status " + strconv.Itoa(c.response.status))
	case c.response.length != c.group.bodyLength:
		t.fail("length " + strconv.Itoa(c.response.length))
	default:
		t.Requests++
		// Out of range only after a minute, and then the run is worthless.
		_ = t.Latency.RecordValue(int64(now - c.sentAt))
	}
}

// The sockets never block, so the scheduler need not hear of these calls.

func rawRead(fd int, b []byte) (int, unix.Errno) {
	n, _, errno := unix.RawSyscall(unix.SYS_READ, uintptr(fd), uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)))
	return int(n), errno
}

func rawWrite(fd int, b []byte) (int, unix.Errno) {
	n, _, errno := unix.RawSyscall(unix.SYS_WRITE, uintptr(fd), uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)))
	return int(n), errno
}
