package hyperlane

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"

	"github.com/hyperlane-go/hyperlane/internal/engine"
	"github.com/hyperlane-go/hyperlane/internal/http1"
)

// h1Wire is the wire of a request that came over HTTP/1.1. It belongs to the goroutine that owns the turn; but while the handler reads
// the body, it may do so on another goroutine than the one that writes (httputil.ReverseProxy does). Then the reader has body and the
// turn's input, and mu guards the rest, the turn's output too.
type h1Wire struct {
	mu sync.Mutex

	conn      *conn
	turn      *engine.Turn
	body      http1.Body // what is left of the request's body
	framing   http1.Framing
	left      int64 // bytes that a body with a declared length is still to bring
	streaming bool  // the request's body is read by the handler
	expect    bool  // and its first read sends 100 (Continue)
	keepAlive bool
	hijacked  bool
	failed    bool // a write has failed

	// While the handler reads the body nobody else may: a watch that is wanted meanwhile begins behind it. Whoever comes second begins it.
	wanted, read atomic.Bool
}

// reset makes w ready for another request. It keeps the body, for the memory of its trailer; Begin makes that new.
func (w *h1Wire) reset(co *conn, t *engine.Turn) {
	w.conn, w.turn = co, t
	w.framing, w.left = 0, 0
	if w.streaming {
		w.wanted.Store(false)
		w.read.Store(false)
	}
	w.streaming, w.expect, w.keepAlive, w.hijacked, w.failed = false, false, false, false, false
}

// lock keeps reader and writer apart. Without a body to be read there is no reader.
func (w *h1Wire) lock() {
	if w.streaming {
		w.mu.Lock()
	}
}

func (w *h1Wire) unlock() {
	if w.streaming {
		w.mu.Unlock()
	}
}

func (w *h1Wire) readBody(_ *Context, p []byte) (int, error) {
	n, err := w.nextBody(p)
	if w.body.Done() {
		if w.read.Store(true); w.wanted.Load() {
			w.turn.Watch()
		}
	}
	return n, err
}

func (w *h1Wire) nextBody(p []byte) (int, error) {
	w.lock()
	defer w.unlock()
	t := w.turn
	for !w.body.Done() {
		data, used, err := w.body.Next(t.In[:min(len(p), len(t.In))])
		n := copy(p, data)
		t.In = t.In[used:]
		if err != nil {
			w.keepAlive = false
			return n, err
		}
		if n > 0 {
			return n, nil
		}
		if used > 0 {
			continue
		}
		if w.expect {
			w.expect = false
			t.Out = append(t.Out, "HTTP/1.1 100 Continue\r\n\r\n"...)
		}
		if len(t.Out) > 0 {
			if err := w.passed(t.Flush()); err != nil {
				return 0, err
			}
		}
		if err := w.fillBody(); err != nil {
			return 0, err
		}
	}
	return 0, io.EOF
}

// fillBody waits for more of the body. Meanwhile another goroutine may write.
func (w *h1Wire) fillBody() error {
	w.unlock()
	err := w.turn.Fill(engine.AwaitBody)
	w.lock()
	if err == nil {
		return nil
	}
	w.keepAlive = false
	switch {
	case err == engine.ErrTimeout:
		return errBodyTimeout
	case err == engine.ErrInterrupted:
		return errBodyStopped
	}
	w.conn.Hangup()
	if errors.Is(err, io.EOF) {
		return errBodyCut
	}
	return &Error{Status: errBodyCut.Status, Detail: errBodyCut.Detail, Cause: err}
}

func (w *h1Wire) stopReading(*Context) { w.turn.Interrupt() }

func (w *h1Wire) breakOff(*Context) { w.conn.handle.Close() }

func (w *h1Wire) trailer() http.Header {
	raw, fields := w.body.Trailer()
	if len(fields) == 0 {
		return nil
	}
	trailer := make(http.Header, len(fields))
	for _, f := range fields {
		trailer.Add(string(f.Name.Of(raw)), string(f.Value.Of(raw)))
	}
	return trailer
}

// drainLimit is how much of a body that nobody wanted is read for the sake of the connection.
const drainLimit = 256 << 10

