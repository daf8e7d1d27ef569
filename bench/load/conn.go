//go:build linux

package load

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
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

	unsent    []byte // the rest of the batch that the socket did not take
	waiting   int    // responses of the batch that are not complete
	upgrading bool   // the upgrade has no answer yet
	answered  bool   // once at least
	response  head   // of the body that is arriving
	bodyLeft  int    // bytes of it to come
	partial   []byte // the start of a head that is not complete
	matched   int    // bytes of the group's answer that have come
}

// group is a Group compiled for the loop.
type group struct {
	batch      []byte // Depth times the request
	depth      int
	bodyLength int
	upgrade    []byte
	answer     []byte
	reconnect  bool
	opening    bool // not all connections of the generator are open
	tally      *Tally

	interval time.Duration // between two requests of the group; 0 without a rate
	due      time.Duration // when the next one should leave, since the generator's epoch
	free     []*conn       // with a rate, or while opening: those with nothing to wait for, the longest free first
}

// begin starts a batch, whatever became of the last one.
func (c *conn) begin(now time.Duration) {
	c.sentAt = now
	c.unsent = c.group.batch
	c.waiting = c.group.depth
	c.bodyLeft = 0
	c.partial = c.partial[:0]
	c.matched = 0
}

// beginUpgrade sends what comes before the first batch.
func (c *conn) beginUpgrade(now time.Duration) {
	c.begin(now)
	c.unsent = c.group.upgrade
	c.waiting = 0
	c.upgrading = true
}

// next begins another batch, or waits for its turn where the group has a rate
// and while others are being opened.
// A connection's first message after an upgrade is sent at once.
func (c *conn) next(now time.Duration) error {
	if (c.group.interval > 0 || c.group.opening) && c.answered {
		c.group.free = append(c.group.free, c)
		return nil
	}
	c.begin(now)
	return c.flush()
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
	switch {
	case c.upgrading:
		return c.receiveUpgrade(b)
	case c.group.answer != nil:
		return c.receiveAnswer(b, now)
	}
	return c.receiveHTTP(b, now, heads)
}

// receiveUpgrade waits for the head that answers the upgrade. The server has
// nothing to say after it.
func (c *conn) receiveUpgrade(b []byte) error {
	c.partial = append(c.partial, b...)
	end := bytes.Index(c.partial, []byte(endOfHead))
	switch {
	case end < 0 && len(c.partial) > maxHead:
		return errHeadTooLong
	case end < 0:
		return nil
	}
	line, _, _ := strings.Cut(string(c.partial[:end]), "\r\n")
	status, err := parseStatus(line)
	if err != nil {
		return err
	}
	if status != 101 {
		return fmt.Errorf("upgrade answered with %d", status)
	}
	if end+len(endOfHead) < len(c.partial) {
		return errUnasked
	}
	c.upgrading = false
	return nil
}

// receiveAnswer compares what comes with the answer that the group expects.
func (c *conn) receiveAnswer(b []byte, now time.Duration) error {
	for len(b) > 0 {
		if c.waiting == 0 {
			return errUnasked
		}
		want := c.group.answer[c.matched:]
		n := min(len(b), len(want))
		if !bytes.Equal(b[:n], want[:n]) {
			return errDiffers
		}
		b = b[n:]
		if c.matched += n; c.matched == len(c.group.answer) {
			c.matched = 0
			c.waiting--
			c.answered = true
			c.group.tally.succeed(now - c.sentAt)
		}
	}
	return nil
}

func (c *conn) receiveHTTP(b []byte, now time.Duration, heads *headReader) error {
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
	c.answered = true
	switch {
	case c.response.status != 200:
		t.fail("status " + strconv.Itoa(c.response.status))
	case c.response.length != c.group.bodyLength:
		t.fail("length " + strconv.Itoa(c.response.length))
	default:
		t.succeed(now - c.sentAt)
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
