package soak

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/hyperlane-go/hyperlane"
)

var leavingKinds = []kind{
	{"a half-close behind the request", 2, halfClose},
	{"a reset at any moment", 3, resetAnywhere},
	{"leaving while the handler waits", 2, leaveHandler},
}

// watch lets a client see what becomes of its request inside the server.
type watch struct {
	started chan struct{} // gets one value, from the handler
	ended   chan error    // gets one value: why the handler has ended
}

// fillWatched adds handlers that go on until the client is no more.
func (s *stage) fillWatched(v *server) {
	find := func(c *hyperlane.Context) (*watch, error) {
		w, ok := s.watches.Load(c.Query("id"))
		if !ok {
			return nil, hyperlane.Errorf(404, "")
		}
		return w.(*watch), nil
	}
	v.Get("/wait", func(c *hyperlane.Context) error {
		w, err := find(c)
		if err != nil {
			return err
		}
		ctx := c.Context()
		done := ctx.Done()
		w.started <- struct{}{}
		<-done
		w.ended <- context.Cause(ctx)
		return nil
	})
	v.Get("/endless", func(c *hyperlane.Context) error {
		w, err := find(c)
		if err != nil {
			return err
		}
		return c.Stream(func(out *hyperlane.Stream) error {
			for {
				if _, err := out.Write(ring); err != nil {
					w.ended <- err
					return err
				}
			}
		})
	})
}

// watch makes a watch, and the target of path that tells it.
func (s *stage) watch(path string) (target string, w *watch, forget func()) {
	id := strconv.FormatInt(s.serial.Add(1), 10)
	w = &watch{make(chan struct{}, 1), make(chan error, 1)}
	s.watches.Store(id, w)
	return path + "?id=" + id, w, func() { s.watches.Delete(id) }
}

// halfClose says that it will send no more, and still gets its answer (RFC 9112 section 9.6).
func halfClose(c *client) error {
	return c.once(c.addr, func(l *line) error {
		ask, w := c.small("")
		if c.chance(50) {
			n := c.IntN(4)
			var mark string
			ask, mark = c.ask("GET", fmt.Sprint("/sleep/", n), "\r\n")
			w = text(200, fmt.Sprint("slept ", n), mark, plain)
		}
		if err := l.send(ask); err != nil {
			return err
		}
		if err := l.CloseWrite(); err != nil {
			return err
		}
		w.maybe = true // the server may find the end together with the request, or later
		if err := l.expect(w); err != nil {
			return err
		}
		return over(l.r)
	})
}

// resetAnywhere ends its connection in some phase of an exchange.
func resetAnywhere(c *client) error {
	return c.once(c.addr, func(l *line) error {
		ask, _ := c.ask("POST", "/pour", "Content-Length: 300000\r\n\r\n")
		ask += ribbon{1, 300_000}.text()
		head := strings.Index(ask, "\r\n\r\n")
		switch c.IntN(7) {
		case 0: // before a byte
		case 1:
			c.scatter(l, ask[:1+c.IntN(head)])
		case 2:
			l.send(ask[:head+4+c.IntN(1000)])
		case 3:
			l.send(ask[:head+4+c.IntN(200_000)])
		case 4: // while the handler sleeps
			slow, _ := c.ask("GET", "/sleep/3", "\r\n")
			l.send(slow)
		case 5: // while it answers
			ask, w := c.streamed(ribbon{1, 1 << 20})
			if err := l.send(ask); err != nil {
				return err
			}
			if err := l.expectHead(w); err != nil {
				return err
			}
		case 6: // when it has answered, and the connection waits for more
			ask, w := c.small("")
			if err := l.send(ask); err != nil {
				return err
			}
			if err := l.expect(w); err != nil {
				return err
			}
		}
		c.upTo(4 * time.Millisecond)
		l.reset()
		return nil
	})
}

// leaveHandler must end the context of its request, and with the right cause.
func leaveHandler(c *client) error {
	return c.once(c.addr, func(l *line) error {
		target, w, forget := c.watch("/wait")
		defer forget()
		ask, _ := c.ask("GET", target, "\r\n")
		if err := l.send(ask); err != nil {
			return err
		}
		if _, err := within("the handler", w.started); err != nil {
			return err
		}
		c.upTo(3 * time.Millisecond)
		if c.chance(50) {
			l.reset()
		} else {
			l.Close()
		}
		cause, err := within("the end of the context", w.ended)
		if err == nil && !errors.Is(cause, hyperlane.ErrDisconnected) {
			err = fmt.Errorf("the context of a client that has gone ended with %v", cause)
		}
		return err
	})
}

// isReset reports whether the other end has reset the connection.
func isReset(err error) bool {
	return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}
