package hyperlane_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"mime"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/hyperlane-go/hyperlane"
	"github.com/hyperlane-go/hyperlane/hyperlanetest"
)

// fileText is what the files of these tests hold: 200 bytes, each ten of them known by their number.
var fileText = func() string {
	var b strings.Builder
	for i := range 20 {
		fmt.Fprintf(&b, "%02d-------\n", i)
	}
	return b.String()
}()

// fileTime is when they were modified.
var fileTime = time.Date(2024, 2, 29, 12, 30, 15, 123456789, time.UTC)

// A fileAnswer is an answer as far as tests of files compare it.
type fileAnswer struct {
	status int
	header http.Header
	body   string
}

// overWire sends a request as text on a new connection.
func overWire(t *testing.T, c *hyperlanetest.Client, request string) fileAnswer {
	t.Helper()
	nc := c.Dial()
	defer nc.Close()
	if _, err := io.WriteString(nc, request); err != nil {
		t.Fatal(err)
	}
	req, err := http.ReadRequest(bufio.NewReader(strings.NewReader(request)))
	if err != nil {
		req = &http.Request{Method: request[:strings.IndexByte(request, ' ')]}
	}
	resp, err := http.ReadResponse(bufio.NewReader(nc), req)
	if err != nil {
		t.Fatalf("%q: %v", request, err)
	}
	return readAnswer(t, resp)
}

// byHandler gives a request to an http.Handler, and checks what every answer has to keep.
func byHandler(t testing.TB, h http.Handler, request string) fileAnswer {
	t.Helper()
	req, err := http.ReadRequest(bufio.NewReader(strings.NewReader(request)))
	if err != nil {
		t.Fatalf("%q: %v", request, err)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, req)
	return readAnswer(t, w.Result())
}

func readAnswer(t testing.TB, resp *http.Response) fileAnswer {
	t.Helper()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return fileAnswer{resp.StatusCode, resp.Header, string(body)}
}

// parts reads the body of a multipart/byteranges answer: for each part its fields and its bytes.
func (a fileAnswer) parts(t testing.TB) (parts []string) {
	t.Helper()
	kind, params, err := mime.ParseMediaType(a.header.Get("Content-Type"))
	if err != nil || kind != "multipart/byteranges" {
		return nil
	}
	r := multipart.NewReader(strings.NewReader(a.body), params["boundary"])
	for {
		p, err := r.NextRawPart()
		if err == io.EOF {
			return parts
		}
		if err != nil {
			t.Fatalf("multipart body %q: %v", a.body, err)
		}
		data, err := io.ReadAll(p)
		if err != nil {
			t.Fatal(err)
		}
		parts = append(parts, fmt.Sprintf("%s | %s | %q", p.Header.Get("Content-Range"), p.Header.Get("Content-Type"), data))
	}
}

// comparable returns what two servers must agree on. Errors have a body of each one's own; a boundary is random.
func (a fileAnswer) comparable(t testing.TB) string {
	header := maps.Clone(a.header)
	// Date is the moment; nosniff is what we add where we have chosen the type; Connection is the driver's.
	for _, name := range []string{"Date", "X-Content-Type-Options", "Connection"} {
		delete(header, name)
	}
	maps.DeleteFunc(header, func(_ string, v []string) bool { return len(v) == 0 }) // of a recorder: do not guess a type
	body := fmt.Sprintf("%q", a.body)
	switch {
	case a.status >= 400:
		kept := header["Content-Range"]
		header, body = http.Header{}, ""
		if kept != nil {
			header["Content-Range"] = kept
		}
	case a.parts(t) != nil:
		body = strings.Join(a.parts(t), "\n")
		delete(header, "Content-Length")
		header.Set("Content-Type", "multipart/byteranges")
	}
	var text strings.Builder
	fmt.Fprintln(&text, a.status)
	for _, name := range slices.Sorted(maps.Keys(header)) {
		fmt.Fprintf(&text, "%s: %s\n", name, header[name])
	}
	return text.String() + body
}

