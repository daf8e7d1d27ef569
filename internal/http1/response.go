package http1

import (
	"net/http"
	"strconv"
)

// Framing says how the peer finds the end of a response (RFC 9112 section 6.3).
type Framing uint8

const (
	FramingNone    Framing = iota // no body whatever the fields say: to HEAD, 1xx, 204, 304, and 2xx to CONNECT
	FramingLength                 // Content-Length
	FramingChunked                // Transfer-Encoding: chunked
	FramingClose                  // the connection closes behind it: no length, and a peer that knows no chunks
)

// ResponseFraming chooses the framing of a response to a request with this method and minor version. length is the number
// of bytes of the body, or -1 while it is unknown. A 205 always gets FramingLength, and its length must be 0 (RFC 9110
// section 15.3.6).
func ResponseFraming(method []byte, status, minor int, length int64) Framing {
	switch {
	case status < 200, status == 204, status == 304, string(method) == "HEAD":
		return FramingNone
	case status < 300 && string(method) == "CONNECT":
		return FramingNone
	case length >= 0, status == 205:
		return FramingLength
	// RFC 9112 section 6.1: "A server MUST NOT send a response containing Transfer-Encoding unless the corresponding
	// request indicates HTTP/1.1 (or later minor revisions)".
	case minor >= 1:
		return FramingChunked
	}
	return FramingClose
}

// AppendStatusLine appends the status line, with the standard phrase or with none (RFC 9112 section 4: the space before
// it stays). The version is always HTTP/1.1, also to an HTTP/1.0 request (RFC 9110 section 2.5). A status has three
// digits; one that has not, which callers should never let come so far, is sent as 500.
func AppendStatusLine(dst []byte, status int) []byte {
	if status == http.StatusOK {
		return append(dst, "HTTP/1.1 200 OK\r\n"...)
	}
	if status < 100 || status > 999 {
		status = http.StatusInternalServerError
	}
	dst = append(dst, "HTTP/1.1 "...)
	dst = append(dst, byte('0'+status/100), byte('0'+status/10%10), byte('0'+status%10), ' ')
	dst = append(dst, http.StatusText(status)...)
	return append(dst, "\r\n"...)
}

// AppendField appends one field line. It checks nothing: what comes from outside passes ValidName and ValidValue first.
func AppendField(dst []byte, name, value string) []byte {
	dst = append(dst, name...)
	dst = append(dst, ": "...)
	dst = append(dst, value...)
	return append(dst, "\r\n"...)
}

// AppendContentLength appends a Content-Length field, for FramingLength.
func AppendContentLength(dst []byte, n int64) []byte {
	dst = append(dst, "Content-Length: "...)
	dst = strconv.AppendInt(dst, n, 10)
	return append(dst, "\r\n"...)
}

// AppendChunk appends one whole chunk, for FramingChunked (RFC 9112 section 7.1). Of no data it makes no chunk, because
// an empty one ends the body.
func AppendChunk(dst, data []byte) []byte {
	if len(data) == 0 {
		return dst
	}
	dst = AppendChunkHead(dst, len(data))
	dst = append(dst, data...)
	return append(dst, "\r\n"...)
}

// AppendChunkHead appends the line before the data of a chunk of n > 0 bytes, for data that is not copied. The caller
// sends n bytes and CRLF behind it.
func AppendChunkHead(dst []byte, n int) []byte {
	dst = strconv.AppendInt(dst, int64(n), 16)
	return append(dst, "\r\n"...)
}

// AppendLastChunk appends the chunk that ends a body. The caller sends trailer fields, if any, and CRLF behind it.
func AppendLastChunk(dst []byte) []byte { return append(dst, "0\r\n"...) }
