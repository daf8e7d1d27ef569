package soak

import (
	"fmt"
	"io"
	"strings"
)

var uploadKinds = []kind{
	{"a large body that is gathered", 1, uploadAndWait},
	{"a large body that is answered while it comes", 1, uploadAndRead},
	{"a body in chunks, with a trailer", 2, uploadChunks},
	{"a body that waits for 100", 1, uploadWhenAsked},
	{"a body that no handler reads", 1, uploadInVain},
	{"a large body that no handler reads", 1, uploadHalfInVain},
}

// uploadAndWait may find the answer coming before the whole body has left its own end.
func uploadAndWait(c *client) error {
	l, err := c.keep()
	if err != nil {
		return err
	}
	r := c.ribbon(3 << 20)
	ask, mark := c.ask("POST", "/gather", fmt.Sprintf("Content-Length: %d\r\n\r\n", r.size))
	return c.both(l, func() error { return l.upload(ask, r) }, gathered(r, mark))
}

// uploadAndRead asks for the end of the connection, which the server might want, too: when the head leaves, it cannot know yet whether the
// handler will read the whole body.
func uploadAndRead(c *client) error {
	return c.once(c.addr, func(l *line) error {
		r := c.ribbon(6 << 20)
		ask, mark := c.ask("POST", "/pour", fmt.Sprintf("Connection: close\r\nContent-Length: %d\r\n\r\n", r.size))
		w := poured(r, mark)
		w.last = true
		return c.both(l, func() error { return l.upload(ask, r) }, w)
	})
}

func (l *line) upload(ask string, r ribbon) error {
	if err := l.send(ask); err != nil {
		return err
	}
	_, err := io.Copy(writerOnly{l}, r.reader())
	return err
}

func gathered(r ribbon, mark string) want { return of(r, mark, "Content-Type: text/gathered") }

func poured(r ribbon, mark string) want {
	w := of(r, mark, "Content-Type: text/poured")
	w.chunked = true
	return w
}

// both sends and reads, each on its goroutine.
func (c *client) both(l *line, send func() error, w want) error {
	sent := make(chan error, 1)
	go func() { sent <- send() }()
	err := l.expect(w)
	if err != nil {
		l.Close() // or it would go on sending
	}
	if failed := <-sent; err == nil {
		err = failed
	}
	return err
}

// writerOnly hides that a TCPConn can read from files and pipes by itself.
type writerOnly struct{ io.Writer }

// uploadChunks sends chunks of any size, and what is sent does not end where a chunk does.
func uploadChunks(c *client) error {
	l, err := c.keep()
	if err != nil {
		return err
	}
	target, answer := "/gather", gathered
	if c.chance(50) {
		target, answer = "/pour", poured
	}
	r := c.ribbon(200 << 10)
	ask, mark := c.ask("POST", target, "Transfer-Encoding: chunked\r\nTrailer: X-End\r\n\r\n")
	message := ask + c.chunked(r) + "X-End: here\r\n\r\n"
	return c.both(l, func() error {
		for message != "" {
			n := min(1+c.IntN(100<<10), len(message))
			if err := l.send(message[:n]); err != nil {
				return err
			}
			message = message[n:]
		}
		return nil
	}, answer(r, mark))
}

// chunked returns r in chunks, up to the trailer.
func (c *client) chunked(r ribbon) string {
	var b strings.Builder
	body := r.text()
	for most := 1 + c.IntN(64<<10); body != ""; {
		n := min(1+c.IntN(most), len(body))
		fmt.Fprintf(&b, "%x\r\n%s\r\n", n, body[:n])
		body = body[n:]
		most = max(most, len(body)/1000) // not more than some thousand chunks
	}
	b.WriteString("0\r\n")
	return b.String()
}

// uploadWhenAsked sends its body when the server has asked for it.
func uploadWhenAsked(c *client) error {
	l, err := c.keep()
	if err != nil {
		return err
	}
	r := c.ribbon(200 << 10)
	r.size++ // for nothing nobody waits
	ask, mark := c.ask("POST", "/gather", fmt.Sprintf("Expect: 100-continue\r\nContent-Length: %d\r\n\r\n", r.size))
	if err := l.send(ask); err != nil {
		return err
	}
	if lines, err := readLines(l.r); err != nil || len(lines) != 1 || lines[0] != "HTTP/1.1 100 Continue" {
		return fmt.Errorf("got %q, %w, want 100", lines, orNothing(err))
	}
	return c.both(l, func() error { return l.send(r.text()) }, gathered(r, mark))
}

// uploadInVain sends a body that looks like requests. None of them may be answered; the one behind it must be.
func uploadInVain(c *client) error {
	l, err := c.keep()
	if err != nil {
		return err
	}
	body := strings.Repeat("GET /nowhere HTTP/1.1\r\nHost: soak\r\n\r\n", c.IntN(2500))
	ask, mark := c.ask("POST", "/ignore", fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(body), body))
	next, nextWant := c.small("")
	if err := c.both(l, func() error { return l.send(ask + next) }, text(200, "ignored", mark, plain)); err != nil {
		return err
	}
	return l.expect(nextWant)
}

// uploadHalfInVain announces more than the server would read in vain, and finds the connection closed behind its answer. It does not send
// all of it, because bytes that meet a closed connection would have the answer thrown away.
func uploadHalfInVain(c *client) error {
	return c.once(c.addr, func(l *line) error {
		r := ribbon{c.Int64N(ringSize), c.Int64N(100 << 10)}
		ask, mark := c.ask("POST", "/ignore", fmt.Sprintf("Content-Length: %d\r\n\r\n%s", 8<<20, r.text()))
		if err := l.send(ask); err != nil {
			return err
		}
		w := text(200, "ignored", mark, plain)
		w.last = true
		return l.expect(w)
	})
}