// undrainable reports whether it is known already that the body will not be read to its end.
func (w *h1Wire) undrainable() bool {
	return w.streaming && !w.body.Done() && (w.expect || w.body.Remaining() > drainLimit)
}

// drain reads what is left of a body that nobody wanted, if that is little, so that the connection can go on.
func (w *h1Wire) drain() bool {
	if w.expect {
		return false // the client was never told to send it, and may or may not
	}
	scratch := make([]byte, 4<<10)
	for left := drainLimit; left > 0; {
		n, err := w.nextBody(scratch) // the handler is over: nobody watches
		if err != nil {
			return err == io.EOF
		}
		left -= n
	}
	return false
}

func (w *h1Wire) begin(c *Context, length int64) error {
	w.lock()
	defer w.unlock()
	r := &c.Response
	method := c.Request.methodView()
	w.framing = http1.ResponseFraming(method, r.Status(), c.exchange.head.Minor, length)
	if w.framing == http1.FramingLength && length < 0 {
		length = 0 // a 205 has no body, which it says
	}
	w.left = length
	if w.framing == http1.FramingClose || w.undrainable() || w.streaming && c.Request.failed.Load() || w.conn.server.shutting.Load() {
		w.keepAlive = false
	}
	w.turn.Out = w.appendHead(w.turn.Out, c, length)
	return nil
}

// appendHead writes the status line, the fields that are the server's to write, and those that were set.
func (w *h1Wire) appendHead(out []byte, c *Context, length int64) []byte {
	r := &c.Response
	s := w.conn.server
	out = http1.AppendStatusLine(out, r.Status())
	hasDate, hasServer, hasUpgrade := false, s.config.ServerName == "", false
	for i := range r.fields {
		f := &r.fields[i]
		switch len(f.name) {
		case len("Date"):
			hasDate = hasDate || f.is("Date")
		case len("Server"):
			hasServer = hasServer || f.is("Server")
		case len("Upgrade"):
			hasUpgrade = hasUpgrade || f.is("Upgrade")
		case len("Connection"): // and Keep-Alive
			if f.is("Connection") {
				if http1.HasToken([]byte(f.value), "close") {
					w.keepAlive = false
				}
				if r.Status() != http.StatusSwitchingProtocols {
					continue
				}
			}
			if f.is("Keep-Alive") {
				continue
			}
		case len("Content-Length"):
			if f.is("Content-Length") {
				continue
			}
		case len("Transfer-Encoding"):
			if f.is("Transfer-Encoding") {
				continue
			}
		}
		out = http1.AppendField(out, f.name, f.value)
	}
	if !hasDate {
		out = s.appendDate(out)
	}
	if !hasServer {
		out = http1.AppendField(out, "Server", s.config.ServerName)
	}
	if hasUpgrade && r.Status() != http.StatusSwitchingProtocols {
		out = append(out, "Connection: Upgrade\r\n"...) // RFC 9110 section 7.8: as every field that is for this connection only
	}
	out = w.appendFraming(out, c, length)
	return append(out, "\r\n"...)
}

func (w *h1Wire) appendFraming(out []byte, c *Context, length int64) []byte {
	switch w.framing {
	case http1.FramingLength:
		out = http1.AppendContentLength(out, length)
	case http1.FramingChunked:
		out = append(out, "Transfer-Encoding: chunked\r\n"...)
	case http1.FramingNone:
		status := c.Response.Status()
		if status == http.StatusSwitchingProtocols || status == http.StatusNoContent || status == http.StatusNotModified {
			break
		}
		// To HEAD: what GET would have said (RFC 9110 section 9.3.2), where it is known.
		if declared := c.Response.declaredLength(); declared >= 0 {
			length = declared
		}
		if length >= 0 && string(c.Request.methodView()) == http.MethodHead {
			out = http1.AppendContentLength(out, length)
		}
	}
	switch {
	case c.Response.Status() == http.StatusSwitchingProtocols:
	case !w.keepAlive:
		out = append(out, "Connection: close\r\n"...)
	case c.exchange.head.Minor == 0:
		out = append(out, "Connection: keep-alive\r\n"...)
	}
	return out
}

