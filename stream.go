package hyperlane

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"unsafe"

	"github.com/hyperlane-go/hyperlane/internal/http1"
)

// Stream is the body of a response while it is being written. It belongs to the handler. What is written gathers until it is worth
// sending; the head leaves with the first bytes, after the response phase. When the client takes no more, Write and Flush wait;
// when it has gone, they fail.
type Stream struct{ c *Context }

// streamBuffer is how much a stream gathers before it sends. A body that fits, without a Flush, is sent with its length.
const streamBuffer = 4 << 10

// Stream answers with what write writes. It returns when write has returned; the last bytes leave after the handler. After an error
// the connection is broken off, if something has left already, so that the client does not take half for the whole.
func (c *Context) Stream(write func(w *Stream) error) error {
	c.inUse()
	return write(c.startStream())
}

// StreamSeq answers with the pieces that seq yields, each sent as it comes.
func (c *Context) StreamSeq(seq iter.Seq[[]byte]) error {
	return c.Stream(func(w *Stream) error {
		for piece := range seq {
			if _, err := w.Write(piece); err != nil {
				return err
			}
			if err := w.Flush(); err != nil {
				return err
			}
		}
		return nil
	})
}

func (c *Context) startStream() *Stream {
	r := &c.Response
	if r.stream == nil && !r.committed {
		r.dropBody()
		r.buffer = r.buffer[:0]
		r.stream = &Stream{c}
	}
	return &Stream{c}
}

// Write adds p to the body. It does not keep p.
func (s *Stream) Write(p []byte) (int, error) {
	s.c.inUse()
	r := &s.c.Response
	if !r.committed && len(r.buffer)+len(p) <= streamBuffer {
		r.buffer = append(r.buffer, p...)
		return len(p), nil
	}
	if err := s.commit(); err != nil {
		return 0, err
	}
	if err := s.c.send(p); err != nil {
		return 0, err
	}
	return len(p), nil
}

// WriteString adds p to the body.
func (s *Stream) WriteString(p string) (int, error) { return s.Write([]byte(p)) }

// Flush sends what was written.
func (s *Stream) Flush() error {
	s.c.inUse()
	if err := s.commit(); err != nil {
		return err
	}
	if err := s.c.wire.flush(s.c); err != nil {
		s.c.broken = true
		return err
	}
	return nil
}

// MayWait says that the handler is going to wait for something else than its client. An event loop goes on without it at once, where it
// would find out by itself a little later. From then on another goroutine may use the Stream in the handler's place, as long as the two
// take turns, and until the handler returns.
func (s *Stream) MayWait() {
	s.c.inUse()
	s.c.wire.mayWait(s.c)
}

// commit runs the response phase, and sends the head and what has gathered.
func (s *Stream) commit() error {
	c := s.c
	r := &c.Response
	if r.committed {
		return nil
	}
	c.server.respond(c)
	if r.stream == nil {
		return errors.New("hyperlane: the response phase has replaced the stream")
	}
	if err := c.begin(r.declaredLength()); err != nil {
		return err
	}
	first := r.buffer
	r.buffer = r.buffer[:0]
	return c.send(first)
}

// begin sends the head, once.
func (c *Context) begin(length int64) error {
	c.Response.committed = true
	if err := c.wire.begin(c, length); err != nil {
		c.broken = true
		return err
	}
	return nil
}

// send sends bytes of the body behind the head. To HEAD, and with 204 and 304, there is no body: they are dropped.
func (c *Context) send(p []byte) error {
	if len(p) == 0 {
		return nil
	}
	if c.bodiless() {
		return nil
	}
	if err := c.wire.write(c, p); err != nil {
		c.broken = true
		return err
	}
	c.Response.sent += int64(len(p))
	return nil
}

// sendString is send without a copy.
func (c *Context) sendString(s string) error {
	return c.send(unsafe.Slice(unsafe.StringData(s), len(s))) // wires only read
}

// bodiless reports whether the response has no body, whatever was set.
func (c *Context) bodiless() bool {
	return http1.ResponseFraming(c.Request.methodView(), c.Response.Status(), 1, 0) == http1.FramingNone
}

// sendReader sends a body that is read: r.length bytes, or all.
func (c *Context) sendReader() error {
	r := &c.Response
	reader, length := r.reader, r.length
	defer r.dropBody()
	if err := c.begin(length); err != nil || c.bodiless() {
		return err
	}
	if f, ok := reader.(*fileBody); ok {
		return c.sendFile(f.File, f.offset, length)
	}
	buf := make([]byte, 32<<10)
	for length < 0 || r.sent < length {
		p := buf
		if length >= 0 {
			p = buf[:min(int64(len(buf)), length-r.sent)]
		}
		n, err := reader.Read(p)
		if sendErr := c.send(p[:n]); sendErr != nil {
			return sendErr
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			c.broken = true
			return fmt.Errorf("read response body: %w", err)
		}
	}
	if length >= 0 && r.sent < length {
		c.broken = true
		return fmt.Errorf("response body has ended after %d of %d bytes", r.sent, length)
	}
	return nil
}

// fileBody is a part of a file as a response body. The kernel sends it where it can.
type fileBody struct {
	*os.File
	offset int64
}

func (c *Context) sendFile(f *os.File, offset, n int64) error {
	if err := c.wire.sendFile(c, f, offset, n); err != nil {
		c.broken = true
		return err
	}
	c.Response.sent += n
	return nil
}
