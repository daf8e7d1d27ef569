package http1

import (
	"fmt"
	"math"
	"strings"
	"testing"
)

// readBody feeds in to b in pieces of the given size and returns the payload and how many bytes were taken.
func readBody(b *Body, in []byte, piece int) (payload []byte, taken int, err error) {
	for end := 0; ; {
		data, n, err := b.Next(in[taken:end])
		payload, taken = append(payload, data...), taken+n
		switch {
		case err != nil || b.Done():
			return payload, taken, err
		case n > 0:
		case taken < end:
			return payload, taken, fmt.Errorf("stuck at byte %d of %d", taken, end)
		case end == len(in):
			return payload, taken, nil
		default:
			end = min(end+piece, len(in))
		}
	}
}

// chunked returns a Body at the start of a chunked body.
func chunked(limit int64) *Body {
	b := new(Body)
	b.Begin(&Head{Chunked: true, ContentLength: -1}, limit)
	return b
}

func TestChunkedBodiesThatAreAccepted(t *testing.T) {
	tests := []struct {
		name    string // what is special about it
		in      string // the whole body
		want    string // payload
		trailer string // "name=value" for each trailer field
	}{
		{"no chunk", "0\r\n\r\n", "", ""},
		{"one chunk", "5\r\nhello\r\n0\r\n\r\n", "hello", ""},
		{"two chunks", "5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n", "hello!", ""},
		{"line ends in the payload", "6\r\n\r\n0\r\n\r\r\n0\r\n\r\n", "\r\n0\r\n\r", ""},
		{"sizes in both cases", "a\r\n0123456789\r\nA\r\n0123456789\r\n0\r\n\r\n", "01234567890123456789", ""},
		{"a size with leading zeros", "0000000000000005\r\nhello\r\n0\r\n\r\n", "hello", ""},
		{"a last chunk with leading zeros", "1\r\na\r\n000\r\n\r\n", "a", ""},
		{"extensions", "1;a;b=c;d=\"e\"\r\na\r\n0\r\n\r\n", "a", ""},
		{"extensions with white space where it may be", "1 ;\ta = b ; c\t;d= \"\"\t;e\r\na\r\n0;x\r\n\r\n", "a", ""},
		{"extensions with long values", "1;abc=def;ghi=jkl\r\na\r\n0\r\n\r\n", "a", ""},
		{"extensions in quotes", "1;a=\"b;c=\\\"d\\\\\t\xff\"\r\na\r\n0\r\n\r\n", "a", ""},
		{"trailers", "1\r\na\r\n0\r\nX: 1\r\nY-Z:\t2 \r\n\r\n", "a", "X=1 Y-Z=2"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := chunked(math.MaxInt64)
			got, n, err := readBody(b, []byte(tt.in+"GET"), math.MaxInt)
			if err != nil || !b.Done() || string(got) != tt.want || n != len(tt.in) {
				t.Errorf("%q:\n got %q, %d bytes, done %t, %v\nwant %q, %d bytes", tt.in, got, n, b.Done(), err, tt.want, len(tt.in))
			}
			buf, fields := b.Trailer()
			var trailer []string
			for _, f := range fields {
				trailer = append(trailer, string(f.Name.Of(buf))+"="+string(f.Value.Of(buf)))
			}
			if got := strings.Join(trailer, " "); got != tt.trailer {
				t.Errorf("%q: got trailer %q, want %q", tt.in, got, tt.trailer)
			}
		})
	}
}

