package http1

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// corpus are heads of all kinds, whole and broken.
var corpus = []string{
	browser,
	"\r\nGET http://a:80/b?c HTTP/1.0\r\nX:\t y \r\nConnection: keep-alive\r\n\r\n",
	"POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n5\r\nhello",
	"CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n",
	"OPTIONS * HTTP/1.1\r\nHost: [::1]:80\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n",
	"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
	"GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n",
	"GET / HTTP/1.1\nHost: a\n\n",
	"GET / HTTP/1.1\r\nX: a\rb\r\n\r\n",
	"GET / HTTP/1.1\r\n\r\n",
	"GET /" + strings.Repeat("long", 40) + "\x00 HTTP/2.0\r\n\r\n",
	"GET / HTTP/1.1\r\nHost: a\r\nX: " + strings.Repeat("long", 40) + "\x00\r\n\r\n",
	"GET / HTTP/1.1\r\n" + strings.Repeat("a", 200),
	strings.Repeat("A", 200),
	strings.Repeat("\r\n", 5),
	"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
}

// limits are such that most of the corpus passes the first and much of it breaks one of the others.
var limits = []Limits{
	roomy,
	{Head: 200, Target: 50, Fields: 4, Field: 60},
	{Head: 60, Target: 100, Fields: 100, Field: 100},
	{Head: 1000, Target: 8, Fields: 2, Field: 20},
}

// outcome renders all that Parse has found out.
func outcome(h *Head, n int, err error) string {
	if err != nil {
		return "refused: " + err.Error()
	}
	return fmt.Sprintf("%d %v %v %v %v %t %v %v %d %d %t %t %t %t", n, h.Method, h.Target, h.Path, h.Query, h.HasQuery, h.Host,
		h.Fields, h.Minor, h.ContentLength, h.Chunked, h.KeepAlive, h.Expect, h.Upgrade)
}

// parseInPieces hands in to Parse as it grows by the sizes that next returns, each time at another place in memory.
func parseInPieces(in []byte, lim *Limits, next func() int) (*Head, int, error) {
	h := new(Head)
	for end := 0; ; end = min(end+max(next(), 1), len(in)) {
		if n, err := h.Parse(bytes.Clone(in[:end]), lim); n > 0 || err != nil || end == len(in) {
			return h, n, err
		}
	}
}

// checkSplits compares the head parsed at once with the head parsed in pieces.
func checkSplits(t *testing.T, in []byte, lim *Limits, random *rand.Rand) {
	t.Helper()
	var h Head
	n, err := h.Parse(in, lim)
	want := outcome(&h, n, err)
	for name, next := range map[string]func() int{
		"one by one": func() int { return 1 },
		"at random":  func() int { return random.IntN(len(in)/3 + 2) },
	} {
		if n == 0 && err == nil {
			want = "0 "
		}
		h, n, err := parseInPieces(in, lim, next)
		if got := outcome(h, n, err); got != want && !(want == "0 " && n == 0 && err == nil) {
			t.Errorf("%q, %+v, bytes %s:\n got %s\nwant %s", in, *lim, name, got, want)
		}
	}
}

func TestAnySplitOfAHeadGivesTheSameResult(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for _, in := range corpus {
		for i := range limits {
			for range 20 {
				checkSplits(t, []byte(in), &limits[i], random)
			}
		}
	}
}

func TestAHeadIsIncompleteUpToItsLastByte(t *testing.T) {
	var h Head
	for end := range len(browser) {
		if n, err := h.Parse([]byte(browser)[:end], &roomy); n != 0 || err != nil {
			t.Fatalf("after %d of %d bytes: got %d, %v", end, len(browser), n, err)
		}
	}
	if n, err := h.Parse([]byte(browser), &roomy); n != len(browser) || err != nil {
		t.Fatalf("got %d, %v, want %d", n, err, len(browser))
	}
}

func TestALineThatArrivesByteByByteIsSearchedOnce(t *testing.T) {
	var h Head
	in := []byte("GET / HTTP/1.1\r\nHost: a\r\nX: " + strings.Repeat("a", 10_000))
	for end := range in {
		if _, err := h.Parse(in[:end], &roomy); err != nil {
			t.Fatal(err)
		}
		if h.searched != end {
			t.Fatalf("after %d bytes only %d are done with", end, h.searched)
		}
	}
}

// checkBodySplits compares the body read at once with the body read in pieces.
func checkBodySplits(t *testing.T, in []byte, limit int64, random *rand.Rand) {
	t.Helper()
	whole := chunked(limit)
	want, wantN, wantErr := readBody(whole, in, math.MaxInt)
	wantTrailer, wantFields := whole.Trailer()
	for _, piece := range []int{1, 2, 3, 1 + random.IntN(len(in)+1)} {
		b := chunked(limit)
		got, n, err := readBody(b, in, piece)
		trailer, fields := b.Trailer()
		if !bytes.Equal(got, want) || n != wantN || err != wantErr || b.Done() != whole.Done() ||
			!bytes.Equal(trailer, wantTrailer) || !slices.Equal(fields, wantFields) {
			t.Errorf("%q in pieces of %d:\n got %q, %d, %v, trailer %q\nwant %q, %d, %v, trailer %q",
				in, piece, got, n, err, trailer, want, wantN, wantErr, wantTrailer)
		}
	}
}

var bodies = []string{
	"0\r\n\r\n",
	"5\r\nhello\r\n0\r\n\r\nGET / HTTP/1.1\r\n",
	"5;a=b;c=\"d\\\"e\" ; f\r\nhello\r\n1\r\n!\r\n0\r\nX: 1\r\nY: 2\r\n\r\n",
	"10\r\n0123456789abcdef\r\n00\r\n\r\n",
	"5\r\nhello0\r\n\r\n",
	"5\nhello\n0\n\n",
	"ffffffffffffffff\r\n",
	"1\r\na\r\n0\r\nHost: a\r\n\r\n",
	"40\r\n" + strings.Repeat("a", 0x40) + "\r\n40\r\n" + strings.Repeat("b", 0x40) + "\r\n0\r\n\r\n",
}

func TestAnySplitOfABodyGivesTheSameResult(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	for _, in := range bodies {
		for range 20 {
			checkBodySplits(t, []byte(in), 100, random)
		}
	}
}
