//go:build linux

package load

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"runtime"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// maxErrors ends a run: a server that fails this often is broken, and dialing
// it again and again would only burn the machine.
const maxErrors = 1000

// wave is how many connections are opened before all of them must have had an
// answer. Some servers have an accept queue of 128, and what does not fit waits
// for seconds or is reset.
const wave = 100

var (
	errUnasked = errors.New("response without a request")
	errDiffers = errors.New("another answer")
	errClosed  = errors.New("closed early")
)

// Generator holds the connections of its groups open between runs. It belongs
// to one goroutine at a time.
type Generator struct {
	addr   unix.SockaddrInet4
	epoll  int
	epoch  time.Time
	conns  []*conn
	groups []*group
	heads  headReader
	events []unix.EpollEvent
	buf    []byte
	broken int // connections lost in this run
}

// Dial opens the connections of all groups and sends their first batches. The
// address must be IPv4. Whether the server answers is found out by Run, or
// here, if there are many connections: they are opened in waves, and those
// that have had their answer wait until all are open.
func Dial(addr netip.AddrPort, groups ...Group) (*Generator, error) {
	if !addr.Addr().Is4() {
		return nil, fmt.Errorf("load: address %s is not IPv4", addr)
	}
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("load: epoll: %w", err)
	}
	g := &Generator{
		addr:   unix.SockaddrInet4{Port: int(addr.Port()), Addr: addr.Addr().As4()},
		epoll:  epoll,
		epoch:  time.Now(),
		events: make([]unix.EpollEvent, 256),
		buf:    make([]byte, 64<<10),
	}
	for i, spec := range groups {
		if err := g.add(spec); err != nil {
			g.Close()
			return nil, fmt.Errorf("load: group %d: %w", i, err)
		}
	}
	if err := g.release(); err != nil {
		g.Close()
		return nil, err
	}
	return g, nil
}

// Run drives the load for the duration d and returns one tally for each group.
// Responses that are on the way when it ends count in the next run. It fails
// when ctx is done, or when the server fails too often.
func (g *Generator) Run(ctx context.Context, d time.Duration) ([]Tally, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()

	if err := waitExactly(); err != nil {
		return nil, err
	}
	g.broken = 0
	start := g.now()
	for _, group := range g.groups {
		group.tally = newTally()
		group.due = start
	}
	end := start + d
	for now := start; now < end; now = g.now() {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		wait, err := g.pace(now)
		if err != nil {
			return nil, err
		}
		if err := g.step(min(end-now, wait, 50*time.Millisecond)); err != nil { // bounded, so that ctx is heard
			return nil, err
		}
	}
	tallies := make([]Tally, len(g.groups))
	for i, group := range g.groups {
		tallies[i] = *group.tally
	}
	return tallies, nil
}

