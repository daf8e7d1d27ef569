// Package http1 turns bytes into HTTP/1.1 messages and back. It does no I/O, starts no goroutine, reads no clock.
//
//	var head http1.Head
//	n, err := head.Parse(buf, &limits)
//	switch {
//	case err != nil:  // *http1.Error: answer err.Status, then close
//	case n == 0:      // incomplete: call again with more bytes behind the same ones
//	default:          // head is complete; buf[n:] is the body
//	}
//
// Parsing allocates nothing once a Head has been used, keeps offsets instead of copies, and gives the same result however
// the bytes were split. It is strict where leniency lets two servers disagree about where a message ends (RFC 9112 section
// 11.2): such a message is refused, never repaired.
package http1

// Error says why a message was refused.
type Error struct {
	// Status is what the peer is told: 400, 408, 411, 413, 414, 417, 421, 431, 501 or 505.
	Status int
	// Reason is for the log: what was wrong, and the section of the RFC that says so. It holds no bytes of the peer's.
	Reason string
}

func (e *Error) Error() string { return e.Reason }

// Limits bound what a head may hold. Zero values are not "unlimited": every field must be set.
type Limits struct {
	Head   int // bytes of the whole head, request line and final empty line included; beyond: 431
	Target int // bytes of the request target; beyond: 414
	Fields int // number of fields; beyond: 431
	Field  int // bytes of one field line without its line end; beyond: 431
}

// Span marks a run of the bytes that were parsed: buf[s.Start:s.End].
type Span struct{ Start, End uint32 }

// Of returns the bytes that s marks in buf, a view.
func (s Span) Of(buf []byte) []byte { return buf[s.Start:s.End] }

// Len returns the number of bytes.
func (s Span) Len() int { return int(s.End - s.Start) }

// Field is one field line. Value has no surrounding white space.
type Field struct{ Name, Value Span }