// contentServer serves fileText at /content by Context.Content, with the ETag that the query says, and at /file by Context.File.
func contentServer(s *hyperlane.Server, file string) {
	s.Any("/content", func(c *hyperlane.Context) error {
		if tag := c.Query("tag"); tag != "" {
			c.Response.SetHeader("ETag", tag)
		}
		modified := fileTime
		if c.Query("time") == "none" {
			modified = time.Time{}
		}
		return c.Content("a.txt", modified, strings.NewReader(fileText))
	})
	s.Any("/file", func(c *hyperlane.Context) error { return c.File(file) })
	s.Any("/error", func(c *hyperlane.Context) error { return c.Status(404).File(file) })
	s.Any("/none", func(c *hyperlane.Context) error { return c.File(file + ".none") })
	s.Any("/dir", func(c *hyperlane.Context) error { return c.File(filepath.Dir(file)) })
}

// stdContent is /content of contentServer, by net/http.
func stdContent(w http.ResponseWriter, r *http.Request) {
	if tag := r.URL.Query().Get("tag"); tag != "" {
		w.Header().Set("ETag", tag)
	}
	modified := fileTime
	if r.URL.Query().Get("time") == "none" {
		modified = time.Time{}
	}
	http.ServeContent(w, r, "a.txt", modified, strings.NewReader(fileText))
}

func testFile(t *testing.T) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "a.txt")
	if err := os.WriteFile(name, []byte(fileText), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(name, fileTime, fileTime); err != nil {
		t.Fatal(err)
	}
	return name
}

const (
	sameTime   = "Thu, 29 Feb 2024 12:30:15 GMT"
	laterTime  = "Thu, 29 Feb 2024 12:30:16 GMT"
	beforeTime = "Thu, 29 Feb 2024 12:30:14 GMT"
)

// contentCases are requests that we answer as net/http does.
var contentCases = []struct {
	target string // of contentServer
	fields string // of the request, with "|" between two
	status int    // what both answer
}{
	{"/content", "", 200},
	{"/content?time=none", "", 200},
	{"/content?tag=%22v1%22", "", 200},

	{"/content?tag=%22v1%22", `If-None-Match: "v1"`, 304},
	{"/content?tag=%22v1%22", `If-None-Match: W/"v1"`, 304},
	{"/content?tag=W/%22v1%22", `If-None-Match: "v1"`, 304},
	{"/content?tag=%22v1%22", `If-None-Match: "v0" ,, "v1"`, 304},
	{"/content?tag=%22v1%22", `If-None-Match: "v0", "v2"`, 200},
	{"/content?tag=%22v1%22", `If-None-Match: *`, 304},
	{"/content", `If-None-Match: *`, 304},
	{"/content", `If-None-Match: "v1"`, 200},
	{"/content?tag=%22v1%22", `If-None-Match: v1`, 200},
	{"/content?tag=%22v1%22", `If-None-Match: "v1`, 200},
	{"/content?tag=%22a,b%22", `If-None-Match: "x", "a,b"`, 304},

	{"/content", "If-Modified-Since: " + sameTime, 304},
	{"/content", "If-Modified-Since: " + laterTime, 304},
	{"/content", "If-Modified-Since: " + beforeTime, 200},
	{"/content", "If-Modified-Since: Thursday, 29-Feb-24 12:30:15 GMT", 304},
	{"/content", "If-Modified-Since: Thu Feb 29 12:30:15 2024", 304},
	{"/content", "If-Modified-Since: yesterday", 200},
	{"/content?time=none", "If-Modified-Since: " + sameTime, 200},
	{"/content?tag=%22v1%22", `If-None-Match: "v0"|If-Modified-Since: ` + sameTime, 200},
	{"/content?tag=%22v1%22", `If-None-Match: "v1"|If-Modified-Since: ` + beforeTime, 304},

	{"/content?tag=%22v1%22", `If-Match: "v1"`, 200},
	{"/content?tag=%22v1%22", `If-Match: "v0", "v1"`, 200},
	{"/content?tag=%22v1%22", `If-Match: *`, 200},
	{"/content?tag=%22v1%22", `If-Match: "v2"`, 412},
	{"/content?tag=W/%22v1%22", `If-Match: W/"v1"`, 412},
	{"/content", `If-Match: "v1"`, 412},
	{"/content?tag=%22v1%22", `If-Match: "v2"|If-None-Match: "v1"`, 412},

	{"/content", "If-Unmodified-Since: " + sameTime, 200},
	{"/content", "If-Unmodified-Since: " + laterTime, 200},
	{"/content", "If-Unmodified-Since: " + beforeTime, 412},
	{"/content", "If-Unmodified-Since: tomorrow", 200},
	{"/content?time=none", "If-Unmodified-Since: " + beforeTime, 200},
	{"/content?tag=%22v1%22", `If-Match: "v1"|If-Unmodified-Since: ` + beforeTime, 200},

	{"/content", "Range: bytes=0-0", 206},
	{"/content", "Range: bytes=10-19", 206},
	{"/content", "Range: bytes=190-", 206},
	{"/content", "Range: bytes=190-1000", 206},
	{"/content", "Range: bytes=-10", 206},
	{"/content", "Range: bytes=-1000", 206},
	{"/content", "Range: bytes=0-", 206},
	{"/content", "Range: bytes=0-199", 206},
	{"/content", "Range: bytes=200-", 416},
	{"/content", "Range: bytes=1000-2000", 416},
	{"/content", "Range: bytes=0-9,20-29", 206},
	{"/content", "Range: bytes=20-29, 0-9 ,-1", 206},
	{"/content", "Range: bytes=0-9,1000-", 206},
	{"/content", "Range: bytes=0-99,100-199", 206},
	{"/content", "Range: bytes=0-99,50-149", 206},
	{"/content", "Range: bytes=0-,0-0", 200},
	{"/content", "Range: bytes=,", 200},
	{"/content?time=none", "Range: bytes=0-9,20-29", 206},

	{"/content", "Range: bytes=0-9|If-Range: " + sameTime, 206},
	{"/content", "Range: bytes=0-9|If-Range: " + laterTime, 200},
	{"/content?time=none", "Range: bytes=0-9|If-Range: " + sameTime, 200},
	{"/content?tag=%22v1%22", `Range: bytes=0-9|If-Range: "v1"`, 206},
	{"/content?tag=%22v1%22", `Range: bytes=0-9|If-Range: "v2"`, 200},
	{"/content?tag=W/%22v1%22", `Range: bytes=0-9|If-Range: W/"v1"`, 200},
	{"/content?tag=%22v1%22", `Range: bytes=0-9|If-Range: v1`, 200},
	{"/content?tag=%22v1%22", `Range: bytes=1000-|If-Range: "v2"`, 200},
	{"/content?tag=%22v1%22", `Range: bytes=0-9|If-None-Match: "v1"`, 304},
	{"/content?tag=%22v1%22", `Range: bytes=0-9|If-Match: "v2"`, 412},
}

