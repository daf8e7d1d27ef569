package sse

import (
	"errors"
	"io"
	"iter"
	"time"
)

// ErrEventTooLarge is what a Reader returns for an event that is larger than it takes.
var ErrEventTooLarge = errors.New("sse: the event is larger than the reader takes")

// Reader reads the events of a stream, as a browser does: the body of a response to a client, or of another server to a proxy. It
// belongs to one goroutine. Its memory is bounded by the largest event that it takes.
type Reader struct {
	from  io.Reader
	buf   []byte // bytes that were read
	start int    // and were used
	end   error  // of from
	d     decoder
}

// NewReader returns a reader of events in UTF-8. It takes events of up to 1 MiB.
func NewReader(r io.Reader) *Reader {
	return &Reader{from: r, buf: make([]byte, 0, 4<<10), d: decoder{limit: 1 << 20}}
}

// SetLimit sets how many bytes an event may have, with the names of its fields.
func (r *Reader) SetLimit(bytes int) { r.d.limit = bytes }

// OnComment has f called for each comment, such as a heartbeat, in its place between the events, by the goroutine that calls Next.
func (r *Reader) OnComment(f func(text string)) { r.d.comment = f }

// Next returns the next event, as soon as it is complete. Its ID is that of the last event that had one; its Retry is zero unless it said
// one; what of it is not UTF-8 is U+FFFD. After the last event the error is io.EOF, and what is incomplete then is dropped.
// After ErrEventTooLarge, or an error of the stream, all calls return that.
func (r *Reader) Next() (Event, error) {
	for {
		e, used, complete, err := r.d.next(r.buf[r.start:])
		r.start += used
		switch {
		case err != nil:
			r.end = err
			r.start = len(r.buf)
			return Event{}, err
		case complete:
			return e, nil
		case r.end != nil:
			return Event{}, r.end
		}
		n, err := r.from.Read(r.buf[:cap(r.buf)])
		r.buf, r.start = r.buf[:n], 0
		r.end = err
	}
}

// All returns what Next returns, up to the end of the stream. An error that is not io.EOF is yielded, and is the last.
func (r *Reader) All() iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		for {
			e, err := r.Next()
			if err == io.EOF || !yield(e, err) || err != nil {
				return
			}
		}
	}
}

// LastEventID returns the id with which a client should come back: also one that came without an event.
func (r *Reader) LastEventID() string { return r.d.lastID }

// Retry returns how long a client should wait before it comes back, or zero if the stream has not said.
func (r *Reader) Retry() time.Duration { return r.d.retry }
