package soak

import (
	"bytes"
	"fmt"
	"io"
	"strings"
)

var hostileKinds = []kind{
	{"garbage", 2, sendGarbage},
	{"malformed framing", 3, sendMalformed},
	{"a body over the limit", 1, sendTooMuch},
}

// refusal is what the framework answers to what is no request.
func refusal(status int) want {
	w := plainError(status)
	w.last = true
	return w
}

// sendGarbage must get one refusal at most, and then the end.
func sendGarbage(c *client) error {
	return c.once(c.addr, func(l *line) error {
		p := make([]byte, 1+c.IntN(2000))
		for i := range p {
			p[i] = byte(c.Uint32())
		}
		copy(p, [...]string{"", "\x16\x03\x01\x02\x00", "GET / HTTP/1.1\r\nHost: ", "GET /text/0/", "PRI * HTTP/2.0\r\n\r\nSM"}[c.IntN(5)])
		if err := l.send(string(p)); err != nil {
			return err
		}
		if err := l.CloseWrite(); err != nil {
			return err
		}
		got, err := io.ReadAll(l.r)
		if err != nil && !isReset(err) {
			return fmt.Errorf("%q: got %q, %w", shown(p), shown(got), err)
		}
		return oneRefusal(string(p), got)
	})
}

// oneRefusal checks that got is nothing, or a head and body that refuse something.
func oneRefusal(sent string, got []byte) error {
	refused := bytes.HasPrefix(got, []byte("HTTP/1.1 4")) || bytes.HasPrefix(got, []byte("HTTP/1.1 505 "))
	if len(got) > 0 && (!refused || bytes.Count(got, []byte("HTTP/1.1 ")) > 1) {
		return fmt.Errorf("%q: got %q, want at most one refusal", shown([]byte(sent)), shown(got))
	}
	return nil
}

// malformed are requests that could mean two things, and the status of their refusal. What is behind them must not be served.
var malformed = []struct {
	text   string
	status int
	lax    bool // net/http takes it, or refuses it otherwise
}{
	{"POST /gather HTTP/1.1\r\nHost: soak\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, true},
	{"POST /gather HTTP/1.1\r\nHost: soak\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", 400, false},
	{"POST /gather HTTP/1.1\r\nHost: soak\r\nContent-Length: +3\r\n\r\nabc", 400, false},
	{"POST /gather HTTP/1.1\r\nHost: soak\r\nContent-Length: 3 \r\n  4\r\n\r\nabc", 400, false},
	{"POST /gather HTTP/1.1\r\nHost: soak\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", 400, true},
	{"POST /gather HTTP/1.1\r\nHost: soak\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n", 400, false},
	{"GET /text/0/0 HTTP/1.1\r\nHost: soak\r\nHost: soak\r\n\r\n", 400, false},
	{"GET /text/0/0 HTTP/1.1\r\n\r\n", 400, false},
	{"GET /text/0/0 HTTP/1.1\nHost: soak\n\n", 400, true},
	{"GET /text/0/0 HTTP/1.1\r\nHost: soak\r\nX-Nul: \x00\r\n\r\n", 400, false},
	{"GET  /text/0/0 HTTP/1.1\r\nHost: soak\r\n\r\n", 400, false},
	{"GET /text/0/0 HTTP/9.9\r\nHost: soak\r\n\r\n", 505, false},
	{"GET /text/0/0 HTTP/1.1\r\nHost: soak\r\nX-Long: " + strings.Repeat("x", 9<<10) + "\r\n\r\n", 431, true},
	{"GET /" + strings.Repeat("x", 9<<10) + " HTTP/1.1\r\nHost: soak\r\n\r\n", 414, true},
}

// sendMalformed sends a request behind it, too, in the same write, so that nothing meets a closed connection.
func sendMalformed(c *client) error {
	return c.once(c.addr, func(l *line) error {
		bad := malformed[c.IntN(len(malformed))]
		for bad.lax && c.driver == "nethttp" {
			bad = malformed[c.IntN(len(malformed))]
		}
		first, w := c.small("")
		next, _ := c.small("")
		if err := l.send(first + bad.text + next); err != nil {
			return err
		}
		if err := l.expect(w); err != nil {
			return err
		}
		if c.driver != "nethttp" {
			if err := l.expect(refusal(bad.status)); err != nil {
				return fmt.Errorf("%q: %w", bad.text, err)
			}
			return nil
		}
		got, err := io.ReadAll(l.r)
		if isReset(err) && len(got) == 0 {
			return nil // net/http closes with what is behind it unread, which may have its answer thrown away
		}
		if err != nil && !isReset(err) || !strings.HasPrefix(string(got), fmt.Sprint("HTTP/1.1 ", bad.status)) {
			return fmt.Errorf("%q: got %q, %v, want %d", bad.text, got, err, bad.status)
		}
		return oneRefusal(bad.text, got)
	})
}

// sendTooMuch announces more than the limit, and is refused before it has sent it.
func sendTooMuch(c *client) error {
	return c.once(c.addr, func(l *line) error {
		ask, mark := c.ask("POST", "/gather", fmt.Sprintf("Accept: text/plain\r\nContent-Length: %d\r\n\r\n%s", 1<<30, ribbon{0, c.Int64N(1000)}.text()))
		if err := l.send(ask); err != nil {
			return err
		}
		w := plainError(413, mark)
		w.last = true
		return l.expect(w)
	})
}
