package sse_test

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/hyperlane-go/hyperlane/sse"
)

func TestAStreamIsReadAsTheStandardSays(t *testing.T) {
	for name, test := range map[string]struct {
		stream string
		events []sse.Event
		lastID string
		retry  time.Duration
	}{
		"data": {stream: "data: a\n\n", events: []sse.Event{{Data: "a"}}},
		"three lines, a comment between": {
			stream: "data: YHOO\ndata: +2\n: why\ndata: 10\n\n", events: []sse.Event{{Data: "YHOO\n+2\n10"}}},
		"ids, which stay until another comes": {
			stream: ": test\n\ndata: first\nid: 1\n\ndata:second\nid\n\ndata:  third\n\n",
			events: []sse.Event{{ID: "1", Data: "first"}, {Data: "second"}, {Data: " third"}}},
		"empty data is data": {
			stream: "data\n\ndata\ndata\n\ndata:", events: []sse.Event{{}, {Data: "\n"}}},
		"one space goes":                   {stream: "data:test\n\ndata: test\n\n", events: []sse.Event{{Data: "test"}, {Data: "test"}}},
		"CR":                               {stream: "event: a\rdata: b\r\rdata: c\r\r", events: []sse.Event{{Name: "a", Data: "b"}, {Data: "c"}}},
		"CRLF":                             {stream: "event: a\r\ndata: b\r\n\r\ndata: c\r\n\r\n", events: []sse.Event{{Name: "a", Data: "b"}, {Data: "c"}}},
		"all kinds":                        {stream: "data: a\r\ndata: b\rdata: c\n\r\ndata: d\n\n", events: []sse.Event{{Data: "a\nb\nc"}, {Data: "d"}}},
		"a byte order mark, once":          {stream: "\uFEFFdata: a\n\n\uFEFFdata: b\n\n", events: []sse.Event{{Data: "a"}}},
		"no data, no event":                {stream: "event: a\nid: 5\n\ndata: b\n\n", events: []sse.Event{{ID: "5", Data: "b"}}, lastID: "5"},
		"an id without an event":           {stream: "id: 5\n\n", lastID: "5"},
		"an id that is not complete":       {stream: "id: 5\n\nid: 6\n", lastID: "5"},
		"an id with NUL is ignored":        {stream: "id: 5\nid: a\x00b\ndata: x\n\n", events: []sse.Event{{ID: "5", Data: "x"}}, lastID: "5"},
		"an id is forgotten":               {stream: "id: 5\n\nid:\ndata: x\n\n", events: []sse.Event{{Data: "x"}}},
		"the last name counts":             {stream: "event: a\nevent: b\ndata: x\n\n", events: []sse.Event{{Name: "b", Data: "x"}}},
		"a name is not kept":               {stream: "event: a\n\ndata: x\n\n", events: []sse.Event{{Data: "x"}}},
		"unknown fields and other cases":   {stream: "Data: a\nfoo: b\ndata : c\n data: d\ndata: x\n\n", events: []sse.Event{{Data: "x"}}},
		"retry":                            {stream: "retry: 1500\n\nretry: 5s\nretry: -5\nretry: +5\nretry:\n\n", retry: 1500 * time.Millisecond},
		"retry with an event":              {stream: "retry: 10\ndata: x\n\n", events: []sse.Event{{Data: "x", Retry: 10 * time.Millisecond}}, retry: 10 * time.Millisecond},
		"retry for ever":                   {stream: "retry: 18446744073709551615\n\n", retry: 9223372036854 * time.Millisecond},
		"what is not complete is not read": {stream: "data: a\n\ndata: b\n", events: []sse.Event{{Data: "a"}}},
		"what is not UTF-8":                {stream: "event: \xff\ndata: a\xffb\n\n", events: []sse.Event{{Name: "\uFFFD", Data: "a\uFFFDb"}}},
		"nothing":                          {},
	} {
		t.Run(name, func(t *testing.T) {
			for _, from := range []io.Reader{
				strings.NewReader(test.stream),
				iotest.OneByteReader(strings.NewReader(test.stream)),
				iotest.DataErrReader(strings.NewReader(test.stream)),
			} {
				r := sse.NewReader(from)
				var events []sse.Event
				for e, err := range r.All() {
					if err != nil {
						t.Fatal(err)
					}
					events = append(events, e)
				}
				if !slices.Equal(events, test.events) {
					t.Errorf("got %q, want %q", events, test.events)
				}
				if _, err := r.Next(); err != io.EOF {
					t.Errorf("got %v after the last event", err)
				}
				if r.LastEventID() != test.lastID || r.Retry() != test.retry {
					t.Errorf("got last id %q and retry %v, want %q and %v", r.LastEventID(), r.Retry(), test.lastID, test.retry)
				}
			}
		})
	}
}