func requestText(method, target, fields string) string {
	text := method + " " + target + " HTTP/1.1\r\nHost: a\r\n"
	for field := range strings.SplitSeq(fields, "|") {
		if field != "" {
			text += field + "\r\n"
		}
	}
	return text + "\r\n"
}

func TestContentIsAnsweredAsNetHTTPAnswersIt(t *testing.T) {
	file := testFile(t)
	fill := func(s *hyperlane.Server) { contentServer(s, file) }
	hyperlanetest.Each(t, func(t *testing.T, d hyperlanetest.Driver) {
		c := d.Serve(t, hyperlane.Config{}, fill)
		for _, test := range contentCases {
			for _, method := range []string{"GET", "HEAD"} {
				if method == "HEAD" && strings.Contains(test.fields, "Range:") {
					continue // net/http sends parts to HEAD, for which RFC 9110 section 14.2 knows no ranges
				}
				request := requestText(method, test.target, test.fields)
				std := byHandler(t, http.HandlerFunc(stdContent), request)
				for _, got := range []fileAnswer{overWire(t, c, request), byHandler(t, c.Server(), request)} {
					if got.status != test.status {
						t.Errorf("%s %s %s: got status %d, want %d", method, test.target, test.fields, got.status, test.status)
					}
					if got, want := got.comparable(t), std.comparable(t); got != want {
						t.Errorf("%s %s %s\ngot  %s\nwant %s (net/http)", method, test.target, test.fields, got, want)
					}
				}
			}
		}
	})
}

