package sse

import (
	"bytes"
	"math"
	"strconv"
	"strings"
	"time"
)

// decoder turns the bytes of an event stream into events, however they are cut ("Interpreting an event stream" in WHATWG's HTML standard).
// It does no I/O.
type decoder struct {
	limit   int          // bytes of one event
	comment func(string) // is told of comments; may be nil

	begun  bool   // the first line is complete
	line   []byte // the beginning of a line that is not complete
	skipLF bool   // the line has ended with CR: an LF belongs to it

	lastID string // as of the last empty line
	retry  time.Duration
	id     string // will be lastID
	event  Event  // is being read
	data   []byte // of that
	full   bool   // it has data, though maybe empty
	size   int    // bytes of it
}

// next takes bytes up to the end of the first event in them, and says how many.
func (d *decoder) next(in []byte) (e Event, used int, complete bool, err error) {
	for used < len(in) {
		if d.skipLF {
			d.skipLF = false
			if in[used] == '\n' {
				used++
				continue
			}
		}
		rest := in[used:]
		end := bytes.IndexAny(rest, "\r\n")
		piece := rest
		if end >= 0 {
			piece = rest[:end]
		}
		if d.size += len(piece); d.size > d.limit {
			return Event{}, used, false, ErrEventTooLarge
		}
		if end < 0 {
			d.line = append(d.line, piece...)
			return Event{}, len(in), false, nil
		}
		used += end + 1
		d.size++
		d.skipLF = rest[end] == '\r'
		if len(d.line) > 0 {
			piece = append(d.line, piece...)
			d.line = d.line[:0]
		}
		if !d.begun {
			d.begun = true
			piece = bytes.TrimPrefix(piece, []byte("\uFEFF")) // a byte order mark
		}
		if len(piece) > 0 {
			d.field(string(piece))
		} else if e, ok := d.dispatch(); ok {
			return e, used, true, nil
		}
	}
	return Event{}, used, false, nil
}

// field takes a line that is not empty.
func (d *decoder) field(line string) {
	name, value, _ := strings.Cut(line, ":")
	value = strings.TrimPrefix(value, " ")
	switch name {
	case "":
		if d.comment != nil {
			d.comment(strings.ToValidUTF8(value, "\uFFFD"))
		}
		if !d.full && d.event == (Event{}) {
			d.size = 0 // comments between events are no part of one
		}
	case "event":
		d.event.Name = value
	case "data":
		d.data = append(append(d.data, value...), '\n')
		d.full = true
	case "id":
		if !strings.Contains(value, "\x00") {
			d.id = strings.ToValidUTF8(value, "\uFFFD")
		}
	case "retry":
		if ms, err := strconv.ParseUint(value, 10, 64); err == nil { // digits only
			d.retry = time.Duration(min(ms, uint64(math.MaxInt64/time.Millisecond))) * time.Millisecond
			d.event.Retry = d.retry
		}
	}
}

// dispatch ends an event. One without data is none.
func (d *decoder) dispatch() (Event, bool) {
	e, full := d.event, d.full
	d.lastID = d.id
	if full {
		e.ID = d.lastID
		e.Name = strings.ToValidUTF8(e.Name, "\uFFFD")
		e.Data = strings.ToValidUTF8(string(d.data[:len(d.data)-1]), "\uFFFD")
	}
	d.event, d.full, d.size = Event{}, false, 0
	if d.data = d.data[:0]; cap(d.data) > 64<<10 {
		d.data = nil
	}
	return e, full
}
