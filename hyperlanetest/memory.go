package hyperlanetest

import (
	"context"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// memory is a listener without a port. Its connections are as a TCP connection is: buffered both ways, with deadlines, with a half-close,
// and with a reset for a peer that has closed with something unread.
type memory struct {
	waiting chan net.Conn // dialled, and not yet accepted
	done    chan struct{}

	mu     sync.Mutex // guards what follows
	closed bool
	dialed int
}

// backlog is how many connections may wait to be accepted.
const backlog = 4096

func newMemory() *memory {
	return &memory{waiting: make(chan net.Conn, backlog), done: make(chan struct{})}
}

// Accept returns the server's end of the next connection.
func (m *memory) Accept() (net.Conn, error) {
	select {
	case nc := <-m.waiting:
		return nc, nil
	case <-m.done:
		return nil, net.ErrClosed
	}
}

// Close ends the listener, and the connections that nobody has accepted.
func (m *memory) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.closed {
		m.closed = true
		close(m.done)
	}
	for {
		select {
		case nc := <-m.waiting:
			nc.Close()
		default:
			return nil
		}
	}
}

// Addr is an address on this machine, because code that looks at addresses wants to see one with an IP.
func (m *memory) Addr() net.Addr { return address(80) }

func address(port int) net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port} }

// dial returns the client's end of a new connection. Like a kernel, it does not wait for the accept.
func (m *memory) dial(context.Context) (net.Conn, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.dialed++
	local := address(10000 + m.dialed%50000)
	to, from := newPipe(), newPipe()
	if !m.closed {
		select {
		case m.waiting <- &conn{in: to, out: from, local: m.Addr(), remote: local}:
			return &conn{in: from, out: to, local: local, remote: m.Addr()}, nil
		default:
		}
	}
	return nil, &net.OpError{Op: "dial", Net: "memory", Addr: m.Addr(), Err: syscall.ECONNREFUSED}
}

// conn is one end of a connection: what it reads comes by in, what it writes leaves by out.
type conn struct {
	in, out       *pipe
	local, remote net.Addr
	abortive      atomic.Bool
}

// Read waits for bytes, for the peer's end, or for the deadline.
func (c *conn) Read(p []byte) (int, error) {
	n, err := c.in.read(p)
	return n, c.failed("read", err)
}

// Write waits while the peer has too much unread.
func (c *conn) Write(p []byte) (int, error) {
	n, err := c.out.write(p)
	return n, c.failed("write", err)
}

func (c *conn) failed(op string, err error) error {
	if err == nil || err == io.EOF {
		return err
	}
	return &net.OpError{Op: op, Net: "memory", Source: c.local, Addr: c.remote, Err: err}
}

// Close ends both directions. The peer reads what was sent, and then the end, or, if something was unread here, a reset.
func (c *conn) Close() error {
	unread := c.in.closeReader()
	c.out.closeWriter(unread || c.abortive.Load())
	return nil
}

// CloseWrite ends the sending side.
func (c *conn) CloseWrite() error {
	c.out.closeWriter(false)
	return nil
}

// SetLinger makes Close a reset if seconds is 0, as that of *net.TCPConn does.
func (c *conn) SetLinger(seconds int) error {
	c.abortive.Store(seconds == 0)
	return nil
}

// LocalAddr returns this end's address.
func (c *conn) LocalAddr() net.Addr { return c.local }

// RemoteAddr returns the other end's address.
func (c *conn) RemoteAddr() net.Addr { return c.remote }

// SetDeadline is SetReadDeadline and SetWriteDeadline.
func (c *conn) SetDeadline(t time.Time) error {
	c.SetReadDeadline(t)
	return c.SetWriteDeadline(t)
}

// SetReadDeadline holds for a Read under way, too.
func (c *conn) SetReadDeadline(t time.Time) error {
	c.in.mu.Lock()
	defer c.in.mu.Unlock()
	c.in.reading.set(t, c.in)
	return nil
}

// SetWriteDeadline holds for a Write under way, too.
func (c *conn) SetWriteDeadline(t time.Time) error {
	c.out.mu.Lock()
	defer c.out.mu.Unlock()
	c.out.writing.set(t, c.out)
	return nil
}

// pipe is one direction of a connection. mu guards everything in it.
type pipe struct {
	mu      sync.Mutex
	changed sync.Cond

	bytes   []byte // what is unread is bytes[start:]
	start   int
	ended   bool // by the writer
	broken  bool // by the writer, with a reset
	closed  bool // by the reader
	reading deadline
	writing deadline
}

// window is how much may be unread before a writer waits.
const window = 64 << 10

func newPipe() *pipe {
	p := &pipe{}
	p.changed.L = &p.mu
	return p
}

func (p *pipe) read(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		switch {
		case p.closed:
			return 0, net.ErrClosed
		case p.reading.passed():
			return 0, os.ErrDeadlineExceeded
		case p.start < len(p.bytes):
			n := copy(b, p.bytes[p.start:])
			if p.start += n; p.start == len(p.bytes) {
				p.bytes, p.start = p.bytes[:0], 0
			}
			p.changed.Broadcast()
			return n, nil
		case p.broken:
			return 0, syscall.ECONNRESET
		case p.ended:
			return 0, io.EOF
		case len(b) == 0:
			return 0, nil
		}
		p.changed.Wait()
	}
}

func (p *pipe) write(b []byte) (written int, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		switch {
		case p.ended:
			return written, net.ErrClosed
		case p.closed:
			return written, syscall.EPIPE
		case p.writing.passed():
			return written, os.ErrDeadlineExceeded
		case written == len(b):
			return written, nil
		}
		if room := window - (len(p.bytes) - p.start); room > 0 {
			if p.start > 0 && len(p.bytes)+room > cap(p.bytes) {
				p.bytes = p.bytes[:copy(p.bytes, p.bytes[p.start:])]
				p.start = 0
			}
			n := min(room, len(b)-written)
			p.bytes = append(p.bytes, b[written:written+n]...)
			written += n
			p.changed.Broadcast()
			continue
		}
		p.changed.Wait()
	}
}

func (p *pipe) closeWriter(reset bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.broken = p.broken || reset
	p.ended = true
	p.writing.stop()
	p.changed.Broadcast()
}

func (p *pipe) closeReader() (unread bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	unread = p.start < len(p.bytes)
	p.closed = true
	p.bytes, p.start = nil, 0
	p.reading.stop()
	p.changed.Broadcast()
	return unread
}

// deadline is a moment at which those who wait for a pipe look up. The pipe's mutex guards it.
type deadline struct {
	at    time.Time
	timer *time.Timer
}

func (d *deadline) passed() bool { return !d.at.IsZero() && !time.Now().Before(d.at) }

func (d *deadline) set(at time.Time, p *pipe) {
	d.stop()
	d.at = at
	if at.IsZero() {
		return
	}
	wait := time.Until(at)
	if wait <= 0 {
		p.changed.Broadcast()
		return
	}
	d.timer = time.AfterFunc(wait, func() {
		p.mu.Lock()
		p.changed.Broadcast()
		p.mu.Unlock()
	})
}

func (d *deadline) stop() {
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
}
