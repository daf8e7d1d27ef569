package websocket

import (
	"io"
	"sync"
	"unicode/utf8"
)

// part is a message that has come in part.
type part struct {
	op         opcode
	compressed bool
	size       uint64 // of the payloads that have come
	data       []byte // they; empty where they go to the inbox at once
	text       textCheck

	left  uint64 // of the payload of the frame under way
	key   uint32
	final bool // that frame is the last
}

var parts = sync.Pool{New: func() any { return new(part) }}

// keepPart is the capacity beyond which the memory of a message is dropped: a message of 64 KiB is kept, with its head.
const keepPart = 128 << 10

func (p *part) give() {
	if p == nil || cap(p.data) > keepPart {
		return
	}
	*p = part{data: p.data[:0]}
	parts.Put(p)
}

// receive reads frames from the front of in, and returns how much of it was used. io.EOF ends the connection in an orderly way.
func (c *Conn) receive(in []byte) (used int, err error) {
	c.sign.Store(signBusy)
	c.orFail(func() { used, err = c.frames(in) })
	c.sign.Store(signHeard)
	return used, err
}

func (c *Conn) frames(in []byte) (used int, err error) {
	for !c.reading.closed {
		if p := c.reading.part; p != nil && p.left > 0 {
			n := int(min(uint64(len(in)-used), p.left))
			if n == 0 {
				return used, nil
			}
			err = c.payload(p, in[used:used+n])
			used += n
		} else {
			var n int
			if n, err = c.frame(in[used:]); n == 0 && err == nil {
				return used, nil
			}
			used += n
		}
		if e, ok := err.(*CloseError); ok {
			c.reading.closed = true
			if c.inbox != nil && c.inbox.idle() {
				c.fail(e) // at once: a peer that also ends its side would not wait for the function, which has nothing to answer
			}
			if !c.leave(e) {
				c.fail(e)
			}
		}
	}
	if c.reading.left {
		return len(in), nil
	}
	return len(in), io.EOF
}

// frame reads one frame, or the head of one whose payload has not come as a whole; 0 is that more is needed.
func (c *Conn) frame(in []byte) (used int, err error) {
	f, size, err := parseFrame(in)
	if err != nil || size == 0 {
		return 0, err
	}
	// Section 5.1: a client masks every frame, a server none.
	if f.masked != c.server {
		return 0, refuse(StatusProtocolError, "a frame is masked that must not be, or is not that must")
	}
	whole := f.length <= uint64(len(in)-size)
	if f.op.control() {
		if !whole {
			return 0, nil
		}
		payload := in[size : size+int(f.length)]
		mask(payload, f.key)
		return size + len(payload), c.control(f.op, payload)
	}
	p := c.reading.part
	switch {
	case p == nil && f.op == opContinuation:
		return 0, refuse(StatusProtocolError, "a continuation of no message")
	case p != nil && f.op != opContinuation:
		return 0, refuse(StatusProtocolError, "a message in the middle of another")
	case f.compressed && (!c.terms.on || p != nil): // RFC 7692 section 6.1: on the first frame only
		return 0, refuse(StatusProtocolError, "RSV1 is set")
	}
	limit, before := uint64(c.config.MessageLimit), uint64(0)
	if p != nil {
		before = p.size
	}
	if f.compressed || p != nil && p.compressed {
		limit += deflateOverhead(limit)
	}
	if f.length > limit || before+f.length > limit {
		return 0, errTooBig
	}
	if p == nil && f.final && whole {
		payload := in[size : size+int(f.length)]
		mask(payload, f.key)
		return size + len(payload), c.whole(f, payload)
	}
	if p == nil {
		p = parts.Get().(*part)
		p.op, p.compressed = f.op, f.compressed
		c.reading.part = p
	}
	p.left, p.key, p.final = f.length, f.key, f.final
	if p.left == 0 {
		return size, c.payload(p, nil)
	}
	return size, nil
}

// deflateOverhead is by how much data of n bytes may grow when it cannot be compressed: a stored block has at most 65,535 bytes behind
// five of its own (RFC 1951 section 3.2.4), and implementations make smaller ones.
func deflateOverhead(n uint64) uint64 { return n>>10 + 64 }

// payload takes b, which is the next of the payload of a frame, and what follows from it.
func (c *Conn) payload(p *part, b []byte) error {
	p.key = mask(b, p.key)
	p.left -= uint64(len(b))
	p.size += uint64(len(b))
	last := p.left == 0 && p.final
	if p.op == opText && !p.compressed && !(p.text.add(b) && (!last || p.text.complete())) {
		return errNotUTF8
	}
	if last {
		c.reading.part = nil
		defer p.give()
	}
	if c.inbox != nil && !p.compressed {
		c.inbox.put(Type(p.op), b, last)
		return nil
	}
	p.data = append(p.data, b...)
	if !last {
		return nil
	}
	return c.complete(p.op, p.compressed, p.data)
}

var errNotUTF8 = refuse(StatusInvalidData, "text that is not UTF-8")

// whole takes a message that has come in one frame, at once.
func (c *Conn) whole(f frame, payload []byte) error {
	if f.op == opText && !f.compressed && !utf8.Valid(payload) {
		return errNotUTF8
	}
	return c.complete(f.op, f.compressed, payload)
}

// complete hands on a message, which is expanded if need be. Text that was not compressed is known to be UTF-8.
func (c *Conn) complete(op opcode, compressed bool, data []byte) error {
	if compressed {
		expanded := takeBuffer()
		defer expanded.give()
		var window []byte
		if c.reading.window != nil {
			window = c.reading.window.b
		}
		var err error
		if expanded.b, err = expand(expanded.b, data, window, c.config.MessageLimit); err != nil {
			return err
		}
		data = expanded.b
		if _, takeover := c.terms.expands(c.server); takeover {
			if c.reading.window == nil {
				window = make([]byte, 0, maxWindow)
				c.reading.window = new(buffer)
			}
			c.reading.window.b = remember(window, data)
		}
		if op == opText && !utf8.Valid(data) {
			return errNotUTF8
		}
	}
	switch {
	case c.inbox != nil:
		c.inbox.put(Type(op), data, true)
	case c.endpoint != nil && c.endpoint.events.Message != nil:
		c.endpoint.events.Message(c, Message{Type(op), data})
	}
	return nil
}

// control takes a control frame.
func (c *Conn) control(op opcode, payload []byte) error {
	switch op {
	case opPing:
		// Section 5.5.2: a pong with the same payload. A peer that pings and does not read has to do without.
		c.sendFrame(frame{op: opPong, final: true}, payload)
	case opClose:
		e, err := parseClose(payload)
		if err != nil {
			return err
		}
		c.reading.closed = true
		if c.leave(e) {
			return nil
		}
		c.note(e)
		// Section 5.5.1: the answer has the same status. If ours came first, this is the answer.
		c.sendFrame(frame{op: opClose, final: true}, appendClose(nil, e.Status, ""))
	}
	return nil
}
