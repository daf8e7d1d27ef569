package websocket

import "sync"

// Prepared is a message that is framed and compressed once, however many connections it is sent to. Any goroutine may use it.
type Prepared struct {
	kind Type
	data []byte

	mu     sync.Mutex
	frames [16][]byte // by the bits of the window; 0 is uncompressed
}

// Prepare returns a message with a copy of p, which for Text must be UTF-8.
func Prepare(t Type, p []byte) *Prepared {
	return &Prepared{kind: t, data: append([]byte(nil), p...)}
}

// SendPrepared is Send for a message that was prepared.
func (c *Conn) SendPrepared(p *Prepared) error {
	if p.kind != Text && p.kind != Binary {
		return errType
	}
	if !c.server { // each frame of a client has its own mask
		return c.Send(p.kind, p.data)
	}
	window := c.sharedWindow(len(p.data))
	p.mu.Lock()
	if p.frames[window] == nil {
		p.frames[window] = wholeFrame(p.kind, p.data, window)
	}
	out := p.frames[window]
	p.mu.Unlock()
	c.message.Lock()
	defer c.message.Unlock()
	return c.sendWhole(out)
}

// sharedWindow returns the window for a message of that size that others get, too: 0 is not to compress it, because it is short, or because
// this connection's messages depend on one another.
func (c *Conn) sharedWindow(size int) int {
	if !c.terms.on || size < c.config.Compression.MinSize {
		return 0
	}
	window, takeover := c.terms.compresses(c.server)
	if takeover {
		return 0
	}
	return window
}

// wholeFrame returns a message as one frame of a server. If it cannot be compressed it is sent as it is.
func wholeFrame(t Type, p []byte, window int) []byte {
	f := frame{op: opcode(t), final: true}
	if window > 0 {
		if small, err := compress(nil, p, window); err == nil {
			p, f.compressed = small, true
		}
	}
	f.length = uint64(len(p))
	return append(f.append(make([]byte, 0, maxHead+len(p))), p...)
}

// sendWhole sends a frame that is ready. The caller holds message.
func (c *Conn) sendWhole(out []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.said || c.ended {
		return ErrClosed
	}
	return c.passed(c.carrier().Send(out))
}