// Where net/http and RFC 9110 differ, or both are free, we have chosen.
func TestContentIsAnsweredByTheRFCWhereNetHTTPIsNot(t *testing.T) {
	tests := []struct {
		method, target, fields string
		status                 int    // ours
		std                    int    // that of net/http
		contentRange           string // ours
		reason                 string
	}{
		{"HEAD", "/content", "Range: bytes=0-9", 200, 206, "", "section 14.2: ranges are for GET"},
		{"HEAD", "/content", "Range: bytes=900-", 200, 416, "", "section 14.2: ranges are for GET"},
		{"POST", "/content", "Content-Length: 0|Range: bytes=0-9", 200, 206, "", "section 14.2: ranges are for GET"},
		{"GET", "/content", "Range: lines=0-9", 200, 416, "", "section 14.2: an unknown unit is ignored"},
		{"GET", "/content", "Range: BYTES=0-9", 206, 416, "bytes 0-9/200", "section 14.1: units have no case"},
		{"GET", "/content", "Range: bytes=x", 416, 416, "bytes */200", "section 15.5.17: the length is told"},
		{"GET", "/content", "Range: bytes=5-4", 416, 416, "bytes */200", "section 14.1.1: last before first is invalid"},
		{"GET", "/content", "Range: bytes=+5-9", 416, 206, "bytes */200", "section 14.1.1: digits only"},
		{"GET", "/content", "Range: bytes=5 - 9", 416, 206, "bytes */200", "section 14.1.1: no space within a range"},
		{"GET", "/content", "Range: bytes=-0", 416, 206, "bytes */200", "section 14.1.2: a suffix of 0 is not satisfiable"},
		{"GET", "/content", "Range: bytes=0-99999999999999999999", 206, 416, "bytes 0-199/200", "section 14.1.2: an end beyond the end is the end"},
		{"GET", "/content", "Range: bytes=99999999999999999999-", 416, 416, "bytes */200", "beyond the end"},
		{"GET", "/content", "Range: bytes=-99999999999999999999", 206, 416, "bytes 0-199/200", "section 14.1.2: all of it"},
		{"GET", "/content", "Range: bytes=" + strings.Repeat("0-0,", 64), 206, 206, "", "64 ranges are the most"},
		{"GET", "/content", "Range: bytes=" + strings.Repeat("0-0,", 65), 200, 206, "", "section 14.2: many small ranges may be ignored"},
		{"GET", "/content?tag=%22v1%22", `If-None-Match: "v0"|If-None-Match: "v1"`, 304, 200, "", "section 5.3: lines of a list are one list"},
		{"GET", "/content?tag=%22v1%22", `If-Match: "v0"|If-Match: "v1"`, 200, 412, "", "section 5.3: lines of a list are one list"},
		{"GET", "/content", "If-Modified-Since: " + sameTime + "|If-Modified-Since: " + beforeTime, 200, 304, "", "section 13.1.3: two dates are none"},
		{"POST", "/content?tag=%22v1%22", `Content-Length: 0|If-None-Match: "v1"`, 412, 412, "", "section 13.1.2"},
		{"GET", "/error", "Range: bytes=0-9|If-None-Match: *|If-Match: \"x\"", 404, 0, "", "section 13.2.1: preconditions are for 200"},
	}
	file := testFile(t)
	fill := func(s *hyperlane.Server) { contentServer(s, file) }
	hyperlanetest.Each(t, func(t *testing.T, d hyperlanetest.Driver) {
		c := d.Serve(t, hyperlane.Config{}, fill)
		for _, test := range tests {
			request := requestText(test.method, test.target, test.fields)
			got := overWire(t, c, request)
			if got.status != test.status || got.header.Get("Content-Range") != test.contentRange {
				t.Errorf("%s %s %.60s: got %d with Content-Range %q, want %d with %q: %s", test.method, test.target, test.fields,
					got.status, got.header.Get("Content-Range"), test.status, test.contentRange, test.reason)
			}
			if got.status >= 400 && test.target == "/content" {
				for _, name := range []string{"ETag", "Last-Modified", "Accept-Ranges"} {
					if v := got.header.Get(name); v != "" {
						t.Errorf("%s %s %.60s: %d with %s: %s", test.method, test.target, test.fields, got.status, name, v)
					}
				}
			}
			if test.std == 0 {
				if got.body != fileText {
					t.Errorf("%s: got body %q, want the file", test.target, got.body)
				}
				continue
			}
			if std := byHandler(t, http.HandlerFunc(stdContent), request); std.status != test.std {
				t.Errorf("%s %s %.60s: net/http answers %d, not %d: is the difference gone?", test.method, test.target, test.fields, std.status, test.std)
			}
		}
	})
}

