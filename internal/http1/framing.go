package http1

import "math"

var (
	errNoHost          = &Error{400, "an HTTP/1.1 request without Host (RFC 9112 section 3.2)"}
	errTwoHosts        = &Error{400, "more than one Host field (RFC 9112 section 3.2)"}
	errHost            = &Error{400, "the value of Host is invalid (RFC 9112 section 3.2)"}
	errLength          = &Error{400, "Content-Length is not a number, or too large a number (RFC 9112 section 6.3)"}
	errTwoLengths      = &Error{400, "more than one Content-Length field (RFC 9112 section 6.3)"}
	errLengthAndCoding = &Error{400, "both Content-Length and Transfer-Encoding (RFC 9112 section 6.3)"}
	errOldCoding       = &Error{400, "Transfer-Encoding in an HTTP/1.0 request (RFC 9112 section 6.1)"}
	errCoding          = &Error{400, "Transfer-Encoding is malformed, or chunked is not last, or not once (RFC 9112 section 6.3)"}
	errUnknownCoding   = &Error{501, "a transfer coding other than chunked (RFC 9112 section 6.1)"}
	errExpect          = &Error{417, "an expectation other than 100-continue (RFC 9110 section 10.1.1)"}
)

// seen is a set of what the fields so far have said.
type seen uint8

const (
	targetHost   seen = 1 << iota // the target has an authority
	fieldHost                     // a Host field
	saysClose                     // Connection: close
	saysKeep                      // Connection: keep-alive
	saysUpgrade                   // Connection: upgrade
	offersOther                   // an Upgrade field
	expectsReply                  // Expect: 100-continue
)

// understand obeys f if it is one of the fields that decide about framing, routing or the connection.
func (h *Head) understand(buf []byte, f Field) *Error {
	name := f.Name.Of(buf)
	switch len(name) {
	case len("Host"):
		if EqualFold(name, "Host") {
			return h.host(buf, f.Value)
		}
	case len("Expect"):
		if EqualFold(name, "Expect") {
			return h.expect(f.Value.Of(buf))
		}
	case len("Upgrade"):
		if EqualFold(name, "Upgrade") {
			h.seen |= offersOther
		}
	case len("Connection"):
		if EqualFold(name, "Connection") {
			h.connection(f.Value.Of(buf))
		}
	case len("Content-Length"):
		if EqualFold(name, "Content-Length") {
			return h.contentLength(f.Value.Of(buf))
		}
	case len("Transfer-Encoding"):
		if EqualFold(name, "Transfer-Encoding") {
			return h.transferEncoding(f.Value.Of(buf))
		}
	}
	return nil
}

// host accepts an empty value: it is what a client sends whose target URI has no authority, and RFC 9112 section 3.3 lets
// a server apply a default then.
func (h *Head) host(buf []byte, value Span) *Error {
	if h.seen&fieldHost != 0 {
		return errTwoHosts
	}
	h.seen |= fieldHost
	if _, _, ok := splitAuthority(value.Of(buf)); !ok {
		return errHost
	}
	// RFC 9112 section 3.2.2: the server "MUST ignore the received Host header field (if any)" in absolute-form.
	// Whoever looks at the field sees what is in force.
	if h.seen&targetHost != 0 {
		h.Fields[len(h.Fields)-1].Value = h.Host
		return nil
	}
	h.Host = value
	return nil
}

func (h *Head) expect(value []byte) *Error {
	if !EqualFold(value, "100-continue") {
		return errExpect
	}
	h.seen |= expectsReply
	return nil
}

func (h *Head) connection(value []byte) {
	if EqualFold(value, "keep-alive") {
		h.seen |= saysKeep
		return
	}
	for len(value) > 0 {
		var option []byte
		option, value = cutMember(value)
		switch {
		case EqualFold(option, "close"):
			h.seen |= saysClose
		case EqualFold(option, "keep-alive"):
			h.seen |= saysKeep
		case EqualFold(option, "upgrade"):
			h.seen |= saysUpgrade
		}
	}
}

// contentLength takes digits only: no sign, no list, no second field, even where RFC 9112 section 6.3 would let a
// recipient repair equal values.
func (h *Head) contentLength(value []byte) *Error {
	switch {
	case h.Chunked:
		return errLengthAndCoding
	case h.ContentLength >= 0:
		return errTwoLengths
	case len(value) == 0:
		return errLength
	}
	var n int64
	for _, c := range value {
		digit := int64(c - '0')
		if class[c]&inNumber == 0 || n > (math.MaxInt64-digit)/10 {
			return errLength
		}
		n = n*10 + digit
	}
	h.ContentLength = n
	return nil
}

// transferEncoding takes "chunked" alone, once.
func (h *Head) transferEncoding(value []byte) *Error {
	switch {
	case h.Minor == 0:
		return errOldCoding
	case h.ContentLength >= 0:
		return errLengthAndCoding
	case h.Chunked:
		return errCoding
	case !EqualFold(value, "chunked"):
		return refuseCoding(value)
	}
	h.Chunked = true
	return nil
}

// refuseCoding tells a body of unknown codings from one whose end cannot be known.
func refuseCoding(value []byte) *Error {
	if len(value) == 0 || value[len(value)-1] == ',' {
		return errCoding
	}
	for {
		coding, rest := cutMember(value)
		name := tokenLength(coding)
		switch {
		case name == 0, EqualFold(coding[:name], "chunked") && (len(rest) > 0 || name < len(coding)):
			return errCoding
		case len(rest) == 0:
			return errUnknownCoding
		}
		value = rest
	}
}

// finish decides what depends on several fields, when all of them are known.
func (h *Head) finish() *Error {
	if h.Minor >= 1 && h.seen&fieldHost == 0 {
		return errNoHost
	}
	// RFC 9112 section 9.3: close wins; HTTP/1.1 persists by default, HTTP/1.0 on request.
	h.KeepAlive = h.seen&saysClose == 0 && (h.Minor >= 1 || h.seen&saysKeep != 0)
	// RFC 9110 section 10.1.1: "A server that receives a 100-continue expectation in an HTTP/1.0 request MUST ignore that
	// expectation", and it need not answer one that comes without content.
	h.Expect = h.seen&expectsReply != 0 && h.Minor >= 1 && (h.Chunked || h.ContentLength > 0)
	// RFC 9110 section 7.8: "A server MUST ignore an Upgrade header field that is received in an HTTP/1.0 request".
	h.Upgrade = h.seen&(offersOther|saysUpgrade) == offersOther|saysUpgrade && h.Minor >= 1
	return nil
}
