package hyperlane

import (
	"io"
	"net/http"
)

// errBodyLimit is answered for a body that is over its limit.
var errBodyLimit = Errorf(http.StatusRequestEntityTooLarge, "")

// Body returns the whole body. A body that was not read before the handler ran is read now; the error then is an [Error] with status
// 413 over the limit, 408 if it comes too slowly, 400 if it is malformed, or what ended the connection.
func (r *Request) Body() ([]byte, error) {
	body, err := r.BodyView()
	if err != nil || r.streaming {
		return body, err // a body that was streamed is never reused
	}
	return append([]byte(nil), body...), nil
}

// BodyView returns what Body does, as a view that ends with the handler.
func (r *Request) BodyView() ([]byte, error) {
	r.c.inUse()
	if r.buffered || r.bodyErr == io.EOF {
		return r.body, nil
	}
	if r.bodyErr != nil {
		return nil, r.bodyErr
	}
	body, err := io.ReadAll(r.BodyReader())
	if err != nil {
		return nil, err // the reader has noted it
	}
	r.body, r.buffered = body, true
	r.read, r.bodyErr = 0, nil // a reader, FromHTTP's say, gives it again
	return body, nil
}

// BodyReader returns a reader of the body, for one that is large or endless. The reader ends with the handler; Close does nothing. What
// it has read, Body does not return again.
func (r *Request) BodyReader() io.Reader {
	r.c.inUse()
	return (*bodyReader)(r)
}

// ContentLength returns the number of bytes that the client has declared, or -1.
func (r *Request) ContentLength() int64 {
	r.c.inUse()
	h := r.head()
	if h.ContentLength < 0 && !h.Chunked {
		return 0
	}
	return h.ContentLength
}

// Trailer returns the value of the first field of that name behind the body (RFC 9110 section 6.5), or "". It is there once the body was
// read to its end. A trailer comes too late for what decides how a request is treated: take no more from it than a checksum.
func (r *Request) Trailer(name string) string {
	r.c.inUse()
	return r.c.wire.trailer().Get(name)
}

// limitBody lowers the limit of this body.
func (r *Request) limitBody(n int64) error {
	r.maxBody = min(r.maxBody, n)
	if r.head().ContentLength > r.maxBody || int64(len(r.body)) > r.maxBody {
		return errBodyLimit
	}
	return nil
}

// fail notes that nothing more can be read, for good.
func (r *Request) fail(err error) {
	r.bodyErr = err
	r.failed.Store(err != io.EOF)
}

type bodyReader Request

// Read gives the buffered body first, then what comes over the wire.
func (b *bodyReader) Read(p []byte) (int, error) {
	r := (*Request)(b)
	r.c.inUse()
	if r.bodyErr == nil && r.head().ContentLength > r.maxBody {
		r.fail(errBodyLimit) // before memory or time follows what is announced
	}
	if r.bodyErr != nil {
		return 0, r.bodyErr
	}
	if len(p) == 0 {
		return 0, nil
	}
	if r.buffered {
		n := copy(p, r.body[min(r.read, int64(len(r.body))):])
		r.read += int64(n)
		if n == 0 {
			return 0, io.EOF
		}
		return n, nil
	}
	n, err := r.c.wire.readBody(r.c, p)
	r.read += int64(n)
	if r.read > r.maxBody {
		err = errBodyLimit
	}
	if err != nil {
		r.fail(err)
	}
	return n, err
}