func TestAFileIsKnownByItsTimeAndSize(t *testing.T) {
	file := testFile(t)
	fill := func(s *hyperlane.Server) { contentServer(s, file) }
	hyperlanetest.Each(t, func(t *testing.T, d hyperlanetest.Driver) {
		c := d.Serve(t, hyperlane.Config{}, fill)
		first := c.Get("/file").Status(200).Body(fileText).Header("Content-Type", "text/plain; charset=utf-8").
			Header("Last-Modified", sameTime).Header("Accept-Ranges", "bytes").Header("X-Content-Type-Options", "nosniff").HTTP()
		tag := first.Header.Get("ETag")
		if !strings.HasPrefix(tag, `"`) {
			t.Fatalf("got ETag %s, want a strong one", tag)
		}
		c.Request("GET", "/file").Header("If-None-Match", tag).Send().Status(304).Body("").Header("ETag", tag)
		c.Request("GET", "/file").Header("Range", "bytes=-10").Header("If-Range", tag).Send().Status(206).
			Body(fileText[190:]).Header("Content-Range", "bytes 190-199/200")
		c.Request("GET", "/file").Header("Range", "bytes=10-19").Send().Status(206).Body(fileText[10:20])
		c.Request("HEAD", "/file").Send().Status(200).Body("").Header("Content-Length", "200")
		parts := overWire(t, c, requestText("GET", "/file", "Range: bytes=0-9,20-29")).parts(t)
		want := []string{
			fmt.Sprintf("bytes 0-9/200 | text/plain; charset=utf-8 | %q", fileText[:10]),
			fmt.Sprintf("bytes 20-29/200 | text/plain; charset=utf-8 | %q", fileText[20:30]),
		}
		if !slices.Equal(parts, want) {
			t.Errorf("got parts %q, want %q", parts, want)
		}
	})
}

func TestAFileThatMayStillChangeHasAWeakTag(t *testing.T) {
	file := testFile(t)
	now := time.Now()
	if err := os.Chtimes(file, now, now); err != nil {
		t.Fatal(err)
	}
	s := hyperlane.New(hyperlane.Config{})
	contentServer(s, file)
	got := byHandler(t, s, requestText("GET", "/file", "Range: bytes=0-9|If-Range: "+now.UTC().Format(http.TimeFormat)))
	if tag := got.header.Get("ETag"); !strings.HasPrefix(tag, `W/"`) || got.status != 200 {
		t.Errorf("got %d with ETag %s, want 200 with a weak one: a date of this second is no strong validator", got.status, tag)
	}
	if err := os.Chtimes(file, now.AddDate(1, 0, 0), now.AddDate(1, 0, 0)); err != nil {
		t.Fatal(err)
	}
	got = byHandler(t, s, requestText("GET", "/file", ""))
	if last, err := http.ParseTime(got.header.Get("Last-Modified")); err != nil || last.After(time.Now()) {
		t.Errorf("got Last-Modified %v (%v), which must not be later than now", last, err)
	}
	if err := os.Chtimes(file, time.Unix(1, 0), time.Unix(1, 0)); err != nil {
		t.Fatal(err)
	}
	got = byHandler(t, s, requestText("GET", "/file", ""))
	if got.header.Get("ETag")+got.header.Get("Last-Modified") != "" {
		t.Errorf("got validators %v from a time that a reproducible build has set", got.header)
	}
}

func TestWhatCannotBeServedIs404AndSaysNothing(t *testing.T) {
	file := testFile(t)
	fill := func(s *hyperlane.Server) {
		contentServer(s, file)
		for name, err := range map[string]error{"forbidden": os.ErrPermission, "looped": errors.New("too many levels of symbolic links")} {
			s.Get("/"+name, func(c *hyperlane.Context) error {
				return c.FileFS(brokenFS{&os.PathError{Op: "open", Path: "/etc/x", Err: err}}, "x")
			})
		}
		s.Get("/invalid", func(c *hyperlane.Context) error { return c.FileFS(os.DirFS(filepath.Dir(file)), "../a.txt") })
		s.Get("/attached", func(c *hyperlane.Context) error {
			c.Response.SetAttachment("a.txt")
			return c.File(file + ".none")
		})
	}
	hyperlanetest.Each(t, func(t *testing.T, d hyperlanetest.Driver) {
		c := d.Serve(t, hyperlane.Config{}, fill)
		for _, target := range []string{"/none", "/dir", "/forbidden", "/looped", "/invalid", "/attached"} {
			r := c.Get(target).Status(404).Header("Content-Disposition", "").Header("ETag", "")
			if text := r.HTTP().Status + r.Text(); strings.Contains(text, "a.txt") || strings.Contains(text, "/") && !strings.Contains(text, "problem") {
				t.Errorf("%s: the answer tells %q", target, text)
			}
		}
	})
}

