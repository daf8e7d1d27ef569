package hyperlane

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/hyperlane-go/hyperlane/internal/http1"
)

// Response is what will be answered. Its setters return it, for a chain. Until the head has left (Committed) everything can be
// changed; afterwards setters have no effect. It belongs to its Context.
type Response struct {
	c       *Context
	status  int
	fields  []field
	trailer []field

	bytes  []byte // the body, unless text or reader is set
	text   string
	reader io.Reader
	length int64 // of reader, or declared for a stream; -1 is unknown

	buffer    []byte  // memory for bodies, kept
	stream    *Stream // not nil while a body is streamed
	committed bool    // the head has left
	sent      int64   // bytes of the body that have left
	mistake   error   // the first misuse: it becomes a 500
	upgrade   Protocol
	feed      *Feed // what goes on after the handler; dropped like a body
}

type field struct{ name, value string }

// is reports whether f has that name. Names are ASCII, so equal ones are equally long.
func (f *field) is(name string) bool {
	return len(f.name) == len(name) && strings.EqualFold(f.name, name)
}

// reset makes r ready for another request. Every field but c is named here.
func (r *Response) reset() {
	r.dropBody()
	r.status = 0
	clear(r.fields)
	clear(r.trailer)
	r.fields, r.trailer = r.fields[:0], r.trailer[:0]
	if cap(r.buffer) > 64<<10 {
		r.buffer = nil
	}
	r.stream, r.committed, r.sent, r.mistake, r.upgrade = nil, false, 0, nil, nil
}

// SetStatus sets the status, from 200 to 999, or 101 with an upgrade. Without it the status is 200.
func (r *Response) SetStatus(status int) *Response {
	r.c.inUse()
	if status < 101 || status > 999 {
		r.misuse(fmt.Errorf("response status %d", status))
		return r
	}
	if !r.committed {
		r.status = status
	}
	return r
}

// Status returns the status that will be sent or was sent.
func (r *Response) Status() int {
	r.c.inUse()
	if r.status == 0 {
		return http.StatusOK
	}
	return r.status
}

// SetHeader sets a field and removes others with that name. A name or value that would break the message (a line break, say)
// is refused: the answer becomes a 500, and the log says why. Connection, Content-Length and Transfer-Encoding frame the
// message, which is the server's to do: "Connection: close" is heeded, a Content-Length only for a stream and for HEAD.
func (r *Response) SetHeader(name, value string) *Response {
	r.c.inUse()
	if r.fits(name, value) {
		r.set(name, value)
	}
	return r
}

// AddHeader adds a field besides others with that name.
func (r *Response) AddHeader(name, value string) *Response {
	r.c.inUse()
	if r.fits(name, value) {
		r.fields = append(r.fields, field{name, value})
	}
	return r
}

// DelHeader removes all fields with that name.
func (r *Response) DelHeader(name string) *Response {
	r.c.inUse()
	if r.committed {
		return r
	}
	kept := r.fields[:0]
	for _, f := range r.fields {
		if !f.is(name) {
			kept = append(kept, f)
		}
	}
	clear(r.fields[len(kept):])
	r.fields = kept
	return r
}

// Header returns the value of the first field with that name that was set, or "".
func (r *Response) Header(name string) string {
	r.c.inUse()
	for i := range r.fields {
		if r.fields[i].is(name) {
			return r.fields[i].value
		}
	}
	return ""
}

// Headers returns the fields that were set.
func (r *Response) Headers() Header {
	r.c.inUse()
	return func(yield func(string, string) bool) {
		for _, f := range r.fields {
			if !yield(f.name, f.value) {
				return
			}
		}
	}
}

// SetCookie adds a Set-Cookie field. A cookie that is not valid is refused as a bad header is.
func (r *Response) SetCookie(cookie *http.Cookie) *Response {
	if err := cookie.Valid(); err != nil {
		r.misuse(err)
		return r
	}
	return r.AddHeader("Set-Cookie", cookie.String())
}

// SetTrailer sets a field that is sent behind a streamed body, to a client that can take it.
func (r *Response) SetTrailer(name, value string) *Response {
	r.c.inUse()
	if !http1.ValidName(name) || !http1.ValidValue(value) {
		r.misuse(fmt.Errorf("response trailer %q: %q", name, value))
		return r
	}
	r.trailer = append(r.trailer, field{name, value})
	return r
}

// SetBody sets the body. It must not be changed afterwards. Without a Content-Type it is sent as application/octet-stream.
func (r *Response) SetBody(body []byte) *Response {
	r.c.inUse()
	if !r.committed {
		r.dropBody()
		r.bytes = body
	}
	return r
}

// SetBodyString sets the body. Without a Content-Type it is sent as text/plain in UTF-8.
func (r *Response) SetBodyString(body string) *Response {
	r.c.inUse()
	if !r.committed {
		r.dropBody()
		r.text = body
	}
	return r
}

// SetBodyReader has the body read from body after the response phase: length bytes, or all that come if length is -1. A body that
// is an io.Closer is closed, whatever happens. A reader that ends early or fails breaks the connection off, so that the client
// does not take half for the whole.
func (r *Response) SetBodyReader(body io.Reader, length int64) *Response {
	r.c.inUse()
	if !r.committed {
		r.dropBody()
		r.reader, r.length = body, length
	}
	return r
}

// Body returns the body that was set as bytes or string, or nil.
func (r *Response) Body() []byte {
	r.c.inUse()
	if r.text != "" {
		return []byte(r.text)
	}
	return append([]byte(nil), r.bytes...)
}

// Committed reports whether the head has left, so that the response cannot be changed.
func (r *Response) Committed() bool {
	r.c.inUse()
	return r.committed
}

// Size returns the number of bytes of the body that have left.
func (r *Response) Size() int64 {
	r.c.inUse()
	return r.sent
}

// set is SetHeader for what is known to be valid.
func (r *Response) set(name, value string) {
	if r.committed {
		return
	}
	for i := range r.fields {
		if r.fields[i].is(name) {
			r.fields[i] = field{name, value}
			for j := len(r.fields) - 1; j > i; j-- {
				if r.fields[j].is(name) {
					r.fields = append(r.fields[:j], r.fields[j+1:]...)
				}
			}
			return
		}
	}
	r.fields = append(r.fields, field{name, value})
}

func (r *Response) setBuffer(body []byte) {
	if !r.committed {
		r.dropBody()
		r.bytes = body
	}
}

// fits reports whether a field may be sent now.
func (r *Response) fits(name, value string) bool {
	if !http1.ValidName(name) || !http1.ValidValue(value) {
		r.misuse(fmt.Errorf("response header %q: %q", name, value))
		return false
	}
	return !r.committed
}

func (r *Response) misuse(err error) {
	if r.mistake == nil {
		r.mistake = err
	}
}

func (r *Response) dropBody() {
	r.dropFeed()
	if closer, ok := r.reader.(io.Closer); ok {
		closer.Close()
	}
	r.bytes, r.text, r.reader, r.length = nil, "", nil, -1
}

// knownLength returns the length of the body that will be sent, or -1.
func (r *Response) knownLength() int64 {
	switch {
	case r.reader != nil:
		return r.length
	case r.text != "":
		return int64(len(r.text))
	}
	return int64(len(r.bytes))
}

// declaredLength returns the Content-Length that was set as a header, or -1.
func (r *Response) declaredLength() int64 {
	if text := r.Header("Content-Length"); text != "" {
		if n, err := strconv.ParseInt(text, 10, 64); err == nil && n >= 0 {
			return n
		}
	}
	return -1
}
