package websocket

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

var errEvents = errors.New("websocket: messages of a connection in the style of events go to Events.Message")

// Read returns the next message, which is the caller's, and waits for it until ctx is done. After the last one the error is why the
// connection has ended: a *CloseError if there was a closing handshake or one end broke the rules, else ErrDead, ErrClosed after one's own
// Close, or what ended it.
func (c *Conn) Read(ctx context.Context) (Type, []byte, error) {
	if c.inbox == nil {
		return 0, nil, errEvents
	}
	m, err := c.inbox.take(ctx)
	return m.kind, m.data, err
}

// ReadText is Read for those who take text only: any other message closes the connection with 1003.
func (c *Conn) ReadText(ctx context.Context) (string, error) {
	t, p, err := c.Read(ctx)
	if err != nil {
		return "", err
	}
	if t != Text {
		c.Close(StatusUnsupportedData, "text only")
		return "", fmt.Errorf("websocket: got a %v message, want text", t)
	}
	return string(p), nil
}

// ReadJSON decodes the next message, which may be text or binary, into v. One that is no JSON, or not of v's type, is an error and does
// not end the connection.
func (c *Conn) ReadJSON(ctx context.Context, v any) error {
	_, p, err := c.Read(ctx)
	if err != nil {
		return err
	}
	return json.Unmarshal(p, v)
}

// Reader is Read with the message as a reader.
func (c *Conn) Reader(ctx context.Context) (Type, io.Reader, error) {
	t, p, err := c.Read(ctx)
	return t, bytes.NewReader(p), err
}

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
	}
	w.op = opContinuation
	return err
}