// brokenFS fails with an error of the system.
type brokenFS struct{ err error }

func (b brokenFS) Open(string) (fs.File, error) { return nil, b.err }

func TestTheTypeFollowsTheExtensionOrTheFirstBytes(t *testing.T) {
	tests := []struct {
		name, content string
		want          string // Content-Type
	}{
		{"a.css", "x", "text/css; charset=utf-8"},
		{"a.js", "x", "text/javascript; charset=utf-8"},
		{"A.JS", "x", "text/javascript; charset=utf-8"},
		{"a.webmanifest", "{}", "application/manifest+json"},
		{"a.woff2", "x", "font/woff2"},
		{"a", "\x89PNG\x0D\x0A\x1A\x0A", "image/png"},
		{"a", "plain", "text/plain; charset=utf-8"},
		{"a", "\x00\x01", "application/octet-stream"},
		{"a", "<!doctype html><script>alert(1)</script>", "text/plain; charset=utf-8"}, // never a page by its content
		{"a", "<?xml version=\"1.0\"?>", "text/plain; charset=utf-8"},
		{"a", "", "text/plain; charset=utf-8"},
	}
	for _, test := range tests {
		s := hyperlane.New(hyperlane.Config{})
		fsys := fstest.MapFS{test.name: {Data: []byte(test.content), ModTime: fileTime}}
		s.Get("/", func(c *hyperlane.Context) error { return c.FileFS(fsys, test.name) })
		s.Get("/own", func(c *hyperlane.Context) error {
			c.Response.SetHeader("Content-Type", "a/b")
			return c.FileFS(fsys, test.name)
		})
		got := byHandler(t, s, requestText("GET", "/", ""))
		if kind := got.header.Get("Content-Type"); kind != test.want || got.body != test.content || got.header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s with %q: got type %q and body %q, want %q", test.name, test.content, kind, got.body, test.want)
		}
		got = byHandler(t, s, requestText("GET", "/own", ""))
		if kind := got.header.Get("Content-Type"); kind != "a/b" || got.header.Get("X-Content-Type-Options") != "" {
			t.Errorf("%s: got type %q, want that of the handler", test.name, kind)
		}
	}
}

// closing is a content that counts how often it is closed, and can fail.
type closing struct {
	*strings.Reader
	closed  *atomic.Int32
	readErr error
}

func (c closing) Read(p []byte) (int, error) {
	if c.readErr != nil {
		return 0, c.readErr
	}
	return c.Reader.Read(p)
}

func (c closing) Close() error {
	c.closed.Add(1)
	return nil
}

func TestAContentIsClosedWhateverHappens(t *testing.T) {
	boom := errors.New("boom")
	tests := []struct {
		name   string
		fields string
		then   func(c *hyperlane.Context) error // after Content
		broken bool                             // the connection ends without a whole answer
		err    error                            // of reading
	}{
		{name: "sent"},
		{name: "not modified", fields: "If-None-Match: *"},
		{name: "precondition failed", fields: `If-Match: "x"`},
		{name: "one range", fields: "Range: bytes=0-0"},
		{name: "several ranges", fields: "Range: bytes=0-0,2-2"},
		{name: "no range", fields: "Range: bytes=900-"},
		{name: "an error afterwards", then: func(c *hyperlane.Context) error { return boom }},
		{name: "a panic afterwards", then: func(c *hyperlane.Context) error { panic("boom") }},
		{name: "another body afterwards", then: func(c *hyperlane.Context) error { return c.Text("other") }},
		{name: "a stream afterwards", then: func(c *hyperlane.Context) error {
			return c.Stream(func(w *hyperlane.Stream) error { return w.Flush() })
		}},
		{name: "a failing read", err: boom, broken: true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			hyperlanetest.Each(t, func(t *testing.T, d hyperlanetest.Driver) {
				var closed atomic.Int32
				c := d.Serve(t, hyperlane.Config{}, func(s *hyperlane.Server) {
					s.Get("/", func(c *hyperlane.Context) error {
						err := c.Content("a.txt", fileTime, closing{strings.NewReader(fileText), &closed, test.err})
						if test.then != nil {
							err = test.then(c)
						}
						return err
					})
				})
				if test.broken {
					nc := c.Dial()
					io.WriteString(nc, requestText("GET", "/", ""))
					io.Copy(io.Discard, nc)
					nc.Close()
				} else {
					overWire(t, c, requestText("GET", "/", test.fields))
				}
				if n := closed.Load(); n != 1 {
					t.Errorf("closed %d times, want once", n)
				}
			})
		})
	}
}

