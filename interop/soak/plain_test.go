package soak

import (
	"fmt"
	"net/http"
	"strings"
)

var plainKinds = []kind{
	{"requests on a connection that lasts", 3, func(c *client) error { return c.onKept(1, (*line).send) }},
	{"requests in a row, answers in their order", 2, func(c *client) error { return c.onKept(1+c.IntN(20), (*line).send) }},
	{"requests in pieces, down to a byte", 2, func(c *client) error {
		return c.onKept(1+c.IntN(3), func(l *line, text string) error { return c.scatter(l, text) })
	}},
	{"a new connection for each request", 3, askOnce},
}

// ask returns the text of a request, and what its answer has of it.
func (c *client) ask(method, target, rest string) (text, mark string) {
	mark = fmt.Sprintf("X-Mark: %d", c.Uint64())
	return method + " " + target + " HTTP/1.1\r\nHost: soak\r\n" + mark + "\r\n" + rest, mark
}

const plain = "Content-Type: text/plain; charset=utf-8"

// small draws a request that is quickly answered.
func (c *client) small(rest string) (string, want) {
	r := ribbon{c.Int64N(ringSize), c.Int64N(1 + c.Int64N(8<<10))}
	target := fmt.Sprintf("/text/%d/%d", r.start, r.size)
	switch c.IntN(8) {
	case 0:
		text, mark := c.ask("HEAD", target, rest+"\r\n")
		w := of(r, mark, plain)
		w.bare = true
		return text, w
	case 1:
		text, mark := c.ask("GET", "/nowhere", "Accept: text/plain\r\n"+rest+"\r\n")
		return text, plainError(http.StatusNotFound, mark)
	case 2:
		text, mark := c.ask("PUT", "/gather", "Accept: text/plain\r\nContent-Length: 0\r\n"+rest+"\r\n")
		return text, plainError(http.StatusMethodNotAllowed, mark, "Allow: OPTIONS, POST")
	case 3, 4:
		text, mark := c.ask("POST", "/gather", fmt.Sprintf("Content-Length: %d\r\n%s\r\n%s", r.size, rest, r.text()))
		return text, of(r, mark, "Content-Type: text/gathered")
	}
	text, mark := c.ask("GET", target, rest+"\r\n")
	return text, of(r, mark, plain)
}

// plainError returns the answer to a client that does not take JSON.
func plainError(status int, fields ...string) want {
	return text(status, http.StatusText(status)+"\n", append(fields, plain)...)
}

// onKept sends n requests in one go on the connection that lasts, and reads their answers. Now and then that was its last use.
func (c *client) onKept(n int, send func(l *line, text string) error) error {
	l, err := c.keep()
	if err != nil {
		return err
	}
	var all strings.Builder
	var wants []want
	for range n {
		text, w := c.small("")
		all.WriteString(text)
		wants = append(wants, w)
	}
	if err := send(l, all.String()); err != nil {
		return err
	}
	for i, w := range wants {
		if err := l.expect(w); err != nil {
			return fmt.Errorf("answer %d of %d: %w", i+1, n, err)
		}
	}
	if l.r.Buffered() > 0 {
		return fmt.Errorf("more than %d answers", n)
	}
	if c.chance(2) {
		c.drop()
	}
	return nil
}

// askOnce leaves it to the server to close, or does so itself.
func askOnce(c *client) error {
	return c.once(c.addr, func(l *line) error {
		rest, last := "", c.chance(60)
		if last {
			rest = "Connection: close\r\n"
		}
		text, w := c.small(rest)
		w.last = last
		if err := l.send(text); err != nil {
			return err
		}
		return l.expect(w)
	})
}
