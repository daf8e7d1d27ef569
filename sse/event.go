package sse

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Event is one event of a stream. The zero Event is one with empty data.
type Event struct {
	// ID is what the client brings back in Last-Event-ID after this event. Empty: it keeps the one it has. It must not contain control
	// characters.
	ID string

	// Name is the type of the event, by which a browser finds its listeners. Empty: "message". It must not contain line breaks.
	Name string

	// Data is the text of the event, in UTF-8. Line breaks of any kind arrive as "\n".
	Data string

	// Retry is how long the client should wait before it comes back when the stream has ended, in whole milliseconds. Zero: it keeps
	// what it was told.
	Retry time.Duration
}

var (
	errID    = errors.New("sse: the id of an event must be UTF-8 without control characters")
	errName  = errors.New("sse: the name of an event must be UTF-8 without line breaks")
	errData  = errors.New("sse: the data of an event must be UTF-8")
	errRetry = errors.New("sse: the retry of an event must not be negative")
	errText  = errors.New("sse: a comment must be UTF-8")
)

// Append adds the event to dst as it goes over the wire, with the empty line that ends it. An event that has neither name nor data, but an
// id or a retry, tells the client only these. An error tells what of the event cannot be sent; dst is then returned as it was.
func (e Event) Append(dst []byte) ([]byte, error) {
	return e.append(dst, e.Data != "" || e.Name != "" || e.ID == "" && e.Retry == 0)
}

// append is Append; dispatched says whether the client is to see an event, which takes a line of data, if only an empty one.
func (e Event) append(dst []byte, dispatched bool) ([]byte, error) {
	switch {
	case strings.IndexFunc(e.ID, isControl) >= 0 || !utf8.ValidString(e.ID):
		return dst, errID // it becomes the value of a header field, where none of these can be
	case strings.ContainsAny(e.Name, "\r\n") || !utf8.ValidString(e.Name):
		return dst, errName
	case !utf8.ValidString(e.Data):
		return dst, errData
	case e.Retry < 0:
		return dst, errRetry
	}
	if e.Name != "" {
		dst = append(append(append(dst, "event: "...), e.Name...), '\n')
	}
	if e.ID != "" {
		dst = append(append(append(dst, "id: "...), e.ID...), '\n')
	}
	if e.Retry > 0 {
		ms := (e.Retry + time.Millisecond - 1) / time.Millisecond
		dst = append(strconv.AppendInt(append(dst, "retry: "...), int64(ms), 10), '\n')
	}
	if dispatched {
		dst = appendLines(dst, "data: ", e.Data)
	}
	return append(dst, '\n'), nil
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f }

// appendLines adds text, each of its lines behind before.
func appendLines(dst []byte, before, text string) []byte {
	for {
		line, rest, more := cutLine(text)
		dst = append(append(append(dst, before...), line...), '\n')
		if !more {
			return dst
		}
		text = rest
	}
}

// cutLine returns what is before the first line break, which is CR, LF, or both, and what is behind it.
func cutLine(text string) (line, rest string, more bool) {
	i := strings.IndexAny(text, "\r\n")
	switch {
	case i < 0:
		return text, "", false
	case strings.HasPrefix(text[i:], "\r\n"):
		return text[:i], text[i+2:], true
	}
	return text[:i], text[i+1:], true
}

// appendComment adds a comment, which clients skip.
func appendComment(dst []byte, text string) ([]byte, error) {
	if !utf8.ValidString(text) {
		return dst, errText
	}
	return append(appendLines(dst, ": ", text), '\n'), nil
}

// withJSON returns e with v, as JSON, for its data.
func (e Event) withJSON(v any) (Event, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return e, fmt.Errorf("sse: data of an event: %w", err)
	}
	e.Data = string(data)
	return e, nil
}

// heartbeat is a comment without text.
const heartbeat = ":\n\n"
