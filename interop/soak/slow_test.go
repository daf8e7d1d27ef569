package soak

import (
	"errors"
	"fmt"
	"io"
)

var slowKinds = []kind{
	{"a handler that sleeps", 3, func(c *client) error { return c.askSlow("sleep", "slept") }},
	{"a handler that waits for a mutex", 3, func(c *client) error { return c.askSlow("mutex", "had") }},
	{"a handler that computes", 1, func(c *client) error { return c.askSlow("spin", "span") }},
}

// askSlow asks one handler, and sometimes asks for something quick behind it at once.
func (c *client) askSlow(path, verb string) error {
	l, err := c.keep()
	if err != nil {
		return err
	}
	n := c.IntN(6)
	ask, mark := c.ask("GET", fmt.Sprintf("/%s/%d", path, n), "\r\n")
	wants := []want{text(200, fmt.Sprint(verb, " ", n), mark, plain)}
	if c.chance(30) {
		next, w := c.small("")
		ask += next
		wants = append(wants, w)
	}
	if err := l.send(ask); err != nil {
		return err
	}
	for _, w := range wants {
		if err := l.expect(w); err != nil {
			return err
		}
	}
	if c.chance(5) {
		c.drop()
	}
	return nil
}

var failingKinds = []kind{
	{"a handler that panics", 1, func(c *client) error {
		return c.askKept("/panic", 500, `{"status":500,"title":"Internal Server Error"}`)
	}},
	{"a handler that returns an error", 1, askForErrors},
	{"a handler that panics behind half of its answer", 1, askForHalf},
	{"a handler that ends its goroutine", 1, askForNothing},
}

const problem = "Content-Type: application/problem+json"

// askKept wants a problem document, and the connection to go on.
func (c *client) askKept(target string, status int, body string) error {
	l, err := c.keep()
	if err != nil {
		return err
	}
	ask, mark := c.ask("GET", target, "\r\n")
	if err := l.send(ask); err != nil {
		return err
	}
	return l.expect(text(status, body, mark, problem))
}

func askForErrors(c *client) error {
	n := c.Uint32()
	err := c.askKept(fmt.Sprint("/refuse/", n), 409, fmt.Sprintf(`{"detail":"number %d is taken","status":409,"title":"Conflict"}`, n))
	if err != nil {
		return err
	}
	return c.askKept("/error", 500, `{"status":500,"title":"Internal Server Error"}`)
}

// askForHalf must be able to tell that the answer is not whole: the connection ends without the last chunk.
func askForHalf(c *client) error {
	return c.once(c.addr, func(l *line) error {
		ask, mark := c.ask("GET", "/panic/late", "\r\n")
		if err := l.send(ask); err != nil {
			return err
		}
		if err := l.expectHead(want{status: 200, fields: []string{mark}, chunked: true}); err != nil {
			return err
		}
		body := &chunks{r: l.r}
		want := half.reader()
		if err := follow(want, body, half.size); err != nil && !brokenOff(err) {
			return err
		}
		if n, err := io.Copy(io.Discard, body); n > 0 || err == nil {
			return fmt.Errorf("behind half of an answer: %d bytes, %v", n, err)
		}
		return nil
	})
}

func askForNothing(c *client) error {
	return c.once(c.addr, func(l *line) error {
		ask, _ := c.ask("GET", "/exit", "\r\n")
		if err := l.send(ask); err != nil {
			return err
		}
		if err := over(l.r); err != nil && !brokenOff(err) {
			return fmt.Errorf("from a handler that has exited: %w", err)
		}
		return nil
	})
}

// brokenOff reports whether a connection has ended as one does that is closed with something unread on the way, and not for want of time.
func brokenOff(err error) bool {
	return errors.Is(err, io.ErrUnexpectedEOF) || isReset(err)
}
