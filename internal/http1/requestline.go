package http1

import "bytes"

var (
	errMethod      = &Error{400, "the method is empty or not a token (RFC 9110 section 9.1)"}
	errMethodSize  = &Error{501, "the method is longer than any that is known (RFC 9112 section 3)"}
	errRequestLine = &Error{400, "the request line is not method SP target SP version (RFC 9112 section 3)"}
	errVersion     = &Error{400, "the version is not HTTP/DIGIT.DIGIT or is older than HTTP/1.0 (RFC 9112 section 2.3)"}
	errMajor       = &Error{505, "the major version is not 1 (RFC 9110 section 15.6.6)"}
	errTargetSize  = &Error{414, "the request target is over the limit (RFC 9110 section 15.5.15)"}
)

// maxMethod is the length of the longest method that is looked at. The longest registered one, UPDATEREDIRECTREF, has 17.
const maxMethod = 32

const lenVersion = len(" HTTP/1.1")

// requestLineRoom is the length of the longest request line, its end included. Whatever is longer is refused without
// waiting for its end.
func requestLineRoom(lim *Limits) int {
	return maxMethod + len(" ") + min(lim.Target, maxHead/2) + lenVersion + len("\r\n")
}

// firstLine parses buf[h.begin:end]: the request line, or the empty line before it.
func (h *Head) firstLine(buf []byte, end int, lim *Limits) *Error {
	// RFC 9112 section 2.2: "SHOULD ignore at least one empty line (CRLF) received prior to the request-line". One it is.
	if h.begin == end && h.progress == atStart {
		h.progress = atRequestLine
		return nil
	}
	h.progress = atField
	return h.requestLine(buf, end, lim)
}

// requestLine parses buf[h.begin:end]. RFC 9112 section 3: request-line = method SP request-target SP HTTP-version. The
// lenient splitting at any white space that the section permits is not done.
func (h *Head) requestLine(buf []byte, end int, lim *Limits) *Error {
	line := buf[h.begin:end]
	i := tokenLength(line)
	if i == 0 && len(line) > 0 && isSpace(line[0]) {
		return errFolded
	}
	switch {
	case i == 0:
		return errMethod
	case i > maxMethod:
		return errMethodSize
	}
	if i == len(line) || line[i] != ' ' {
		return errRequestLine
	}
	rest := len(line) - i - 1
	if rest-lenVersion > lim.Target {
		return refuseLongRest(line[i+1:], lim)
	}
	// An HTTP/0.9 request ends behind its target, and is not served.
	if rest <= lenVersion || line[len(line)-lenVersion] != ' ' {
		return errRequestLine
	}
	h.ContentLength = -1
	h.Method = Span{uint32(h.begin), uint32(h.begin + i)}
	h.Target = Span{h.Method.End + 1, uint32(end - lenVersion)}
	if err := h.version(line[len(line)-lenVersion+1:]); err != nil {
		return err
	}
	return h.target(buf)
}

// version reads the version before anything is made of the target, so that the preface of HTTP/2 is answered 505.
func (h *Head) version(v []byte) *Error {
	// RFC 9112 section 2.3: HTTP-version = HTTP-name "/" DIGIT "." DIGIT, and HTTP-name is case-sensitive.
	if string(v[:5]) != "HTTP/" || v[6] != '.' || class[v[5]]&class[v[7]]&inNumber == 0 || v[5] == '0' {
		return errVersion
	}
	if v[5] != '1' {
		return errMajor
	}
	// RFC 9110 section 2.5: a higher minor version is processed as the highest that is implemented.
	h.Minor = min(int(v[7]-'0'), 1)
	return nil
}

// refuseLongLine says what is too long in a request line of which b is the start.
func refuseLongLine(b []byte, lim *Limits) *Error {
	switch {
	case len(b) <= maxMethod:
		return errHead
	case tokenLength(b) > maxMethod:
		return errMethodSize
	case bytes.IndexByte(b[:maxMethod+1], ' ') < 0:
		return errMethod
	}
	return refuseLongRest(b[bytes.IndexByte(b, ' ')+1:], lim)
}

// refuseLongRest says what is too long behind the method: the target, unless that has ended within its limit.
func refuseLongRest(rest []byte, lim *Limits) *Error {
	if bytes.IndexByte(rest[:min(len(rest), lim.Target+1)], ' ') >= 0 {
		return errRequestLine
	}
	return errTargetSize
}
