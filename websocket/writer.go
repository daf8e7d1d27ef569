package websocket

import (
	"context"
	"io"
)

// Writer begins a message that is written in pieces, each a frame of its own, uncompressed: for what is large, or not known as a whole when
// it begins. Close ends it, and must be called. Other messages wait until then; whoever holds a Writer must not send one.
func (c *Conn) Writer(ctx context.Context, t Type) (io.WriteCloser, error) {
	if t != Text && t != Binary {
		return nil, errType
	}
	c.message.Lock()
	return &writer{ctx: ctx, conn: c, op: opcode(t)}, nil
}

// writer is a message that is being written.
type writer struct {
	ctx  context.Context
	conn *Conn
	op   opcode // of the next frame
	done bool
}

func (w *writer) Write(p []byte) (int, error) {
	if w.done {
		return 0, ErrClosed
	}
	for n := 0; n < len(p); {
		piece := p[n:min(n+32<<10, len(p))]
		if err := w.send(piece, false); err != nil {
			return n, err
		}
		n += len(piece)
	}
	return len(p), nil
}

// Close sends the last frame, which is empty.
func (w *writer) Close() error {
	if w.done {
		return nil
	}
	w.done = true
	defer w.conn.message.Unlock()
	return w.send(nil, true)
}

func (w *writer) send(p []byte, final bool) error {
	err := w.conn.whenThereIsRoom(w.ctx, func() error { return w.conn.sendFrame(frame{op: w.op, final: final}, p) })
	if err != nil {
		w.conn.fail(refuse(StatusInternalError, "a message was not written to its end"))
		w.conn.carrier().Finish()
	}
	w.op = opContinuation
	return err
}
