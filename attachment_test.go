package hyperlane_test

import (
	"mime"
	"strings"
	"testing"

	"github.com/hyperlane-go/hyperlane"
)

func TestAnAttachmentKeepsItsNameAndNothingElse(t *testing.T) {
	tests := []struct {
		name  string
		field string // Content-Disposition
		read  string // the name as a client reads it
	}{
		{"report.pdf", `attachment; filename="report.pdf"`, "report.pdf"},
		{"annual report.pdf", `attachment; filename="annual report.pdf"`, "annual report.pdf"},
		{"", `attachment`, ""},
		{"Größe.txt", `attachment; filename="Gr__e.txt"; filename*=UTF-8''Gr%C3%B6%C3%9Fe.txt`, "Größe.txt"},
		{"日本.txt", `attachment; filename="__.txt"; filename*=UTF-8''%E6%97%A5%E6%9C%AC.txt`, "日本.txt"},
		{`a"b.txt`, `attachment; filename="a_b.txt"; filename*=UTF-8''a%22b.txt`, `a"b.txt`},
		{"100%41.txt", `attachment; filename="100_41.txt"; filename*=UTF-8''100%2541.txt`, "100%41.txt"},
		{`x"; filename=evil.exe`, `attachment; filename="x_; filename=evil.exe"; filename*=UTF-8''x%22%3B%20filename%3Devil.exe`, `x"; filename=evil.exe`},
		{"../../etc/passwd", `attachment; filename=".._.._etc_passwd"`, ".._.._etc_passwd"},
		{`..\a.txt`, `attachment; filename=".._a.txt"`, ".._a.txt"},
		{"a\r\nX-Evil: 1", `attachment; filename="a__X-Evil: 1"`, "a__X-Evil: 1"},
		{"cod\u202efdp.exe", `attachment; filename="cod_fdp.exe"`, "cod_fdp.exe"}, // would be shown as codexe.pdf
		{"bad\xff.txt", `attachment; filename="bad_.txt"`, "bad_.txt"},
	}
	for _, test := range tests {
		s := hyperlane.New(hyperlane.Config{})
		s.Get("/", func(c *hyperlane.Context) error {
			c.Response.SetAttachment(test.name)
			return c.Content("a.txt", fileTime, strings.NewReader(fileText))
		})
		got := byHandler(t, s, requestText("GET", "/", ""))
		field := got.header.Get("Content-Disposition")
		if field != test.field || got.status != 200 {
			t.Errorf("%q: got %d, %s, want %s", test.name, got.status, field, test.field)
		}
		kind, params, err := mime.ParseMediaType(field)
		if kind != "attachment" || params["filename"] != test.read || err != nil {
			t.Errorf("%q: a client reads %q (%v), want %q", test.name, params["filename"], err, test.read)
		}
	}
}
