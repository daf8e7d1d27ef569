package sse_test

import (
	"strings"
	"testing"
	"time"

	"github.com/hyperlane-go/hyperlane/sse"
)

func TestAnEventGoesOverTheWire(t *testing.T) {
	for name, test := range map[string]struct {
		event sse.Event
		wire  string // "" if it is refused
	}{
		"data":                       {sse.Event{Data: "hello"}, "data: hello\n\n"},
		"nothing":                    {sse.Event{}, "data: \n\n"},
		"a name alone":               {sse.Event{Name: "tick"}, "event: tick\ndata: \n\n"},
		"an id alone":                {sse.Event{ID: "7"}, "id: 7\n\n"},
		"a retry alone":              {sse.Event{Retry: 3 * time.Second}, "retry: 3000\n\n"},
		"everything":                 {sse.Event{ID: "e.7", Name: "tick", Data: "a", Retry: time.Minute}, "event: tick\nid: e.7\nretry: 60000\ndata: a\n\n"},
		"LF":                         {sse.Event{Data: "a\nb"}, "data: a\ndata: b\n\n"},
		"CR":                         {sse.Event{Data: "a\rb"}, "data: a\ndata: b\n\n"},
		"CRLF":                       {sse.Event{Data: "a\r\nb"}, "data: a\ndata: b\n\n"},
		"LF CR, which are two":       {sse.Event{Data: "a\n\rb"}, "data: a\ndata: \ndata: b\n\n"},
		"a line break at the end":    {sse.Event{Data: "a\n"}, "data: a\ndata: \n\n"},
		"what looks like a field":    {sse.Event{Data: "a\nid: 1\n\nevent: x"}, "data: a\ndata: id: 1\ndata: \ndata: event: x\n\n"},
		"spaces around":              {sse.Event{Data: "  a "}, "data:   a \n\n"},
		"other separators of lines":  {sse.Event{Data: "a\u2028b\u0085c\vd"}, "data: a\u2028b\u0085c\vd\n\n"},
		"a byte order mark":          {sse.Event{Data: "\uFEFFa"}, "data: \uFEFFa\n\n"},
		"less than a millisecond":    {sse.Event{Retry: time.Microsecond}, "retry: 1\n\n"},
		"a name with a line break":   {sse.Event{Name: "a\ndata: x"}, ""},
		"a name with CR":             {sse.Event{Name: "a\rdata: x"}, ""},
		"a name that is not UTF-8":   {sse.Event{Name: "\xff"}, ""},
		"an id with a line break":    {sse.Event{ID: "a\ndata: x"}, ""},
		"an id with NUL":             {sse.Event{ID: "a\x00"}, ""},
		"an id that fits no header":  {sse.Event{ID: "a\x01"}, ""},
		"an id that is not UTF-8":    {sse.Event{ID: "\xff"}, ""},
		"data that is not UTF-8":     {sse.Event{Data: "a\xffb"}, ""},
		"a retry before it happened": {sse.Event{Retry: -1}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := test.event.Append([]byte("before "))
			if string(got) != "before "+test.wire || (err == nil) != (test.wire != "") {
				t.Fatalf("got %q, %v, want %q", got, err, "before "+test.wire)
			}
			if err != nil && !strings.HasPrefix(err.Error(), "sse: ") {
				t.Errorf("the error %q does not say where it comes from", err)
			}
		})
	}
}

// What is sent is what is read, but for the kind of line breaks.
func FuzzAnEventIsReadAsItWasSent(f *testing.F) {
	f.Add("7", "tick", "a\nb", int64(time.Second))
	f.Add("", "", "", int64(0))
	f.Add("", "", "a\r\rb\n\r\n", int64(0))
	f.Add("a:b", " : ", ": x", int64(1))
	f.Add("\uFEFF", "\uFEFF", "\uFEFF", int64(time.Hour))
	lf := strings.NewReplacer("\r\n", "\n", "\r", "\n")
	f.Fuzz(func(t *testing.T, id, name, data string, retry int64) {
		event := sse.Event{ID: id, Name: name, Data: data, Retry: time.Duration(retry)}
		wire, err := event.Append(nil)
		if err != nil {
			if len(wire) > 0 {
				t.Fatalf("got %q and %v", wire, err)
			}
			return
		}
		end := sse.Event{Data: "end"}
		wire, _ = end.Append(wire)
		r := sse.NewReader(strings.NewReader(string(wire)))
		r.SetLimit(len(wire) + 1)
		var got []sse.Event
		for e, err := range r.All() {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, e)
		}
		want := []sse.Event{{ID: id, Name: name, Data: lf.Replace(data), Retry: (event.Retry + time.Millisecond - 1).Truncate(time.Millisecond)}, end}
		want[1].ID = id
		if data == "" && name == "" && (id != "" || retry > 0) {
			want = want[1:] // which dispatches nothing
		}
		if len(got) != len(want) || got[0] != want[0] || got[len(got)-1] != want[len(want)-1] {
			t.Errorf("got %q, want %q", got, want)
		}
		if r.LastEventID() != id {
			t.Errorf("got last event id %q, want %q", r.LastEventID(), id)
		}
	})
}
