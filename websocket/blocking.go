package websocket

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime/debug"

	"github.com/hyperlane-go/hyperlane"
)

// serveBlocking is the life of the goroutine of a connection in the blocking style.
func (c *Conn) serveBlocking(serve func(ctx context.Context, c *Conn) error) {
	err := errors.New("websocket: the function of a connection has called runtime.Goexit")
	defer func() {
		if v := recover(); v != nil {
			err = &hyperlane.PanicError{Value: v, Stack: debug.Stack()}
		}
		end := &CloseError{Status: StatusNormal}
		if err != nil && !c.isOver(err) {
			end.Status = StatusInternalError
			request := c.Request()
			request.Server().Logger().Error("websocket failed", "path", request.Request.Path(), "error", err)
		}
		c.mu.Lock()
		if e, ok := c.why.(*CloseError); ok {
			end = e
		}
		c.mu.Unlock()
		if end.Remote { // RFC 6455 section 5.5.1: the answer has the same status
			end = &CloseError{Status: end.Status}
		}
		c.Close(end.Status, end.Reason)
		c.inbox.close(ErrClosed) // what still comes is dropped, and holds nobody up
	}()
	err = serve(c.Context(), c)
}

// leave leaves the end of the connection, for the reason e, to the goroutine of the blocking style, which takes the messages that came
// before first. It has Config.CloseTimeout for that. It reports false if there is no such goroutine.
func (c *Conn) leave(e *CloseError) bool {
	if !c.told || c.inbox == nil {
		return false
	}
	c.reading.left = true
	c.inbox.close(c.note(e))
	c.mu.Lock()
	defer c.mu.Unlock()
	c.heard = true
	c.hurry()
	return true
}

// isOver reports whether err says that the connection has ended, or is about to.
func (c *Conn) isOver(err error) bool {
	var told *CloseError
	return errors.As(err, &told) || errors.Is(err, ErrClosed) || errors.Is(err, ErrDead) || errors.Is(err, hyperlane.ErrDisconnected) ||
		c.Context().Err() != nil && errors.Is(err, context.Canceled)
}

// incoming is a message that the reading methods are in the middle of.
type incoming struct {
	inbox *inbox
	ctx   context.Context
	kind  Type
	rest  []byte // of the piece that was taken last
	more  bool   // that was not the last
}

var errEvents = errors.New("websocket: messages of a connection in the style of events go to Events.Message")

// Read returns the next message, which is the caller's, and waits for it until ctx is done. After the last one the error is why the
// connection has ended: a *CloseError if there was a close frame, or one end broke the rules; else ErrDead, or an error that wraps
// hyperlane.ErrDisconnected. When the function of the connection has returned it is ErrClosed.
func (c *Conn) Read(ctx context.Context) (Type, []byte, error) {
	in, err := c.next(ctx)
	if err != nil {
		return 0, nil, err
	}
	whole := in.rest
	for in.rest = nil; in.more; whole = append(whole, in.rest...) {
		if err := in.advance(); err != nil {
			return 0, nil, err
		}
	}
	in.rest = nil
	return in.kind, whole, nil
}

// Reader is Read for a message that is read while it arrives, whatever its size: no more of it than 64 KiB or one read of the
// connection waits in memory, unless it is compressed. The reader waits until ctx is done, and returns io.EOF behind the last byte. What
// is left of the message when the next reading method is called is dropped.
func (c *Conn) Reader(ctx context.Context) (Type, io.Reader, error) {
	in, err := c.next(ctx)
	if err != nil {
		return 0, nil, err
	}
	return in.kind, in, nil
}

// next goes on to the next message, and takes its first piece.
func (c *Conn) next(ctx context.Context) (*incoming, error) {
	if c.inbox == nil {
		return nil, errEvents
	}
	for before := c.inbox.begun; before != nil && before.more; {
		before.ctx = ctx
		if err := before.advance(); err != nil {
			return nil, err
		}
		before.rest = nil
	}
	c.inbox.begun = nil
	in := &incoming{inbox: c.inbox, ctx: ctx}
	if err := in.advance(); err != nil {
		return nil, err
	}
	if in.more {
		c.inbox.begun = in
	}
	return in, nil
}

// advance takes the next piece.
func (in *incoming) advance() error {
	p, err := in.inbox.take(in.ctx)
	if err != nil {
		return err
	}
	in.kind, in.rest, in.more = p.kind, p.data, !p.last
	return nil
}

// Read is io.Reader's.
func (in *incoming) Read(p []byte) (int, error) {
	for len(in.rest) == 0 {
		if !in.more {
			return 0, io.EOF
		}
		if err := in.advance(); err != nil {
			return 0, err
		}
	}
	n := copy(p, in.rest)
	in.rest = in.rest[n:]
	return n, nil
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