var errTooLong = errors.New("hyperlane: the body is longer than its declared length")

// copyBelow is the size of a body that is copied behind its head rather than sent from where it is.
const copyBelow = 16 << 10

func (w *h1Wire) write(c *Context, p []byte) error {
	w.lock()
	defer w.unlock()
	t := w.turn
	switch w.framing {
	case http1.FramingLength:
		if int64(len(p)) > w.left {
			return errTooLong
		}
		w.left -= int64(len(p))
	case http1.FramingChunked:
		t.Out = http1.AppendChunkHead(t.Out, len(p))
	}
	if len(p) < copyBelow {
		t.Out = append(t.Out, p...)
	} else if err := w.passed(t.Write(p)); err != nil {
		return err
	}
	if w.framing == http1.FramingChunked {
		t.Out = append(t.Out, "\r\n"...)
	}
	if len(t.Out) >= flushAt {
		return w.passed(t.Flush())
	}
	return nil
}

// passed notes that the connection takes no more.
func (w *h1Wire) passed(err error) error {
	if err == nil {
		return nil
	}
	w.failed = true
	return fmt.Errorf("%w: %w", ErrDisconnected, err)
}

func (w *h1Wire) sendFile(c *Context, f *os.File, offset, n int64) error {
	w.lock()
	defer w.unlock()
	if w.framing != http1.FramingLength || n > w.left {
		return errTooLong
	}
	w.left -= n
	return w.passed(w.turn.SendFile(f, offset, n))
}

func (w *h1Wire) flush(*Context) error {
	w.lock()
	defer w.unlock()
	return w.passed(w.turn.Flush())
}

func (w *h1Wire) inform(c *Context, status int) error {
	if c.exchange.head.Minor == 0 {
		return nil // RFC 9110 section 15.2: never to HTTP/1.0
	}
	w.lock()
	defer w.unlock()
	if status == http.StatusContinue {
		w.expect = false
	}
	out := http1.AppendStatusLine(w.turn.Out, status)
	for _, f := range c.Response.fields {
		if !f.ofTheFinalResponse() {
			out = http1.AppendField(out, f.name, f.value)
		}
	}
	w.turn.Out = append(out, "\r\n"...)
	return w.passed(w.turn.Flush())
}

// ofTheFinalResponse reports whether f says something of the message or the connection, and so has no place in an interim response (RFC
// 9110 section 8.6, RFC 9112 section 6.1).
func (f *field) ofTheFinalResponse() bool {
	for _, own := range [...]string{"Content-Length", "Transfer-Encoding", "Connection", "Keep-Alive", "Trailer"} {
		if f.is(own) {
			return true
		}
	}
	return false
}

// finish ends the body of a response that has begun.
func (w *h1Wire) finish(c *Context) {
	switch w.framing {
	case http1.FramingLength:
		if w.left > 0 {
			c.broken = true
		}
	case http1.FramingChunked:
		out := http1.AppendLastChunk(w.turn.Out)
		for _, f := range c.Response.trailer {
			out = http1.AppendField(out, f.name, f.value)
		}
		w.turn.Out = append(out, "\r\n"...)
	}
}

func (w *h1Wire) attach(c *Context, rc *requestContext) {
	w.conn.life.Store(rc)
	if w.conn.gone.Load() {
		rc.cancel(ErrDisconnected)
	}
}

func (w *h1Wire) watch(*Context) {
	if w.streaming {
		if w.wanted.Store(true); !w.read.Load() {
			return
		}
	}
	w.turn.Watch()
}

func (w *h1Wire) mayWait(*Context) { w.turn.GiveUpLoop() }

// hijacked is a connection that has left the server, and a buffer with what was read of it.
type hijacked struct {
	conn   net.Conn
	buffer *bufio.ReadWriter
}

func (w *h1Wire) hijack(c *Context) (hijacked, error) {
	nc, err := w.turn.Detach()
	if err != nil {
		return hijacked{}, err
	}
	w.hijacked = true
	return hijacked{nc, bufio.NewReadWriter(bufio.NewReader(nc), bufio.NewWriter(nc))}, nil
}
