package http1

import "bytes"

var (
	errTarget    = &Error{400, "the request target holds a byte that must be percent-encoded (RFC 3986 section 2)"}
	errFragment  = &Error{400, "the request target has a fragment (RFC 9112 section 3.2)"}
	errForm      = &Error{400, "the request target has none of the forms that its method allows (RFC 9112 section 3.2)"}
	errAuthority = &Error{400, "the authority of the request target is invalid (RFC 9110 section 4.2)"}
)

// target parses h.Target in one of the four forms of RFC 9112 section 3.2.
//
// Bytes: a path may hold what RFC 3986 allows and [ ] | ^ as well; a query in addition \ ` { }. Those are what browsers
// send as they are (the path and query percent-encode sets of the WHATWG URL standard, "^" in a path up to 2023). No
// browser sends " < > anywhere or \ ` { } in a path, so there they are refused, like white space, controls and bytes
// from 0x80. Percent-escapes are the router's to check.
func (h *Head) target(buf []byte) *Error {
	t := h.Target.Of(buf)
	method := h.Method.Of(buf)
	switch {
	case string(method) == "CONNECT":
		// RFC 9112 section 3.2.3: authority-form is for CONNECT, and CONNECT takes no other. RFC 9110 section 9.3.6: "MUST
		// reject a CONNECT request that targets an empty or invalid port number".
		host, port, ok := splitAuthority(t)
		if !ok || len(host) == 0 || len(port) == 0 {
			return errAuthority
		}
		h.Host = h.Target
		h.seen |= targetHost
		return nil
	case t[0] == '/':
		return h.pathAndQuery(buf, h.Target)
	case string(t) == "*" && string(method) == "OPTIONS":
		// RFC 9112 section 3.2.4: asterisk-form is for a server-wide OPTIONS only.
		h.Path = h.Target
		return nil
	}
	return h.absoluteForm(buf)
}

// absoluteForm parses scheme, authority, path and query: RFC 9112 section 3.2.2.
func (h *Head) absoluteForm(buf []byte) *Error {
	t := h.Target.Of(buf)
	from := 0
	for _, scheme := range [...]string{"http://", "https://"} {
		if len(t) >= len(scheme) && EqualFold(t[:len(scheme)], scheme) {
			from = len(scheme)
		}
	}
	if from == 0 {
		return errForm
	}
	to := from
	for to < len(t) && t[to] != '/' && t[to] != '?' && t[to] != '#' {
		to++
	}
	// RFC 9110 section 4.2.1: an http URI with an empty host is invalid. Section 4.2.4: userinfo is refused as "@" is no
	// byte of a host.
	host, _, ok := splitAuthority(t[from:to])
	if !ok || len(host) == 0 {
		return errAuthority
	}
	h.Host = Span{h.Target.Start + uint32(from), h.Target.Start + uint32(to)}
	h.seen |= targetHost
	return h.pathAndQuery(buf, Span{h.Host.End, h.Target.End})
}

// pathAndQuery parses what follows the authority, or the whole target in origin-form.
func (h *Head) pathAndQuery(buf []byte, s Span) *Error {
	t := s.Of(buf)
	i := 0
	for i < len(t) && class[t[i]]&inPath != 0 {
		i++
	}
	h.Path = Span{s.Start, s.Start + uint32(i)}
	if i < len(t) && t[i] == '?' {
		i++
		h.HasQuery = true
		h.Query = Span{s.Start + uint32(i), s.End}
		for i < len(t) && class[t[i]]&inQuery != 0 {
			i++
		}
	}
	switch {
	case i == len(t):
		return nil
	case bytes.IndexByte(t, '#') >= 0:
		return errFragment
	}
	return errTarget
}
