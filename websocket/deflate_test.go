package websocket

import (
	"bytes"
	"compress/flate"
	"errors"
	"io"
	"strings"
	"testing"
)

// FuzzExpand gives expand anything, and compares what comes of it with what the standard library makes of the same, where that takes it: of
// two libraries each refuses some broken data that the other reads.
func FuzzExpand(f *testing.F) {
	long := []byte(strings.Repeat("so it goes, ", 1000))
	for _, bits := range []int{8, 12, 15} {
		small, err := compress(nil, long, bits)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(small, []byte(nil))
		f.Add(small, long[:100])
	}
	f.Add([]byte("\xf2\x48\xcd\xc9\xc9\x07\x00"), []byte(nil))                         // RFC 7692 section 7.2.3.1
	f.Add([]byte("\xf2\x00\x11\x00\x00"), []byte("Hello"))                             // section 7.2.3.2: refers back
	f.Add([]byte("\xf3\x48\xcd\xc9\xc9\x07\x00\x00"), []byte(nil))                     // section 7.2.3.4: BFINAL
	f.Add([]byte("\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00"), []byte(nil)) // section 7.2.3.5: two blocks
	f.Add([]byte("\x03\x00\x03\x00\x00"), []byte(nil))
	f.Fuzz(func(t *testing.T, data, window []byte) {
		const limit = 64 << 10
		window = window[max(0, len(window)-maxWindow):]
		before := bytes.Clone(window)
		got, err := expand([]byte("kept"), data, window, limit)
		if !bytes.Equal(window, before) {
			t.Fatal("the window has changed")
		}
		if !bytes.HasPrefix(got, []byte("kept")) {
			t.Fatal("what was there is gone")
		}
		got = got[len("kept"):]
		if err == nil && len(got) > limit {
			t.Fatalf("%d bytes are over the limit", len(got))
		}
		r := flate.NewReaderDict(strings.NewReader(string(data)+flushTail+lastBlock), window)
		want, wantErr := io.ReadAll(io.LimitReader(r, limit+1))
		if len(want) > limit {
			if !errors.Is(err, errTooBig) {
				t.Fatalf("got %v for a message that is too big", err)
			}
			return
		}
		if err == nil && wantErr == nil && !bytes.HasPrefix(got, want) { // the library stops behind the first block that is the last
			t.Fatalf("got %q, want %q first", got, want)
		}
		if err != nil {
			return
		}
		small, err := compress(nil, got, 15)
		if err != nil {
			t.Fatal(err)
		}
		if back, err := expand(nil, small, nil, limit); err != nil || !bytes.Equal(back, got) {
			t.Fatalf("compressed and expanded %q is %q, %v", got, back, err)
		}
	})
}

// FuzzOffers reads any value of Sec-WebSocket-Extensions, and demands that the answer is one that a client can accept.
func FuzzOffers(f *testing.F) {
	for _, offer := range []string{
		"permessage-deflate", "permessage-deflate; client_max_window_bits", `permessage-deflate; server_max_window_bits="10"; x`,
		"a, permessage-deflate;server_no_context_takeover;client_no_context_takeover;client_max_window_bits=9", `x="a\"b,`, ";=,",
	} {
		f.Add(offer, false)
		f.Add(offer, true)
	}
	f.Fuzz(func(t *testing.T, offer string, takeover bool) {
		terms, answer := answerOffers([]string{offer}, Compression{ContextTakeover: takeover, WindowBits: 12})
		if terms.on != (answer != "") {
			t.Fatalf("terms %+v with the answer %q", terms, answer)
		}
		if !terms.on {
			return
		}
		if !strings.Contains(strings.ToLower(offer), deflateName) {
			t.Fatalf("%q offers nothing, and is answered %q", offer, answer)
		}
		back, ok := parseDeflate(answer, false)
		if !ok || back != terms {
			t.Fatalf("the answer %q says %+v, %v, and the terms are %+v", answer, back, ok, terms)
		}
		if terms.serverWindow < 8 || terms.serverWindow > 12 || !takeover && !(terms.serverNoContext && terms.clientNoContext) {
			t.Fatalf("terms %+v", terms)
		}
	})
}
