package http1

var errBodySize = &Error{413, "the body is over the limit (RFC 9110 section 15.5.14)"}

// Body is what is left of one message body, and knows where it ends: after Content-Length bytes or after the last chunk
// (RFC 9112 section 6.3). It keeps no payload. The zero value is an empty body that is done. It belongs to one
// connection at a time, and Begin makes it new for the next message.
type Body struct {
	progress bodyProgress
	left     int64 // payload bytes left of a counted body, or of the chunk at hand
	room     int64 // payload bytes that chunks yet to come may bring
	digits   int   // of the chunk size at hand
	overhead int   // bytes of chunk extensions, of the whole body
	trailer  trailer
	refused  *Error
}

// bodyProgress says what the next byte of a body belongs to. Body.Next, Body.step and what step calls move it.
type bodyProgress uint8

const (
	bodyDone    bodyProgress = iota
	bodyCounted              // a body with a Content-Length

	chunkSize          // a digit of the size, or what ends it
	chunkSizeSpace     // white space behind the size or behind an extension's value: ";" must follow
	chunkExtName       // behind ";", before the first byte of a name
	chunkExtNameRest   // in a name
	chunkExtNameSpace  // white space behind a name: "=" or ";" must follow
	chunkExtValue      // behind "=", before the first byte of a value
	chunkExtToken      // in a value that is a token
	chunkExtQuoted     // in a value that is a quoted string
	chunkExtQuotedPair // behind a backslash in a quoted string
	chunkExtQuotedEnd  // behind the closing quote
	chunkSizeLF        // behind the CR of the line with the size
	chunkData          // payload
	chunkDataCR        // behind the payload of a chunk
	chunkDataLF        // behind the CR behind the payload of a chunk
	trailerStart       // at the start of a line behind the last chunk
	trailerLine        // in a trailer field
	trailerEndLF       // behind the CR of the empty line that ends the body
)

// Begin prepares b for the body that follows h. limit is the largest number of payload bytes; math.MaxInt64 means that
// there is none. A Content-Length over the limit fails the first Next, before a byte of the body has arrived.
func (b *Body) Begin(h *Head, limit int64) {
	if !h.Chunked && h.ContentLength <= 0 && b.isEmpty() {
		return // most requests have none
	}
	*b = Body{room: limit, trailer: b.trailer.reset()}
	switch {
	case h.Chunked:
		b.progress = chunkSize
	case h.ContentLength > limit:
		b.progress, b.refused = bodyCounted, errBodySize
		b.left = h.ContentLength
	case h.ContentLength > 0:
		b.progress, b.left = bodyCounted, h.ContentLength
	}
}

// isEmpty reports whether b shows nothing, as behind a head without a body.
func (b *Body) isEmpty() bool {
	return b.progress == bodyDone && b.refused == nil && len(b.trailer.bytes) == 0
}

// Next takes n bytes off the front of in: framing, and behind it at most one run of payload, which it returns as a view
// into in. Call it again with in[n:] until Done. When it returns no data and is not done it has taken all of in and needs
// more; in may be empty. It never takes a byte behind the end of the body. However the bytes were split, the payload is
// the same, and so is an error, which is an *Error and final.
func (b *Body) Next(in []byte) (data []byte, n int, err error) {
	if b.refused != nil {
		return nil, 0, b.refused
	}
	for n < len(in) && b.progress != bodyDone {
		if b.progress == bodyCounted || b.progress == chunkData {
			data = b.take(in[n:])
			return data, n + len(data), nil
		}
		if b.refused = b.step(in[n]); b.refused != nil {
			return nil, n, b.refused
		}
		n++
	}
	return nil, n, nil
}

// Done reports whether the body has ended, trailer included.
func (b *Body) Done() bool { return b.progress == bodyDone }

// Remaining returns the number of bytes that are still to come of a body with a Content-Length, 0 when b is done, and -1
// when only the chunks to come can tell.
func (b *Body) Remaining() int64 {
	switch b.progress {
	case bodyDone:
		return 0
	case bodyCounted:
		return b.left
	}
	return -1
}

// Trailer returns the trailer fields of a chunked body that is done, as spans of the bytes returned with them, which are
// b's own copy and last until the next Begin. A trailer may have 32 fields and 8 kB, otherwise the body is refused with
// 431. Fields that frame, route, authenticate or describe the body do not belong there (RFC 9110 section 6.5.1): the body
// is refused with 400.
func (b *Body) Trailer() ([]byte, []Field) {
	if !b.Done() {
		return nil, nil
	}
	return b.trailer.bytes, b.trailer.fields
}

// take returns the payload at the front of in, which is not empty.
func (b *Body) take(in []byte) []byte {
	data := in[:min(int64(len(in)), b.left)]
	if b.left -= int64(len(data)); b.left > 0 {
		return data
	}
	if b.progress == bodyCounted {
		b.progress = bodyDone
	} else {
		b.progress = chunkDataCR
	}
	return data
}