// Close resets all connections, so that none of them waits in TIME_WAIT.
func (g *Generator) Close() {
	for _, c := range g.conns {
		if c.fd >= 0 {
			// Without the linger option the close below is only slower.
			_ = unix.SetsockoptLinger(c.fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
			unix.Close(c.fd)
			c.fd = -1
		}
	}
	unix.Close(g.epoll)
}

func (g *Generator) now() time.Duration { return time.Since(g.epoch) }

// step serves the connections that are ready, after a wait for the first.
func (g *Generator) step(wait time.Duration) error {
	n, err := epollWait(g.epoll, g.events, wait)
	if err != nil {
		return fmt.Errorf("load: epoll: %w", err)
	}
	for _, event := range g.events[:n] {
		if err := g.turn(g.conns[event.Fd]); err != nil {
			return err
		}
	}
	return nil
}

func (g *Generator) add(spec Group) error {
	if err := spec.validate(); err != nil {
		return err
	}
	depth := max(spec.Depth, 1)
	grp := &group{
		batch:      bytes.Repeat(spec.Request, depth),
		depth:      depth,
		bodyLength: spec.BodyLength,
		upgrade:    spec.Upgrade,
		answer:     spec.Answer,
		reconnect:  spec.Reconnect,
		opening:    true,
		tally:      newTally(),
	}
	if spec.Rate > 0 {
		grp.interval = time.Duration(float64(time.Second) / spec.Rate)
	}
	g.groups = append(g.groups, grp)
	for range spec.Conns {
		c := &conn{fd: -1, index: len(g.conns), group: grp}
		g.conns = append(g.conns, c)
		if err := g.open(c); err != nil {
			return err
		}
		if len(g.conns)%wave == 0 {
			if err := g.settle(); err != nil {
				return err
			}
		}
	}
	return nil
}

// settle serves the connections until each has had an answer.
func (g *Generator) settle() error {
	deadline := g.now() + patience
	for _, c := range g.conns[len(g.conns)-wave:] {
		for !c.answered {
			if g.now() > deadline {
				return errors.New("connections are not answered")
			}
			if err := g.step(50 * time.Millisecond); err != nil {
				return err
			}
		}
	}
	return nil
}

// release lets the connections go that wait for the others to be open.
func (g *Generator) release() error {
	for _, group := range g.groups {
		group.opening = false
		if group.interval > 0 {
			continue // pace sends
		}
		waiting := group.free
		group.free = nil
		for _, c := range waiting {
			if err := c.next(g.now()); err != nil {
				if err := g.fail(c, err); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// open gives the connection a new socket and sends its first batch. Over the
// loopback the connection is mostly there when connect returns, so the batch
// leaves at once.
func (g *Generator) open(c *conn) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("socket: %w", err)
	}
	c.fd = fd
	if c.group.upgrade != nil {
		c.beginUpgrade(g.now())
	} else {
		c.begin(g.now())
	}
	if err := unix.Connect(fd, &g.addr); err != nil && err != unix.EINPROGRESS {
		return fmt.Errorf("connect: %w", err)
	}
	// A failed write is seen again, and counted, when epoll reports the socket.
	_ = c.flush()
	return g.watch(c)
}

// watch adds the connection to epoll. Where one request was all that there is
// to write, it asks for no more than it needs: to hear that the socket can be
// written would cost a turn for each connection.
func (g *Generator) watch(c *conn) error {
	event := unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLET, Fd: int32(c.index)}
	if !c.group.reconnect {
		if err := unix.SetsockoptInt(c.fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1); err != nil {
			return fmt.Errorf("nodelay: %w", err)
		}
	}
	if !c.group.reconnect || len(c.unsent) > 0 {
		event.Events |= unix.EPOLLOUT
	}
	if err := unix.EpollCtl(g.epoll, unix.EPOLL_CTL_ADD, c.fd, &event); err != nil {
		return fmt.Errorf("epoll: %w", err)
	}
	return nil
}

// turn serves one connection that epoll reported: it reads until the socket is
// empty, as edge-triggered epoll demands, and sends the next batch when all
// responses of the last one have come.
func (g *Generator) turn(c *conn) error {
	if err := c.flush(); err != nil {
		return g.fail(c, err)
	}
	for {
		n, errno := rawRead(c.fd, g.buf)
		switch {
		case errno == unix.EAGAIN:
			return nil
		case errno == unix.EINTR:
			continue
		case errno != 0:
			return g.fail(c, errno)
		case n == 0 && c.group.reconnect && c.waiting == 0:
			return g.reopen(c)
		case n == 0:
			return g.fail(c, errClosed)
		}
		now := g.now()
		if err := c.receive(g.buf[:n], now, &g.heads); err != nil {
			return g.fail(c, err)
		}
		if c.waiting == 0 && !c.upgrading {
			if c.group.reconnect {
				continue // to the end of the stream, which may be here already
			}
			if err := c.next(now); err != nil {
				return g.fail(c, err)
			}
		}
		if n < len(g.buf) {
			return nil
		}
	}
}

// fail counts a broken connection and opens it again.
func (g *Generator) fail(c *conn, cause error) error {
	c.group.tally.fail(cause.Error())
	g.broken++
	if g.broken > maxErrors {
		return fmt.Errorf("load: %d connections broke, the last one: %w", g.broken, cause)
	}
	return g.reopen(c)
}

func (g *Generator) reopen(c *conn) error {
	unix.Close(c.fd)
	c.group.free = slices.DeleteFunc(c.group.free, func(other *conn) bool { return other == c })
	if err := g.open(c); err != nil {
		return fmt.Errorf("load: %w", err)
	}
	return nil
}
