package soak

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// want is the answer that a client must get: all of it but the Date and the order of the fields.
type want struct {
	status  int
	fields  []string // lines, besides those that follow from what is below
	body    io.Reader
	size    int64                  // -1: it is not said
	chunked bool                   // and without a length
	trailer []string               // lines behind the last chunk
	bare    bool                   // there may be a length, but no body: the answer to HEAD
	last    bool                   // of its connection, and says so
	maybe   bool                   // it may or may not be
	free    func(line string) bool // says which lines are the server's to choose; nil: none
}

// text returns the answer whose body is text.
func text(status int, body string, fields ...string) want {
	return want{status: status, fields: fields, body: strings.NewReader(body), size: int64(len(body))}
}

// of returns the answer whose body is a ribbon.
func of(r ribbon, fields ...string) want {
	return want{status: 200, fields: fields, body: r.reader(), size: r.size}
}

// expect reads an answer and compares it with w.
func (l *line) expect(w want) error {
	if err := l.expectHead(w); err != nil {
		return err
	}
	if !w.bare {
		if err := l.expectBody(w); err != nil {
			return fmt.Errorf("the body: %w", err)
		}
	}
	if w.last {
		return over(l.r)
	}
	return nil
}

func (l *line) expectHead(w want) error {
	got, err := readLines(l.r)
	if err != nil {
		return fmt.Errorf("the head, behind %q: %w", got, err)
	}
	lines := append([]string{fmt.Sprintf("HTTP/1.1 %d %s", w.status, http.StatusText(w.status))}, w.fields...)
	switch {
	case w.chunked:
		lines = append(lines, "Transfer-Encoding: chunked")
	case w.status != http.StatusNoContent && w.size >= 0:
		lines = append(lines, "Content-Length: "+strconv.FormatInt(w.size, 10))
	}
	if w.last {
		lines = append(lines, "Connection: close")
	}
	dates := 0
	got = slices.DeleteFunc(got, func(line string) bool {
		date, found := strings.CutPrefix(line, "Date: ")
		if _, err := http.ParseTime(date); found && err == nil {
			dates++
			return true
		}
		return w.maybe && line == "Connection: close" || w.free != nil && w.free(line)
	})
	if dates != 1 {
		return fmt.Errorf("got %d dates in %q", dates, got)
	}
	if len(got) == 0 || got[0] != lines[0] {
		return fmt.Errorf("got %q, want %q", got, lines)
	}
	slices.Sort(got)
	slices.Sort(lines)
	if !slices.Equal(got, lines) {
		return fmt.Errorf("got the head %q, want %q", got, lines)
	}
	return nil
}

func (l *line) expectBody(w want) error {
	if !w.chunked {
		return follow(w.body, l.r, w.size)
	}
	body := &chunks{r: l.r}
	if err := follow(w.body, body, w.size); err != nil {
		return err
	}
	if err := over(body); err != nil {
		return err
	}
	if !slices.Equal(body.trailer, w.trailer) {
		return fmt.Errorf("got the trailer %q, want %q", body.trailer, w.trailer)
	}
	return nil
}

// slowly has what comes next read with pauses.
func (l *line) slowly(pause func()) { l.r = bufio.NewReaderSize(pausing{l.TCPConn, pause}, 2<<10) }

type pausing struct {
	r     io.Reader
	pause func()
}

func (p pausing) Read(b []byte) (int, error) {
	p.pause()
	return p.r.Read(b)
}

// chunks reads a chunked body to its end, and takes nothing but the plainest form (RFC 9112 section 7.1).
type chunks struct {
	r       *bufio.Reader
	left    int64
	begun   bool
	trailer []string
	ended   bool
}

func (c *chunks) Read(p []byte) (int, error) {
	if c.left == 0 && !c.ended {
		if err := c.next(); err != nil {
			return 0, err
		}
	}
	if c.ended {
		return 0, io.EOF
	}
	n, err := c.r.Read(p[:min(int64(len(p)), c.left)])
	c.left -= int64(n)
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// next reads what is between two chunks.
func (c *chunks) next() error {
	if c.begun {
		if end, err := readLine(c.r); err != nil || end != "" {
			return fmt.Errorf("the end of a chunk: got %q, %w", end, orNothing(err))
		}
	}
	c.begun = true
	size, err := readLine(c.r)
	if err != nil {
		return fmt.Errorf("the size of a chunk: got %q, %w", size, err)
	}
	c.left, err = strconv.ParseInt(size, 16, 64)
	if err != nil || size[0] == '-' || size[0] == '+' {
		return fmt.Errorf("got %q for the size of a chunk", size)
	}
	if c.left == 0 {
		c.ended = true
		c.trailer, err = readLines(c.r)
	}
	return err
}

var errNothing = errors.New("and no error")

func orNothing(err error) error {
	if err == nil {
		return errNothing
	}
	return err
}

// readLines reads lines up to an empty one.
func readLines(r *bufio.Reader) (lines []string, err error) {
	for {
		line, err := readLine(r)
		if err != nil || line == "" {
			return lines, err
		}
		lines = append(lines, line)
	}
}

// readLine reads a line that ends with CRLF, and returns it without. The end of the connection is never in the right place here.
func readLine(r *bufio.Reader) (string, error) {
	line, err := r.ReadString('\n')
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return line, err
	}
	whole, ok := strings.CutSuffix(line, "\r\n")
	if !ok || strings.Contains(whole, "\r") {
		return line, fmt.Errorf("got the line %q", line)
	}
	return whole, nil
}

// within is what a wait must not exceed.
func within[T any](what string, ch <-chan T) (v T, err error) {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case v = <-ch:
		return v, nil
	case <-timer.C:
		return v, fmt.Errorf("%s: nothing for %v", what, patience)
	}
}