func TestAnEventIsThereWhenItsLastByteIs(t *testing.T) {
	for _, end := range []string{"\n\n", "\r\r", "\r\n\r"} {
		in, out := io.Pipe()
		go func() {
			io.WriteString(out, "data: a"+end)
			io.WriteString(out, "\ndata: b\n\n")
			out.Close()
		}()
		r := sse.NewReader(in)
		for _, want := range []string{"a", "b"} {
			if e, err := r.Next(); err != nil || e.Data != want {
				t.Errorf("got %q, %v after %q, want %q", e.Data, err, end, want)
			}
		}
	}
}

func TestAReaderTellsOfComments(t *testing.T) {
	var got []string
	r := sse.NewReader(strings.NewReader(":\n\n: hello\n:world\ndata: x\n\n:\xff\n\n"))
	r.OnComment(func(text string) { got = append(got, text) })
	for e := range r.All() {
		got = append(got, "event "+e.Data)
	}
	if want := []string{"", "hello", "world", "event x", "\uFFFD"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestAReaderTakesEventsUpToItsLimit(t *testing.T) {
	fits := "data: " + strings.Repeat("x", 100) + "\n\n"
	r := sse.NewReader(iotest.HalfReader(strings.NewReader(strings.Repeat(":\n\n"+fits, 50) + "data: " + strings.Repeat("x", 200) + "\n\n" + fits)))
	r.SetLimit(120)
	for range 50 {
		if _, err := r.Next(); err != nil {
			t.Fatal(err)
		}
	}
	for range 3 {
		if e, err := r.Next(); err != sse.ErrEventTooLarge {
			t.Fatalf("got %v, %v, want %v", e, err, sse.ErrEventTooLarge)
		}
	}
	for name, stream := range map[string]string{"many lines": strings.Repeat("data: x\n", 100), "one line": strings.Repeat("x", 1000), "names": strings.Repeat("event: x\n", 100)} {
		r := sse.NewReader(strings.NewReader(stream))
		r.SetLimit(120)
		if _, err := r.Next(); err != sse.ErrEventTooLarge {
			t.Errorf("%s: got %v, want %v", name, err, sse.ErrEventTooLarge)
		}
	}
}

func TestAReaderReturnsTheErrorOfItsStream(t *testing.T) {
	broken := errors.New("broken")
	r := sse.NewReader(io.MultiReader(strings.NewReader("data: a\n\ndata: b"), iotest.ErrReader(broken)))
	var errs []error
	for _, err := range r.All() {
		errs = append(errs, err)
	}
	if !slices.Equal(errs, []error{nil, broken}) {
		t.Errorf("got %v", errs)
	}
}

// The pieces in which a stream arrives make no difference, and nothing is read that is beyond the limit.
func FuzzReader(f *testing.F) {
	for _, seed := range []string{"data: a\n\n", "\uFEFFid: 1\r\ndata: a\r\rdata\n\n", ":\n\nretry: 5\n\n", "data: \xff\n\n", "event: x\ndata\n\ndata:"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, stream string) {
		read := func(from io.Reader) (events []sse.Event, lastID string, err error) {
			r := sse.NewReader(from)
			r.SetLimit(64)
			for e, err := range r.All() {
				if err != nil {
					return events, r.LastEventID(), err
				}
				if len(e.Data) > 3*64 || strings.Contains(e.Name+e.ID, "\n") || strings.Contains(e.ID, "\x00") {
					t.Fatalf("got %q", e)
				}
				events = append(events, e)
			}
			return events, r.LastEventID(), nil
		}
		whole, id, err := read(strings.NewReader(stream))
		again, againID, againErr := read(iotest.OneByteReader(strings.NewReader(stream)))
		if !slices.Equal(whole, again) || id != againID || err != againErr {
			t.Errorf("got %q, %q, %v in one piece, %q, %q, %v byte by byte", whole, id, err, again, againID, againErr)
		}
		for _, e := range whole { // what was read can be sent
			if strings.ContainsFunc(e.ID, func(r rune) bool { return r < ' ' || r == 0x7f }) {
				continue
			}
			if _, err := e.Append(nil); err != nil {
				t.Errorf("%q cannot be sent: %v", e, err)
			}
		}
	})
}
