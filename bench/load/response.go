//go:build linux

package load

import (
	"bytes"
	"errors"
	"strconv"
	"strings"
)

const endOfHead = "\r\n\r\n"

// maxHead is the longest head we wait for.
const maxHead = 16 << 10

var (
	errHeadTooLong = errors.New("response head is too long")
	errStatusLine  = errors.New("malformed status line")
	errNoLength    = errors.New("no usable Content-Length")
)

// head is what the generator needs to know of a response before its body.
type head struct {
	status int
	length int // of the body
}

// headReader reads heads, and remembers the last one: within a second a server
// repeats its head byte by byte, and comparing is cheaper than parsing.
type headReader struct {
	raw  []byte
	head head
}

// read returns the head at the start of b and its size in bytes, which is 0
// while the head is not complete.
func (r *headReader) read(b []byte) (head, int, error) {
	if len(r.raw) > 0 && bytes.HasPrefix(b, r.raw) {
		return r.head, len(r.raw), nil
	}
	h, n, err := parseHead(b)
	if n > 0 && err == nil {
		r.raw = append(r.raw[:0], b[:n]...)
		r.head = h
	}
	return h, n, err
}

// parseHead reads one response head from the start of b. It understands only
// responses with a Content-Length: no server here has a reason to send others.
func parseHead(b []byte) (head, int, error) {
	end := bytes.Index(b, []byte(endOfHead))
	if end < 0 {
		if len(b) > maxHead {
			return head{}, 0, errHeadTooLong
		}
		return head{}, 0, nil
	}
	lines := strings.Split(string(b[:end]), "\r\n")
	status, err := parseStatus(lines[0])
	if err != nil {
		return head{}, 0, err
	}
	length := -1
	for _, line := range lines[1:] {
		name, value, _ := strings.Cut(line, ":")
		if !strings.EqualFold(name, "Content-Length") {
			continue
		}
		if length >= 0 {
			return head{}, 0, errNoLength
		}
		n, err := strconv.ParseUint(strings.TrimSpace(value), 10, 31)
		if err != nil {
			return head{}, 0, errNoLength
		}
		length = int(n)
	}
	if length < 0 {
		return head{}, 0, errNoLength
	}
	return head{status, length}, end + len(endOfHead), nil
}

func parseStatus(line string) (int, error) {
	rest, ok := strings.CutPrefix(line, "HTTP/1.1 ")
	if !ok || len(rest) < 3 || len(rest) > 3 && rest[3] != ' ' {
		return 0, errStatusLine
	}
	status, err := strconv.ParseUint(rest[:3], 10, 16)
	if err != nil || status < 100 {
		return 0, errStatusLine
	}
	return int(status), nil
}
