//go:build linux

package load

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/netip"
)

// Idle is a number of connections that have each been greeted and then say nothing.
type Idle struct {
	sockets []socket
}

// Greeting is what a connection says before it falls silent. An error tells that the server did not answer as it should.
type Greeting func(io.ReadWriter) error

// OpenIdle opens n connections one after the other, and greets the server on each. An error of a greeting, or ctx done, closes all of them.
func OpenIdle(ctx context.Context, addr netip.AddrPort, n int, greet Greeting) (*Idle, error) {
	idle := &Idle{}
	for i := range n {
		if err := idle.open(ctx, addr, greet); err != nil {
			idle.Close()
			return nil, fmt.Errorf("load: idle connection %d: %w", i, err)
		}
	}
	return idle, nil
}

// Close resets all connections, so that none of them waits in TIME_WAIT.
func (i *Idle) Close() {
	for _, s := range i.sockets {
		s.reset()
	}
	i.sockets = nil
}

func (i *Idle) open(ctx context.Context, addr netip.AddrPort, greet Greeting) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s, err := connect(addr)
	if err != nil {
		return err
	}
	i.sockets = append(i.sockets, s)
	return greet(s)
}

// Ask greets with one request, whose right answer has bodyLength bytes.
func Ask(request []byte, bodyLength int) Greeting {
	return func(rw io.ReadWriter) error {
		if _, err := rw.Write(request); err != nil {
			return err
		}
		return readAnswer(rw, bodyLength)
	}
}

// Echo greets with an upgrade to a WebSocket and one message, which comes back.
func Echo(upgrade, message, answer []byte) Greeting {
	return func(rw io.ReadWriter) error {
		rest, err := open(rw, upgrade, 101)
		if err != nil {
			return err
		}
		if _, err := rw.Write(message); err != nil {
			return err
		}
		got := make([]byte, len(answer))
		if _, err := io.ReadFull(io.MultiReader(bytes.NewReader(rest), rw), got); err != nil {
			return err
		}
		if !bytes.Equal(got, answer) {
			return errDiffers
		}
		return nil
	}
}

// Follow greets with a request whose answer has a head, and a body that has no end.
func Follow(request []byte) Greeting {
	return func(rw io.ReadWriter) error {
		_, err := open(rw, request, 200)
		return err
	}
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
