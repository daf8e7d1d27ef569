package hyperlane_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/hyperlane-go/hyperlane"
)

// FuzzEntityTags compares what we make of lists of entity tags with what net/http does.
func FuzzEntityTags(f *testing.F) {
	for _, list := range []string{`"a"`, `W/"a"`, `"b", "a"`, `*`, `"b",*`, `a`, `"a`, `W/a`, `"b" "a"`, `,, "a"`, `w/"a"`, `"a""b"`, `""`, `"é"`} {
		for _, tag := range []string{`"a"`, `W/"a"`, ``} {
			f.Add(list, tag)
		}
	}
	s := hyperlane.New(hyperlane.Config{})
	var tag string
	s.Get("/", func(c *hyperlane.Context) error {
		if tag != "" {
			c.Response.SetHeader("ETag", tag)
		}
		return c.Content("a.txt", fileTime, strings.NewReader(fileText))
	})
	std := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if tag != "" {
			w.Header().Set("ETag", tag)
		}
		http.ServeContent(w, r, "a.txt", fileTime, strings.NewReader(fileText))
	})
	f.Fuzz(func(t *testing.T, list, etag string) {
		switch etag {
		case `"a"`, `W/"a"`, ``, `"é"`, `"a,b"`:
		default:
			t.Skip("the ETag is the handler's, and well-formed")
		}
		if strings.ContainsFunc(list, func(c rune) bool { return c < ' ' && c != '\t' || c == 0x7f }) || strings.Trim(list, " \t") != list {
			t.Skip("no value of a field")
		}
		tag = etag
		for _, name := range []string{"If-Match", "If-None-Match", "If-Range"} {
			request := "GET / HTTP/1.1\r\nHost: a\r\nRange: bytes=0-9\r\n" + name + ": " + list + "\r\n\r\n"
			got, want := byHandler(t, s, request), byHandler(t, std, request)
			if got.comparable(t) != want.comparable(t) {
				t.Errorf("%s: %s, ETag %s: got %d, net/http %d", name, list, etag, got.status, want.status)
			}
		}
	})
}
