//go:build linux

package load

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// FanOut is a topic with members, and one who publishes to it.
type FanOut struct {
	// Members is the number of members; at least 1.
	Members int
	// Join is the request that makes a connection a member.
	Join []byte
	// Status answers Join: 101 for a WebSocket, 200 for an event stream.
	Status int
	// Publish is the request that publishes Payload; it is answered with 204 and no body.
	Publish []byte
	// Payload is what each member gets, in one piece, in whatever the protocol wraps it. Its first byte should be rare in the wrapping.
	Payload []byte
}

var errMissed = errors.New("members missed a message")

// Audience is the members of a [FanOut] and their publisher. It belongs to one goroutine at a time.
type Audience struct {
	fanOut    FanOut
	epoll     int
	epoch     time.Time
	members   []member
	publisher socket
	rounds    uint64 // messages that were published
	events    []unix.EpollEvent
	buf       []byte
}

// member is one connection that listens.
type member struct {
	fd       socket
	received uint64 // payloads
	partial  []byte // what may be the start of a payload
}

// Join opens the connections of all members, one after the other, and that of the publisher. The address must be IPv4.
func Join(ctx context.Context, addr netip.AddrPort, f FanOut) (*Audience, error) {
	if f.Members < 1 || len(f.Payload) == 0 {
		return nil, fmt.Errorf("load: %d members for a payload of %d bytes", f.Members, len(f.Payload))
	}
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("load: epoll: %w", err)
	}
	a := &Audience{
		fanOut: f, epoll: epoll, epoch: time.Now(), publisher: -1,
		members: make([]member, 0, f.Members),
		events:  make([]unix.EpollEvent, 256),
		buf:     make([]byte, 64<<10),
	}
	for i := range f.Members {
		if err := a.join(ctx, addr); err != nil {
			a.Close()
			return nil, fmt.Errorf("load: member %d: %w", i, err)
		}
	}
	if a.publisher, err = connect(addr); err != nil {
		a.Close()
		return nil, fmt.Errorf("load: publisher: %w", err)
	}
	if err := a.settle(ctx); err != nil {
		a.Close()
		return nil, fmt.Errorf("load: fan-out: %w", err)
	}
	return a, nil
}

// settle publishes until a message reaches all: many servers answer Join a little before the connection is a member.
func (a *Audience) settle(ctx context.Context) error {
	for deadline := a.now() + patience; ; {
		err := a.round(ctx, newTally(), time.Second)
		if !errors.Is(err, errMissed) || a.now() > deadline {
			return err
		}
		if _, err := open(a.publisher, nil, 204); err != nil {
			return err
		}
		if err := a.drain(ctx); err != nil {
			return err
		}
		for i := range a.members {
			a.members[i].received = 0
		}
		a.rounds = 0
	}
}

// drain reads what is still under way of a message that did not reach all in time, until nothing comes for half a second.
func (a *Audience) drain(ctx context.Context) error {
	for {
		n, err := unix.EpollWait(a.epoll, a.events, 500)
		if err != nil && err != unix.EINTR {
			return os.NewSyscallError("epoll_wait", err)
		}
		if n == 0 {
			return ctx.Err()
		}
		for i := range max(n, 0) {
			if _, err := a.read(&a.members[a.events[i].Fd]); err != nil {
				return err
			}
		}
	}
}

func (a *Audience) join(ctx context.Context, addr netip.AddrPort) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s, err := connect(addr)
	if err != nil {
		return err
	}
	a.members = append(a.members, member{fd: s})
	if _, err := open(s, a.fanOut.Join, a.fanOut.Status); err != nil {
		return err
	}
	if err := unix.SetNonblock(int(s), true); err != nil {
		return os.NewSyscallError("fcntl", err)
	}
	event := unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(len(a.members) - 1)}
	return os.NewSyscallError("epoll_ctl", unix.EpollCtl(a.epoll, unix.EPOLL_CTL_ADD, int(s), &event))
}

// Close resets all connections.
func (a *Audience) Close() {
	for _, m := range a.members {
		m.fd.reset()
	}
	if a.publisher >= 0 {
		a.publisher.reset()
	}
	unix.Close(a.epoll)
}

// Run publishes for the duration d, again and again, each time when all members have the last message. A request in the tally is one
// delivery, and its latency is the time from the write of Publish to the read of the payload by that member. A member that gets a message
// twice, or not within five seconds, or whose connection ends, ends the run with an error.
func (a *Audience) Run(ctx context.Context, d time.Duration) (Tally, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()

	tally := newTally()
	for end := a.now() + d; a.now() < end; {
		if err := a.round(ctx, tally, patience); err != nil {
			return Tally{}, fmt.Errorf("load: fan-out: %w", err)
		}
	}
	return *tally, nil
}

func (a *Audience) now() time.Duration { return time.Since(a.epoch) }

// round publishes once and waits for all, but no longer than the patience.
func (a *Audience) round(ctx context.Context, tally *Tally, patience time.Duration) error {
	a.rounds++
	published := a.now()
	if _, err := a.publisher.Write(a.fanOut.Publish); err != nil {
		return err
	}
	for missing := len(a.members); missing > 0; {
		if err := ctx.Err(); err != nil {
			return err
		}
		if a.now() > published+patience {
			return fmt.Errorf("%d %w", missing, errMissed)
		}
		n, err := unix.EpollWait(a.epoll, a.events, 0) // without sleep: see Generator.pace
		if err != nil && err != unix.EINTR {
			return os.NewSyscallError("epoll_wait", err)
		}
		for i := range max(n, 0) {
			got, err := a.read(&a.members[a.events[i].Fd])
			if err != nil {
				return err
			}
			if got {
				missing--
				tally.succeed(a.now() - published)
			}
		}
	}
	for i, m := range a.members {
		if m.received != a.rounds {
			return fmt.Errorf("member %d got %d of %d messages", i, m.received, a.rounds)
		}
	}
	_, err := open(a.publisher, nil, 204)
	return err
}

// read takes what one member was sent, and reports whether it was a payload.
func (a *Audience) read(m *member) (bool, error) {
	n, errno := rawRead(int(m.fd), a.buf)
	switch {
	case errno == unix.EAGAIN || errno == unix.EINTR:
		return false, nil
	case errno != 0:
		return false, errno
	case n == 0:
		return false, errClosed
	}
	before := m.received
	m.receive(a.buf[:n], a.fanOut.Payload)
	if m.received > before+1 {
		return false, errUnasked
	}
	return m.received > before, nil
}

// receive counts the payloads that are complete with b.
func (m *member) receive(b, payload []byte) {
	if len(m.partial) > 0 {
		m.partial = append(m.partial, b...)
		b = m.partial
	}
	for {
		i := bytes.Index(b, payload)
		if i < 0 {
			break
		}
		m.received++
		b = b[i+len(payload):]
	}
	b = b[max(0, len(b)-len(payload)+1):]
	start := bytes.IndexByte(b, payload[0])
	if start < 0 {
		start = len(b)
	}
	m.partial = append(m.partial[:0], b[start:]...)
}