func TestChunkedBodiesThatAreRefused(t *testing.T) {
	const data = "1\r\na\r\n"
	tests := []struct {
		name  string // what is wrong with it
		in    string // up to the byte that is wrong
		limit int64  // of the payload
		want  *Error
	}{
		{"no size", "\r", 5000, errChunkSize},
		{"a size that is no number", "g", 5000, errChunkSize},
		{"a signed size", "+", 5000, errChunkSize},
		{"a size behind white space", " ", 5000, errChunkSize},
		{"a size with 0x", "0x", 5000, errChunkSize},
		{"a size with an underscore", "1_", 5000, errChunkSize},
		{"a size of seventeen digits", strings.Repeat("0", 17), 5000, errChunkSize},
		{"a size over int64", "8000000000000000", 5000, errChunkSize},
		{"a size over uint64", "ffffffffffffffff", 5000, errChunkSize},
		{"a size that ends in LF", "1\n", 5000, errChunkLine},
		{"a size that ends in CR", "1\ra", 5000, errChunkLine},
		{"white space behind the size", "1 \r", 5000, errChunkExt},
		{"a size in two parts", "1 1", 5000, errChunkExt},
		{"an extension that ends in LF", "1;a\n", 5000, errChunkLine},
		{"a nameless extension", "1;\r", 5000, errChunkExt},
		{"an extension with LF before its name", "1;\n", 5000, errChunkExt},
		{"a name that is no token", "1;a(", 5000, errChunkExt},
		{"white space behind a name", "1;a \r", 5000, errChunkExt},
		{"a name in two parts", "1;a b", 5000, errChunkExt},
		{"no value", "1;a=\r", 5000, errChunkExt},
		{"a value that is no token", "1;a=b,", 5000, errChunkExt},
		{"white space behind a value", "1;a=b \r", 5000, errChunkExt},
		{"white space behind a quoted value", "1;a=\"b\" \r", 5000, errChunkExt},
		{"text behind a quoted value", "1;a=\"b\"c", 5000, errChunkExt},
		{"LF in a quoted value", "1;a=\"\n", 5000, errChunkExt},
		{"CR in a quoted value", "1;a=\"\r", 5000, errChunkExt},
		{"an escaped LF in a quoted value", "1;a=\"\\\n", 5000, errChunkExt},
		{"too long an extension", "1;" + strings.Repeat("a", maxChunkOverhead+1), 5000, errChunkOverhead},
		{"too many extensions", strings.Repeat("1;abcdefg\r\na\r\n", maxChunkOverhead/8) + "1;a", 5000, errChunkOverhead},
		{"data longer than the size", "1\r\nab", 5000, errChunkData},
		{"LF behind the data", "1\r\na\n", 5000, errChunkData},
		{"CR without LF behind the data", "1\r\na\r1", 5000, errChunkData},
		{"a body over the limit", "3e8\r\n" + strings.Repeat("a", 1000) + "\r\n1\r\n", 1000, errBodySize},
		{"a chunk over the limit", "3e9\r\n", 1000, errBodySize},
		{"a body that ends in LF", data + "0\r\n\n", 5000, errBareLF},
		{"a body that ends in CR", data + "0\r\n\ra", 5000, errTrailerEnd},
		{"a trailer that ends in LF", data + "0\r\nX: a\n", 5000, errBareLF},
		{"a trailer that is folded", data + "0\r\nX: a\r\n b\r\n", 5000, errFolded},
		{"a space before the colon of a trailer", data + "0\r\nX : a\r\n", 5000, errSpacedName},
		{"no colon in a trailer", data + "0\r\nX\r\n", 5000, errFieldName},
		{"a bare CR in a trailer", data + "0\r\nX: a\rb\r\n", 5000, errBareCR},
		{"NUL in a trailer", data + "0\r\nX: \x00\r\n", 5000, errFieldValue},
		{"a length in a trailer", data + "0\r\ncontent-length: 1\r\n", 5000, errTrailerField},
		{"a coding in a trailer", data + "0\r\nTransfer-Encoding: chunked\r\n", 5000, errTrailerField},
		{"a Host in a trailer", data + "0\r\nHOST: a\r\n", 5000, errTrailerField},
		{"too long a trailer", data + "0\r\nX: " + strings.Repeat("a", maxTrailer-2), 5000, errTrailerSize},
		{"too many trailers", data + "0\r\n" + strings.Repeat("X: a\r\n", maxTrailerFields+1), 5000, errTrailerFields},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := chunked(tt.limit)
			in := []byte(tt.in)
			if _, n, err := readBody(b, in[:len(in)-1], math.MaxInt); err != nil {
				t.Fatalf("%.100q: refused at byte %d already: %v", tt.in, n, err)
			}
			if _, n, err := b.Next(in[len(in)-1:]); err != tt.want || n != 0 || b.Done() {
				t.Errorf("%.100q: got %d, %v, done %t, want 0, %v", tt.in, n, err, b.Done(), tt.want)
			}
			if _, _, err := b.Next([]byte("0")); err != tt.want {
				t.Errorf("%.100q: the second time got %v, want %v", tt.in, err, tt.want)
			}
		})
	}
}

