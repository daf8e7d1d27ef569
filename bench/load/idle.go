//go:build linux

package load

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"time"
)

// Idle is a number of keep-alive connections that have each had one answer and
// then say nothing.
type Idle struct {
	conns []net.Conn
}

// OpenIdle opens n connections one after the other, and has the request
// answered once on each. A wrong answer, or ctx done, closes all of them.
func OpenIdle(ctx context.Context, addr netip.AddrPort, request []byte, bodyLength, n int) (*Idle, error) {
	idle := &Idle{}
	for i := range n {
		if err := idle.open(ctx, addr, request, bodyLength); err != nil {
			idle.Close()
			return nil, fmt.Errorf("load: idle connection %d: %w", i, err)
		}
	}
	return idle, nil
}

// Close resets all connections, so that none of them waits in TIME_WAIT.
func (i *Idle) Close() {
	for _, c := range i.conns {
		// Without the linger option the close below is only slower.
		_ = c.(*net.TCPConn).SetLinger(0)
		c.Close()
	}
	i.conns = nil
}

func (i *Idle) open(ctx context.Context, addr netip.AddrPort, request []byte, bodyLength int) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	c, err := net.DialTimeout("tcp4", addr.String(), 5*time.Second)
	if err != nil {
		return err
	}
	i.conns = append(i.conns, c)
	if err := c.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
		return err
	}
	if _, err := c.Write(request); err != nil {
		return err
	}
	return readAnswer(c, bodyLength)
}

// readAnswer reads one whole response and fails unless it is the right one.
func readAnswer(r io.Reader, bodyLength int) error {
	var got []byte
	buf := make([]byte, 4<<10)
	for {
		n, err := r.Read(buf)
		got = append(got, buf[:n]...)
		h, size, parseErr := parseHead(got)
		switch {
		case parseErr != nil:
			return parseErr
		case size > 0 && (h.status != 200 || h.length != bodyLength):
			return fmt.Errorf("status %d with %d bytes, want 200 with %d", h.status, h.length, bodyLength)
		case size > 0 && len(got) == size+h.length:
			return nil
		case err != nil:
			return err
		}
	}
}