func TestAFileThatComesAfterItsTimeoutIsClosed(t *testing.T) {
	hyperlanetest.Each(t, func(t *testing.T, d hyperlanetest.Driver) {
		var closed atomic.Int32
		release := make(chan struct{})
		c := d.Serve(t, hyperlane.Config{HandlerTimeout: 5 * time.Millisecond}, func(s *hyperlane.Server) {
			s.Get("/", func(c *hyperlane.Context) error {
				<-release
				return c.Content("a.txt", fileTime, closing{strings.NewReader(fileText), &closed, nil})
			})
		})
		c.Get("/").Status(503)
		close(release)
		for deadline := time.Now().Add(patience); closed.Load() == 0; runtime.Gosched() {
			if time.Now().After(deadline) {
				t.Fatal("the content is still open")
			}
		}
	})
}

// zeros is an endless content, but for its size.
type zeros struct{ at, size int64 }

func (z *zeros) Read(p []byte) (int, error) {
	if z.at >= z.size {
		return 0, io.EOF
	}
	n := min(int64(len(p)), z.size-z.at)
	clear(p[:n])
	z.at += n
	return int(n), nil
}

func (z *zeros) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekStart:
		z.at = offset
	case io.SeekEnd:
		z.at = z.size + offset
	}
	return z.at, nil
}

func TestALargeFileIsSentInBoundedMemory(t *testing.T) {
	const size = 32 << 20
	name := filepath.Join(t.TempDir(), "large.bin")
	if err := os.WriteFile(name, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(name, size); err != nil {
		t.Fatal(err)
	}
	targets := []struct{ target, rang string }{
		{"/file", ""}, {"/content", ""}, {"/file", "bytes=1-"}, {"/content", "bytes=0-1000,2000-"}, {"/file", "bytes=0-1000,2000-"},
	}
	hyperlanetest.Each(t, func(t *testing.T, d hyperlanetest.Driver) {
		c := d.Serve(t, hyperlane.Config{}, func(s *hyperlane.Server) {
			s.Get("/file", func(c *hyperlane.Context) error { return c.File(name) })
			s.Get("/content", func(c *hyperlane.Context) error { return c.Content("a.bin", fileTime, &zeros{size: size}) })
		})
		for _, test := range targets {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			req, _ := http.NewRequest("GET", hyperlanetest.URL+test.target, nil)
			if test.rang != "" {
				req.Header.Set("Range", test.rang)
			}
			resp, err := c.HTTP().Do(req)
			if err != nil {
				t.Fatal(err)
			}
			n, err := io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
			if err != nil || n < size-1000 {
				t.Fatalf("%s: got %d bytes and %v", test.target, n, err)
			}
			runtime.ReadMemStats(&after)
			if used := after.TotalAlloc - before.TotalAlloc; used > 4<<20 {
				t.Errorf("%s %s: %d bytes of memory for %d of file", test.target, test.rang, used, n)
			}
		}
	})
}

func TestTheResponsePhaseRunsForFiles(t *testing.T) {
	file := testFile(t)
	s := hyperlane.New(hyperlane.Config{})
	s.OnResponse(func(c *hyperlane.Context) error {
		c.Response.SetHeader("X-Phase", fmt.Sprint(c.Response.Status()))
		if c.Query("fail") != "" {
			return errors.New("boom")
		}
		return nil
	})
	contentServer(s, file)
	for fields, want := range map[string]string{"": "200", "Range: bytes=0-1": "206", "If-None-Match: *": "304", "Range: bytes=900-": "416"} {
		got := byHandler(t, s, requestText("GET", "/file", fields))
		if phase := got.header.Get("X-Phase"); phase != want || fmt.Sprint(got.status) != want {
			t.Errorf("%q: got status %d and in the phase %s, want %s", fields, got.status, phase, want)
		}
	}
	got := byHandler(t, s, requestText("GET", "/file?fail=1", "Range: bytes=0-1"))
	if got.status != 500 || got.header.Get("Content-Range") != "" || got.header.Get("ETag") != "" || strings.Contains(got.body, fileText[:2]+"-") {
		t.Errorf("got %d %v %q, want a 500 without fields of the file", got.status, got.header, got.body)
	}
}
