package hyperlane_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/hyperlane-go/hyperlane"
)

var (
	// wellFormed is a Range field by RFC 9110 section 14.1.1, with the empty members that section 5.6.1 has a recipient take.
	wellFormed = regexp.MustCompile(`^bytes=[ \t]*((\d+-\d*|-\d+)[ \t]*)?(,[ \t]*((\d+-\d*|-\d+)[ \t]*)?)*$`)

	oneRange = regexp.MustCompile(`(\d*)-(\d*)`)

	contentRange = regexp.MustCompile(`^bytes (\d+)-(\d+)/(\d+)$`)
)

// alike reports whether net/http and we should answer a Range field in the same way: it is well-formed, and has nothing
// that TestContentIsAnsweredByTheRFCWhereNetHTTPIsNot lists as a difference.
func alike(field string, size int64) bool {
	if !wellFormed.MatchString(field) {
		return false
	}
	specs := oneRange.FindAllStringSubmatch(field, -1)
	for _, spec := range specs {
		first, errFirst := strconv.ParseInt("0"+spec[1], 10, 64)
		last, errLast := strconv.ParseInt("0"+spec[2], 10, 64)
		switch {
		case errFirst != nil, errLast != nil: // beyond int64
			return false
		case spec[1] == "" && (last == 0 || size == 0): // nothing from the end
			return false
		case spec[1] != "" && spec[2] != "" && last < first:
			return false
		}
	}
	return len(specs) <= 64
}

// FuzzRange compares what we answer to a Range field with what net/http does, and checks by itself that parts are parts.
func FuzzRange(f *testing.F) {
	for _, test := range contentCases {
		for field := range strings.SplitSeq(test.fields, "|") {
			if value, ok := strings.CutPrefix(field, "Range: "); ok {
				f.Add(value, uint8(200))
			}
		}
	}
	for _, value := range []string{"bytes=0-0", "bytes=-5", "bytes=5-", "bytes=", "bytes=3-2", "bytes=-0", "bytes=0-18446744073709551616", "bytes=--1", "bytes=0-0,,1-1"} {
		for _, size := range []uint8{0, 1, 10} {
			f.Add(value, size)
		}
	}
	var content string
	s := hyperlane.New(hyperlane.Config{Logger: slog.New(slog.DiscardHandler)})
	s.Get("/", func(c *hyperlane.Context) error { return c.Content("a.txt", fileTime, strings.NewReader(content)) })
	std := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.ServeContent(w, r, "a.txt", fileTime, strings.NewReader(content))
	})
	f.Fuzz(func(t *testing.T, field string, size uint8) {
		if strings.ContainsFunc(field, func(c rune) bool { return c < ' ' || c > '~' }) || strings.Trim(field, " ") != field {
			t.Skip("no value of a field")
		}
		content = strings.Repeat(fileText, 2)[:size]
		request := requestText("GET", "/", "") // a field may have a bar
		request = strings.Replace(request, "\r\n\r\n", "\r\nRange: "+field+"\r\n\r\n", 1)
		got := byHandler(t, s, request)
		checkParts(t, field, content, got)
		if !alike(field, int64(size)) {
			return
		}
		if got, want := got.comparable(t), byHandler(t, std, request).comparable(t); got != want {
			t.Errorf("Range: %s of %d bytes\ngot  %s\nwant %s (net/http)", field, size, got, want)
		}
	})
}

// checkParts checks that an answer to a request for ranges is a part of content, or all of it, or a refusal that tells its length.
func checkParts(t *testing.T, field, content string, got fileAnswer) {
	t.Helper()
	named := got.header.Get("Content-Range")
	switch parts := got.parts(t); {
	case got.status == 200 && got.body == content && named == "":
	case got.status == 416 && named == fmt.Sprintf("bytes */%d", len(content)):
	case got.status == 206 && parts == nil:
		if want := cutOut(t, content, named); got.body != want || want == "" {
			t.Errorf("Range: %s: got %q as %s", field, got.body, named)
		}
	case got.status == 206 && len(parts) > 1:
		total := 0
		for _, part := range parts {
			named, rest, _ := strings.Cut(part, " | ")
			want := cutOut(t, content, named)
			total += len(want)
			if rest != fmt.Sprintf("text/plain; charset=utf-8 | %q", want) || want == "" {
				t.Errorf("Range: %s: got part %s", field, part)
			}
		}
		if total > len(content) || got.header.Get("Content-Length") != strconv.Itoa(len(got.body)) {
			t.Errorf("Range: %s: %d bytes in parts of %d, and Content-Length %s of %d", field, total, len(content), got.header.Get("Content-Length"), len(got.body))
		}
	default:
		t.Errorf("Range: %s of %d bytes: got %d %v %q", field, len(content), got.status, got.header, got.body)
	}
}

// cutOut returns what a Content-Range names.
func cutOut(t *testing.T, content, named string) string {
	t.Helper()
	m := contentRange.FindStringSubmatch(named)
	if m == nil {
		t.Fatalf("Content-Range: %q", named)
	}
	first, _ := strconv.Atoi(m[1])
	last, _ := strconv.Atoi(m[2])
	if m[3] != strconv.Itoa(len(content)) || last < first || last >= len(content) {
		t.Fatalf("Content-Range: %q of %d bytes", named, len(content))
	}
	return content[first : last+1]
}
