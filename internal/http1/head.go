package http1

import "bytes"

var errHead = &Error{431, "the head is over the limit (RFC 6585 section 5)"}

const (
	// maxHead bounds what Limits may ask for, so that offsets and sums of limits fit any int.
	maxHead = 1 << 29
	// keptFields is the largest room for fields that a reused Head keeps.
	keptFields = 256
)

// Head is the head of one request: request line and fields, as spans of the bytes it was parsed from. The zero value is
// ready to parse. It belongs to one connection at a time, and its spans mean something only together with those bytes.
type Head struct {
	Method Span // a token; methods are case-sensitive (RFC 9110 section 9.1)
	Target Span // as received

	Path     Span // of the target, with its percent-escapes; "*" in asterisk-form; empty in authority-form, and in absolute-form without a path
	Query    Span // of the target, without "?"
	HasQuery bool // the target has a "?", even if nothing follows it

	Host   Span    // the authority in force, with its port: the target's, else the Host field's (RFC 9112 section 3.2.2); may be empty
	Fields []Field // all fields in the order received, the ones below included; the value of Host is the authority in force

	Minor         int   // of the version: 0, or 1 for HTTP/1.1 and whatever HTTP/1.x comes later (RFC 9110 section 2.5)
	ContentLength int64 // -1: the message has no Content-Length
	Chunked       bool  // the body is chunked
	KeepAlive     bool  // the connection may carry another request after this one (RFC 9112 section 9.3)
	Expect        bool  // the client waits for 100 (Continue) before it sends a body that is not empty
	Upgrade       bool  // HTTP/1.1, an Upgrade field, and Connection names it (RFC 9110 section 7.8)

	progress progress
	seen     seen
	begin    int // offset of the line that comes next
	searched int // offset up to which there is no line end
	refused  *Error
}

// progress says which line of the head comes next. Head.parse moves it, forward only.
type progress uint8

const (
	atStart       progress = iota // nothing yet, or an incomplete first line
	atRequestLine                 // an empty line was skipped
	atField                       // after the request line
	atBody                        // the head is complete
)

// Parse parses a head at the start of buf. It returns the length of the head, or 0 and nil when the head is incomplete:
// call it again with the same bytes, wherever they lie by then, and more behind them, and with the same limits. What was
// searched is not searched again. An error is an *Error and final. Once Parse has returned a length or an error it
// repeats it until Reset.
//
// One empty line before the request line is skipped and counts as a part of the head (RFC 9112 section 2.2).
func (h *Head) Parse(buf []byte, lim *Limits) (n int, err error) {
	if h.refused == nil {
		n, h.refused = h.parse(buf, lim)
	}
	if h.refused != nil {
		return 0, h.refused
	}
	return n, nil
}

// Reset makes h ready for another head. It keeps the room for fields unless that is unusually large.
func (h *Head) Reset() {
	fields := h.Fields[:0]
	if cap(fields) > keptFields {
		fields = nil
	}
	*h = Head{Fields: fields}
}

// Find returns the value of the first field with this name; case is ignored. buf is what h was parsed from.
func (h *Head) Find(buf []byte, name string) (Span, bool) {
	for i := range h.Fields {
		f := &h.Fields[i]
		if f.Name.Len() == len(name) && EqualFold(f.Name.Of(buf), name) {
			return f.Value, true
		}
	}
	return Span{}, false
}

// Append adds a field whose bytes it appends to buf, and returns buf. It builds the Head of a request that something else
// has parsed: it checks nothing and sets no member of h but Fields.
func (h *Head) Append(buf []byte, name, value string) []byte {
	var f Field
	f.Name.Start = uint32(len(buf))
	buf = append(buf, name...)
	f.Name.End = uint32(len(buf))
	buf = append(buf, ": "...)
	f.Value.Start = uint32(len(buf))
	buf = append(buf, value...)
	f.Value.End = uint32(len(buf))
	h.Fields = append(h.Fields, f)
	return append(buf, "\r\n"...)
}

func (h *Head) parse(buf []byte, lim *Limits) (int, *Error) {
	for h.progress < atField {
		end, err := h.line(buf, lim, requestLineRoom(lim))
		if end == 0 {
			return 0, err
		}
		if err := h.firstLine(buf, end-2, lim); err != nil {
			return 0, err
		}
		h.begin, h.searched = end, end
	}
	room := min(lim.Field, maxHead) + len("\r\n")
	for h.progress == atField {
		end, err := h.line(buf, lim, room)
		if end == 0 {
			return 0, err
		}
		if end-2 == h.begin {
			err, h.progress = h.finish(), atBody
		} else {
			err = h.field(buf, end-2, lim)
		}
		if err != nil {
			return 0, err
		}
		h.begin, h.searched = end, end
	}
	return h.begin, nil
}

// line returns the offset behind the line that starts at h.begin, or 0 while it is incomplete. A line and its end must fit
// into room and into what the limit of the head leaves. It is the position of the first byte too many that decides which
// limit was broken, so an error does not depend on how many bytes are there already.
func (h *Head) line(buf []byte, lim *Limits, room int) (int, *Error) {
	stop := min(h.begin+room, lim.Head, maxHead)
	window := buf[h.searched:min(stop, len(buf))]
	i := bytes.IndexByte(window, '\n')
	if i < 0 {
		h.searched += len(window)
		if len(buf) >= stop {
			return 0, h.overflow(buf[h.begin:stop], room, lim)
		}
		return 0, nil
	}
	i += h.searched
	if i == h.begin || buf[i-1] != '\r' {
		return 0, errBareLF
	}
	return i + 1, nil
}

// overflow says which limit a line breaks; b is its start, up to the limit.
func (h *Head) overflow(b []byte, room int, lim *Limits) *Error {
	switch {
	case h.progress < atField:
		return refuseLongLine(b, lim)
	case len(b) == room:
		return errFieldTooBig
	}
	return errHead
}

// field parses the field line buf[h.begin:end].
func (h *Head) field(buf []byte, end int, lim *Limits) *Error {
	if len(h.Fields) >= lim.Fields {
		return errFields
	}
	name, from, to, err := parseField(buf[h.begin:end])
	if err != nil {
		return err
	}
	f := Field{
		Name:  Span{uint32(h.begin), uint32(h.begin + name)},
		Value: Span{uint32(h.begin + from), uint32(h.begin + to)},
	}
	h.Fields = append(h.Fields, f)
	return h.understand(buf, f)
}
