package sse

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/hyperlane-go/hyperlane"
)

// ErrEnded is what the methods of a Stream return once the function that Serve has called has returned.
var ErrEnded = errors.New("sse: the stream has ended")

// Stream is an event stream while the function that writes it runs. Its methods may be called by any goroutine.
type Stream struct {
	ctx       context.Context
	heartbeat time.Duration

	mu    sync.Mutex // guards what follows
	out   *hyperlane.Stream
	bytes []byte // memory for events
	beat  *time.Timer
	err   error // why nothing can be sent any more
}

// Serve answers with an event stream: it sends the head, calls write, and ends the stream when write has returned. Whatever is to be answered
// instead (401, say) is for the handler to return before. Call it from a handler that has not answered yet, and return what it returns.
//
// An error of write breaks the stream off, so that the client can tell, but for the end that the context of the stream brings: that is an
// orderly one when the server shuts down. To HEAD only the head is sent, and write is not called.
// A limit of time for handlers (hyperlane.Timeout, Config.HandlerTimeout) ends a stream like any other handler.
func Serve(c *hyperlane.Context, config Config, write func(s *Stream) error) error {
	config = config.withDefaults()
	prepare(c)
	ctx, cancel := context.WithCancelCause(c.Context())
	defer cancel(hyperlane.ErrFinished)
	shutdown := c.Server().Draining()
	defer context.AfterFunc(shutdown, func() { cancel(context.Cause(shutdown)) })()
	return c.Stream(func(w *hyperlane.Stream) error {
		w.MayWait()
		s := &Stream{ctx: ctx, heartbeat: config.Heartbeat, out: w}
		defer s.end()
		if err := s.begin(config.retry()); err != nil || c.Request.Method() == http.MethodHead {
			return err
		}
		err := write(s)
		if err != nil && context.Cause(ctx) == hyperlane.ErrShutdown && (errors.Is(err, ctx.Err()) || errors.Is(err, hyperlane.ErrShutdown)) {
			return nil
		}
		return err
	})
}

// prepare sets what every event stream says of itself.
func prepare(c *hyperlane.Context) {
	c.Response.SetHeader("Content-Type", "text/event-stream").SetHeader("X-Accel-Buffering", "no")
	if c.Response.Header("Cache-Control") == "" {
		c.Response.SetHeader("Cache-Control", "no-store")
	}
}

// LastEventID returns the id of the last event that the client has got before it came back: from the field Last-Event-ID, or else from the
// query parameter lastEventId. It is "" for a client that is new. A client may send any text.
func LastEventID(c *hyperlane.Context) string {
	if id := c.Request.Header("Last-Event-ID"); id != "" {
		return id
	}
	return c.Query("lastEventId")
}

// Context ends with the stream: when the client has gone (hyperlane.ErrDisconnected), or when the server begins to shut down
// (hyperlane.ErrShutdown); context.Cause tells which.
func (s *Stream) Context() context.Context { return s.ctx }

// Send sends an event. It waits for a client that is slow, for the server's WriteTimeout at most. An event that is not well-formed is an
// error, and nothing is sent; other errors mean that the stream is broken.
func (s *Stream) Send(e Event) error { return s.send(e.Append) }

// SendJSON sends e with v, encoded as JSON, as its data.
func (s *Stream) SendJSON(e Event, v any) error {
	e, err := e.withJSON(v)
	if err != nil {
		return err
	}
	return s.Send(e)
}

// Comment sends a comment, which clients skip.
func (s *Stream) Comment(text string) error {
	return s.send(func(dst []byte) ([]byte, error) { return appendComment(dst, text) })
}

// begin sends the head, and starts the heartbeat.
func (s *Stream) begin(retry time.Duration) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.heartbeat > 0 {
		s.beat = time.AfterFunc(s.heartbeat, func() {
			s.send(func(dst []byte) ([]byte, error) { return append(dst, heartbeat...), nil })
		})
	}
	if retry > 0 {
		s.bytes, _ = Event{Retry: retry}.Append(s.bytes)
	}
	return s.flush()
}

func (s *Stream) send(add func(dst []byte) ([]byte, error)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return s.err
	}
	var err error
	if s.bytes, err = add(s.bytes[:0]); err != nil {
		return err
	}
	return s.flush()
}

// flush sends what is in bytes. The caller holds mu.
func (s *Stream) flush() error {
	if s.beat != nil {
		s.beat.Reset(s.heartbeat)
	}
	if len(s.bytes) > 0 {
		_, s.err = s.out.Write(s.bytes)
	}
	if s.err == nil {
		s.err = s.out.Flush()
	}
	if cap(s.bytes) > 64<<10 {
		s.bytes = nil
	}
	return s.err
}

// end lets nobody write any more.
func (s *Stream) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = ErrEnded
	if s.beat != nil {
		s.beat.Stop()
	}
}
