package http1

import (
	"net/http"
	"strconv"
	"testing"
)

func TestStatusLines(t *testing.T) {
	for status, want := range map[int]string{
		200:  "HTTP/1.1 200 OK\r\n",
		404:  "HTTP/1.1 404 Not Found\r\n",
		101:  "HTTP/1.1 101 Switching Protocols\r\n",
		999:  "HTTP/1.1 999 \r\n",
		99:   "HTTP/1.1 500 Internal Server Error\r\n",
		1000: "HTTP/1.1 500 Internal Server Error\r\n",
	} {
		if got := string(AppendStatusLine([]byte("x"), status)); got != "x"+want {
			t.Errorf("%d: got %q, want %q", status, got, "x"+want)
		}
	}
	for status := 100; status < 600; status++ {
		want := "HTTP/1.1 " + strconv.Itoa(status) + " " + http.StatusText(status) + "\r\n"
		if got := string(AppendStatusLine(nil, status)); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestPartsOfAResponse(t *testing.T) {
	for _, tt := range []struct{ got, want string }{
		{string(AppendField(nil, "A", "b")), "A: b\r\n"},
		{string(AppendField(nil, "A", "")), "A: \r\n"},
		{string(AppendContentLength(nil, 1234)), "Content-Length: 1234\r\n"},
		{string(AppendChunkHead(nil, 0xabc)), "abc\r\n"},
		{string(AppendChunk([]byte("x"), []byte("hello"))), "x5\r\nhello\r\n"},
		{string(AppendChunk([]byte("x"), nil)), "x"},
		{string(AppendLastChunk(nil)), "0\r\n"},
	} {
		if tt.got != tt.want {
			t.Errorf("got %q, want %q", tt.got, tt.want)
		}
	}
}

func TestTheFramingOfAResponse(t *testing.T) {
	for _, tt := range []struct {
		method string
		status int
		minor  int
		length int64 // -1: unknown
		want   Framing
	}{
		{"GET", 200, 1, 0, FramingLength},
		{"GET", 200, 1, 5, FramingLength},
		{"GET", 200, 1, -1, FramingChunked},
		{"GET", 200, 0, 5, FramingLength},
		{"GET", 200, 0, -1, FramingClose},
		{"GET", 404, 1, -1, FramingChunked},
		{"HEAD", 200, 1, 5, FramingNone},
		{"HEAD", 200, 0, -1, FramingNone},
		{"head", 200, 1, 5, FramingLength},
		{"GET", 100, 1, -1, FramingNone},
		{"GET", 101, 1, 5, FramingNone},
		{"GET", 204, 1, 5, FramingNone},
		{"GET", 205, 1, -1, FramingLength},
		{"GET", 304, 1, 5, FramingNone},
		{"CONNECT", 200, 1, 5, FramingNone},
		{"CONNECT", 299, 1, -1, FramingNone},
		{"CONNECT", 403, 1, 5, FramingLength},
	} {
		if got := ResponseFraming([]byte(tt.method), tt.status, tt.minor, tt.length); got != tt.want {
			t.Errorf("%s %d HTTP/1.%d length %d: got %d, want %d", tt.method, tt.status, tt.minor, tt.length, got, tt.want)
		}
	}
}

func TestWhatMayBeSentInAField(t *testing.T) {
	for s, want := range map[string]bool{"X": true, "x-1!#$%&'*+.^_`|~": true, "": false, "a b": false, "a:": false, "a\r": false, "\u00e9": false} {
		if got := ValidName(s); got != want {
			t.Errorf("ValidName(%q) = %t, want %t", s, got, want)
		}
	}
	for s, want := range map[string]bool{"": true, "a b\t\"c\"": true, "\u00e9": true, "a\rb": false, "a\nb": false, "\x00": false, "\x7f": false} {
		if got := ValidValue(s); got != want {
			t.Errorf("ValidValue(%q) = %t, want %t", s, got, want)
		}
	}
}
