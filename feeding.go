package hyperlane

import (
	"context"
	"fmt"
	"io"

	"github.com/hyperlane-go/hyperlane/internal/engine"
	"github.com/hyperlane-go/hyperlane/internal/http1"
)

// dropFeed ends a feed that is not the response after all.
func (r *Response) dropFeed() {
	if f := r.feed; f != nil {
		r.feed = nil
		f.end(ErrFinished)
	}
}

// sendFeed sends the head of a feed, and where the connection is not ours, its body too. Where it is, conn.after goes on.
func (c *Context) sendFeed() error {
	r := &c.Response
	w, ours := c.wire.(*h1Wire)
	if ours && !c.bodiless() {
		w.keepAlive = false
	}
	if err := c.begin(-1); err != nil {
		return err
	}
	if c.bodiless() {
		r.dropFeed()
		return nil
	}
	if ours {
		return nil
	}
	f := r.feed
	r.feed = nil
	return f.write(c)
}

// write sends what comes until the feed or its client has ended.
func (f *Feed) write(c *Context) error {
	ctx := c.Context()
	stop := context.AfterFunc(c.server.draining, f.drain)
	defer stop()
	if w, ok := c.wire.(*stdWire); ok && c.Request.streaming {
		defer w.dropBody(c)()
	}
	f.mu.Lock()
	f.wake = make(chan struct{}, 1)
	f.mu.Unlock()
	err := c.wire.flush(c)
	for err == nil {
		f.mu.Lock()
		out, ended, failed := f.pending, f.ended, f.failed
		f.pending = nil
		f.mu.Unlock()
		if failed {
			err = ErrDisconnected // it will be
			break
		}
		if len(out) > 0 {
			if err = c.send(out); err == nil {
				err = c.wire.flush(c)
			}
			continue
		}
		if ended {
			break
		}
		select {
		case <-f.wake:
		case <-ctx.Done():
			err = context.Cause(ctx)
		}
	}
	if err != nil {
		c.broken = true
	}
	f.end(err)
	return err
}

// dropBody reads what is left of the request's body: over HTTP/1.1 net/http hears of the client's end only behind it. What it returns
// ends that.
func (w *stdWire) dropBody(c *Context) (stop func()) {
	read := make(chan struct{})
	go func() {
		io.CopyN(io.Discard, w.r.Body, drainLimit)
		close(read)
	}()
	return func() {
		select {
		case <-read:
		default:
			w.stopReading(c)
			<-read
		}
	}
}

// feedTo gives the connection to the feed that is the response, whose head has been written.
func (co *conn) feedTo(t *engine.Turn, c *Context, w *h1Wire) engine.Next {
	f := c.Response.feed
	c.Response.feed = nil
	t.In = t.In[len(t.In):]
	if t.Err != nil { // nobody is there any more, as far as anybody can tell
		w.finish(c)
		f.end(ErrDisconnected)
		return engine.Close
	}
	// From Switch on others may send: the head must have left before.
	if t.Flush() != nil {
		f.end(ErrDisconnected)
		return engine.Abort
	}
	co.handOver(t, (*feeding)(f))
	f.open(co.handle, w.framing == http1.FramingChunked)
	return engine.AwaitForever
}

// open lets what is sent reach the connection.
func (f *Feed) open(handle *engine.Conn, chunked bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.handle, f.chunked = handle, chunked
	if f.failed || len(f.pending) > 0 && f.post(f.pending) != nil {
		handle.Close()
	}
	f.pending = nil
	if f.ended {
		f.finish()
	}
}

// feeding is a Feed as the engine sees it.
type feeding Feed

func (f *feeding) Serve(t *engine.Turn) engine.Next {
	t.In = t.In[len(t.In):]
	if t.Err != nil {
		return engine.Close
	}
	return engine.AwaitForever
}

func (f *feeding) Hangup() {}

func (f *feeding) Drain() { (*Feed)(f).drain() }

func (f *feeding) Closed(err error) {
	f.mu.Lock()
	if err != nil {
		err = fmt.Errorf("%w: %w", ErrDisconnected, err)
	} else if !f.ended {
		err = ErrDisconnected
	}
	f.mu.Unlock()
	(*Feed)(f).end(err)
}