func TestABodyWithALengthEndsWhereItSays(t *testing.T) {
	var b Body
	b.Begin(&Head{ContentLength: 5}, 5)
	for _, step := range []struct {
		in   string
		want string // payload
		left int64  // Remaining, afterwards
		why  string
	}{
		{"", "", 5, "no bytes are no error"},
		{"he", "he", 3, "what is there is handed out"},
		{"lloGET", "llo", 0, "the next request is left alone"},
		{"GET", "", 0, "and is still left alone when done"},
	} {
		data, n, err := b.Next([]byte(step.in))
		if string(data) != step.want || n != len(step.want) || err != nil || b.Remaining() != step.left || b.Done() != (step.left == 0) {
			t.Errorf("%s: Next(%q): got %q, %d, %v, %d left, done %t", step.why, step.in, data, n, err, b.Remaining(), b.Done())
		}
	}
}

func TestALengthOverTheLimitIsRefusedBeforeABodyArrives(t *testing.T) {
	var b Body
	b.Begin(&Head{ContentLength: 6}, 5)
	if _, n, err := b.Next(nil); n != 0 || err != errBodySize || b.Done() {
		t.Errorf("got %d, %v, done %t, want 0, %v, false", n, err, b.Done(), errBodySize)
	}
}

func TestNoLengthAndNoCodingIsNoBody(t *testing.T) {
	for _, h := range []Head{{ContentLength: -1}, {ContentLength: 0}} {
		var b Body
		b.Begin(&h, 0)
		if _, n, err := b.Next([]byte("GET")); n != 0 || err != nil || !b.Done() || b.Remaining() != 0 {
			t.Errorf("length %d: got %d, %v, done %t, %d left", h.ContentLength, n, err, b.Done(), b.Remaining())
		}
	}
}

func TestTheTrailerOfOneBodyDoesNotReachTheNext(t *testing.T) {
	b := chunked(10)
	in := []byte("0\r\nX: a\r\n\r\n")
	if buf, fields := b.Trailer(); buf != nil || fields != nil {
		t.Errorf("a body that has not ended has the trailer %q, %v", buf, fields)
	}
	if _, _, err := readBody(b, in, 1); err != nil {
		t.Fatal(err)
	}
	clear(in)
	if buf, fields := b.Trailer(); len(fields) != 1 || string(buf) != "X: a\r\n" {
		t.Errorf("got trailer %q, %v, want a copy of its own", buf, fields)
	}
	b.Begin(&Head{ContentLength: 0}, 10)
	if buf, fields := b.Trailer(); len(buf) != 0 || len(fields) != 0 {
		t.Errorf("the next body has the trailer %q, %v", buf, fields)
	}
}

func TestALargeTrailerLeavesNoRoomBehind(t *testing.T) {
	b := chunked(10)
	if _, _, err := readBody(b, []byte("0\r\nX: "+strings.Repeat("a", keptTrailer)+"\r\n\r\n"), math.MaxInt); err != nil {
		t.Fatal(err)
	}
	b.Begin(&Head{ContentLength: 0}, 10)
	if got := cap(b.trailer.bytes); got != 0 {
		t.Errorf("got room for %d bytes, want none", got)
	}
}

func TestAChunkedBodyDoesNotKnowWhatRemains(t *testing.T) {
	b := chunked(10)
	if got := b.Remaining(); got != -1 {
		t.Errorf("got %d, want -1", got)
	}
	if _, _, err := readBody(b, []byte("0\r\n\r\n"), math.MaxInt); err != nil || b.Remaining() != 0 {
		t.Errorf("done: got %d, %v, want 0", b.Remaining(), err)
	}
}
