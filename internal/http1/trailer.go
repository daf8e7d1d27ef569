package http1

var (
	errTrailerSize   = &Error{431, "the trailer is over the limit (RFC 6585 section 5)"}
	errTrailerFields = &Error{431, "more trailer fields than the limit (RFC 6585 section 5)"}
	errTrailerField  = &Error{400, "a trailer holds a field that may not stand there (RFC 9110 section 6.5.1)"}
	errTrailerEnd    = &Error{400, "a bare CR where the trailer ends (RFC 9112 section 7.1.2)"}
)

const (
	maxTrailer       = 8 << 10
	maxTrailerFields = 32
	keptTrailer      = 1 << 10 // the largest room that a reused Body keeps
)

// trailer is the trailer section of a chunked body, collected line by line.
type trailer struct {
	bytes  []byte
	fields []Field
	begin  int // offset of the line at hand
}

// reset returns an empty trailer with the room of t, unless that is unusually large.
func (t *trailer) reset() trailer {
	if cap(t.bytes) > keptTrailer {
		return trailer{}
	}
	return trailer{bytes: t.bytes[:0], fields: t.fields[:0]}
}

// trail reads one byte behind the last chunk.
func (b *Body) trail(c byte) *Error {
	switch {
	case b.progress == trailerEndLF && c != '\n':
		return errTrailerEnd
	case b.progress == trailerEndLF:
		b.progress = bodyDone
		return nil
	case b.progress == trailerStart && c == '\r':
		b.progress = trailerEndLF
		return nil
	}
	b.progress = trailerLine
	t := &b.trailer
	if len(t.bytes) == maxTrailer {
		return errTrailerSize
	}
	t.bytes = append(t.bytes, c)
	if c == '\n' {
		b.progress = trailerStart
		return t.endOfLine()
	}
	return nil
}

// endOfLine parses the line that has just ended.
func (t *trailer) endOfLine() *Error {
	line := t.bytes[t.begin:]
	if len(line) < 2 || line[len(line)-2] != '\r' {
		return errBareLF
	}
	if len(t.fields) == maxTrailerFields {
		return errTrailerFields
	}
	name, from, to, err := parseField(line[:len(line)-2])
	if err != nil {
		return err
	}
	if !allowedInTrailer(line[:name]) {
		return errTrailerField
	}
	t.fields = append(t.fields, Field{
		Name:  Span{uint32(t.begin), uint32(t.begin + name)},
		Value: Span{uint32(t.begin + from), uint32(t.begin + to)},
	})
	t.begin = len(t.bytes)
	return nil
}

// allowedInTrailer names what RFC 9110 section 6.5.1 keeps out: framing, routing, request modifiers, authentication, and
// what one must know before the content.
func allowedInTrailer(name []byte) bool {
	for _, refused := range [...]string{
		"Content-Length", "Transfer-Encoding", "Trailer",
		"Host", "Connection", "Upgrade", "Expect", "TE",
		"Authorization", "Proxy-Authorization", "Cookie",
		"Content-Encoding", "Content-Type", "Content-Range",
	} {
		if EqualFold(name, refused) {
			return false
		}
	}
	return true
}
