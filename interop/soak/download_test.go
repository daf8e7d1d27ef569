package soak

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"
)

var downloadKinds = []kind{
	{"a stream that is read as fast as it comes", 2, func(c *client) error { return c.download(c.ribbon(6<<20), 0) }},
	{"a stream that is read slowly", 2, func(c *client) error { return c.download(c.ribbon(200<<10), 300*time.Microsecond) }},
	{"a stream that is left in the middle", 2, abandon},
	{"a file", 2, downloadFile},
	{"a part of a file", 1, downloadPart},
}

// streamed returns the request for a ribbon, and its answer.
func (c *client) streamed(r ribbon) (string, want) {
	ask, mark := c.ask("GET", fmt.Sprintf("/ribbon/%d/%d", r.start, r.size), "\r\n")
	w := of(r, mark, "Content-Type: text/ribbon")
	w.chunked, w.trailer = true, []string{fmt.Sprint("X-Size: ", r.size)}
	return ask, w
}

// download reads a stream, with a pause of up to most before each piece.
func (c *client) download(r ribbon, most time.Duration) error {
	return c.once(c.addr, func(l *line) error {
		if most > 0 {
			l.SetReadBuffer(4 << 10)
			l.slowly(func() { c.upTo(most) })
		}
		ask, w := c.streamed(r)
		if err := l.send(ask); err != nil {
			return err
		}
		return l.expect(w)
	})
}

// abandon reads the beginning.
func abandon(c *client) error {
	return c.once(c.addr, func(l *line) error {
		ask, w := c.streamed(ribbon{c.Int64N(ringSize), 4 << 20})
		if err := l.send(ask); err != nil {
			return err
		}
		if err := l.expectHead(w); err != nil {
			return err
		}
		if err := follow(w.body, &chunks{r: l.r}, c.Int64N(2<<20)); err != nil {
			return err
		}
		if c.chance(50) {
			l.reset()
		}
		return nil
	})
}

// fileFields are those of every answer with bytes of the file.
func (c *client) fileFields() ([]string, error) {
	info, err := os.Stat(c.path)
	if err != nil {
		return nil, err
	}
	return []string{"Accept-Ranges: bytes", "Content-Type: application/octet-stream", "X-Content-Type-Options: nosniff",
		"Last-Modified: " + info.ModTime().UTC().Format(http.TimeFormat)}, nil
}

func downloadFile(c *client) error {
	l, err := c.keep()
	if err != nil {
		return err
	}
	fields, err := c.fileFields()
	if err != nil {
		return err
	}
	ask, mark := c.ask("GET", "/file", "\r\n")
	if err := l.send(ask); err != nil {
		return err
	}
	return l.expectFile(of(content, append(fields, mark)...))
}

func downloadPart(c *client) error {
	l, err := c.keep()
	if err != nil {
		return err
	}
	fields, err := c.fileFields()
	if err != nil {
		return err
	}
	part := ribbon{c.Int64N(content.size), 1}
	part.size += c.Int64N(content.size - part.start)
	last := part.start + part.size - 1
	ask, mark := c.ask("GET", "/file", fmt.Sprintf("Range: bytes=%d-%d\r\n\r\n", part.start, last))
	if err := l.send(ask); err != nil {
		return err
	}
	fields = append(fields, mark, fmt.Sprintf("Content-Range: bytes %d-%d/%d", part.start, last, content.size))
	w := of(ribbon{content.start + part.start, part.size}, fields...)
	w.status = http.StatusPartialContent
	return l.expectFile(w)
}

// expectFile is expect for an answer with an ETag, which is the server's to choose.
func (l *line) expectFile(w want) error {
	w.free = func(line string) bool { return strings.HasPrefix(strings.ToLower(line), "etag: ") }
	return l.expect(w)
}
