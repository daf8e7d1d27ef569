package hyperlane_test

import (
	"embed"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/fstest"

	"github.com/hyperlane-go/hyperlane"
	"github.com/hyperlane-go/hyperlane/hyperlanetest"
)

//go:embed all:testdata/static
var embedded embed.FS

func embeddedSite(t testing.TB) fs.FS {
	t.Helper()
	site, err := fs.Sub(embedded, "testdata/static")
	if err != nil {
		t.Fatal(err)
	}
	return site
}

// siteFS is a site in memory. Every name says what its file holds.
func siteFS() fstest.MapFS {
	site := fstest.MapFS{}
	for name, content := range map[string]string{
		"index.html":          "home",
		"app.js":              "app",
		"about":               "about",
		"sub/index.html":      "sub",
		"sub/b.txt":           "b",
		"bare/c.txt":          "c",
		".env":                "secret",
		".git/config":         "secret",
		"sub/.htpasswd":       "secret",
		"a b&<c>.txt":         "special",
		"100%.txt":            "percent",
		"%2e%2e/x.txt":        "literal",
		"page.html":           "page",
		"bare/x:y.txt":        "colon",
		".well-known/sec.txt": "policy",
	} {
		site[name] = &fstest.MapFile{Data: []byte(content), ModTime: fileTime}
	}
	return site
}

// siteServer is a server with site under /, or under prefix.
func siteServer(t testing.TB, prefix string, site fs.FS, config hyperlane.StaticConfig) *hyperlane.Server {
	t.Helper()
	s := hyperlane.New(hyperlane.Config{})
	s.Static(prefix, site, config)
	if err := s.Validate(); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestStaticServesFilesAsNetHTTPDoes(t *testing.T) {
	std := http.FileServerFS(siteFS())
	fill := func(s *hyperlane.Server) { s.Static("/", siteFS(), hyperlane.StaticConfig{}) }
	hyperlanetest.Each(t, func(t *testing.T, d hyperlanetest.Driver) {
		c := d.Serve(t, hyperlane.Config{}, fill)
		for _, target := range []string{"/", "/app.js", "/about", "/sub/", "/sub/b.txt", "/a%20b&%3Cc%3E.txt", "/100%25.txt", "/%252e%252e/x.txt",
			"/%61pp.js", "/app.js?v=1", "/none", "/sub/none", "/app.js/none", "/bare/x:y.txt"} {
			for _, fields := range []string{"", "Range: bytes=1-", "If-Modified-Since: " + sameTime} {
				for _, method := range []string{"GET", "HEAD"} {
					if method == "HEAD" && fields != "" && fields[0] == 'R' {
						continue // see TestContentIsAnsweredByTheRFCWhereNetHTTPIsNot
					}
					request := requestText(method, target, fields)
					got, want := overWire(t, c, request), byHandler(t, std, request)
					if got.status == 304 {
						got.header.Set("Last-Modified", want.header.Get("Last-Modified")) // our ETag is enough
					}
					got.header.Del("ETag") // net/http has none
					if got, want := got.comparable(t), want.comparable(t); got != want {
						t.Errorf("%s %s %s\ngot  %s\nwant %s (net/http)", method, target, fields, got, want)
					}
				}
			}
		}
	})
}

func TestStaticAnswers(t *testing.T) {
	const html = "Accept: text/html"
	spa := hyperlane.StaticConfig{Fallback: "index.html", CacheControl: "max-age=60"}
	tests := []struct {
		prefix, target, fields string
		config                 hyperlane.StaticConfig
		status                 int
		body                   string // or, of a redirect, Location; not compared for an error
		cache                  string // Cache-Control
	}{
		// Prefixes.
		{prefix: "/", target: "/app.js", status: 200, body: "app"},
		{prefix: "", target: "/app.js", status: 200, body: "app"},
		{prefix: "/a", target: "/a/app.js", status: 200, body: "app"},
		{prefix: "/a/", target: "/a/app.js", status: 200, body: "app"},
		{prefix: "/a", target: "/a/", status: 200, body: "home"},
		{prefix: "/a", target: "/a", status: 308, body: "./a/"},
		{prefix: "/a", target: "/a?x=1&y=%2F", status: 308, body: "./a/?x=1&y=%2F"},
		{prefix: "/a", target: "/ab", status: 404},
		{prefix: "/{tenant}/files", target: "/x%2Fy/files/app.js", status: 200, body: "app"}, // not in the tail
		{prefix: "/.well-known", target: "/.well-known/app.js", status: 200, body: "app"},

		// Directories.
		{target: "/sub", status: 308, body: "./sub/"},
		{target: "/sub?q", status: 308, body: "./sub/?q"},
		{target: "/%73ub", status: 308, body: "./%73ub/"},
		{target: "/sub/index.html", status: 200, body: "sub"},
		{target: "/bare", status: 404}, // not even that it is there
		{target: "/bare/", status: 404},
		{target: "/app.js/", status: 404},
		{target: "/bare", config: hyperlane.StaticConfig{Index: "c.txt"}, status: 308, body: "./bare/"},
		{target: "/bare/", config: hyperlane.StaticConfig{Index: "c.txt"}, status: 200, body: "c"},
		{target: "/bare", config: hyperlane.StaticConfig{Listing: true}, status: 308, body: "./bare/"},

		// Dot files.
		{target: "/.env", status: 404},
		{target: "/.git/config", status: 404},
		{target: "/.git/", config: hyperlane.StaticConfig{Listing: true}, status: 404},
		{target: "/sub/.htpasswd", status: 404},
		{target: "/%2eenv", status: 404},
		{target: "/.well-known/sec.txt", status: 404},
		{target: "/.env", config: hyperlane.StaticConfig{DotFiles: true}, status: 200, body: "secret"},
		{target: "/../.env", config: hyperlane.StaticConfig{DotFiles: true}, status: 404},

		// The fallback.
		{target: "/users/7", fields: html, config: spa, status: 200, body: "home", cache: "no-cache"},
		{target: "/users/7/", fields: html, config: spa, status: 200, body: "home", cache: "no-cache"},
		{target: "/bare", fields: html, config: spa, status: 200, body: "home", cache: "no-cache"},
		{target: "/users/7", fields: "Accept: application/xhtml+xml, text/*;q=0.5", config: spa, status: 200, body: "home", cache: "no-cache"},
		{target: "/users/7", fields: "Accept: */*", config: spa, status: 200, body: "home", cache: "no-cache"},
		{target: "/users/7", fields: "", config: spa, status: 200, body: "home", cache: "no-cache"},
		{target: "/users/7", fields: "Accept: application/json", config: spa, status: 404},
		{target: "/users/7", fields: "Accept: text/html;q=0, */*", config: spa, status: 404},
		{target: "/users/7.js", fields: html, config: spa, status: 404},
		{target: "/app.js/", fields: html, config: spa, status: 404},
		{target: "/a%2Fb", fields: html, config: spa, status: 404},
		{target: "/app.js", fields: html, config: spa, status: 200, body: "app", cache: "max-age=60"},
		{target: "/", fields: html, config: spa, status: 200, body: "home", cache: "no-cache"}, // the same page
		{target: "/sub/", fields: html, config: spa, status: 200, body: "sub", cache: "max-age=60"},
		{target: "/none", fields: "Accept: application/json", config: spa, status: 404},
		{target: "/app.js", fields: "If-None-Match: *", config: spa, status: 304, cache: "max-age=60"},
		{target: "/app.js", fields: "Range: bytes=9-", config: spa, status: 416},
	}
	for _, test := range tests {
		s := siteServer(t, test.prefix, siteFS(), test.config)
		for _, method := range []string{"GET", "HEAD"} {
			got := byHandler(t, s, requestText(method, test.target, test.fields))
			body := got.body
			if got.status == 308 {
				body = got.header.Get("Location")
			} else if method == "HEAD" {
				body = test.body
				if method == "HEAD" && strings.HasPrefix(test.fields, "Range") {
					continue
				}
			}
			if got.status != test.status || got.status < 400 && body != test.body || got.header.Get("Cache-Control") != test.cache {
				t.Errorf("%s %s under %q with %q: got %d %q, Cache-Control %q, want %d %q, %q", method, test.target, test.prefix, test.fields,
					got.status, body, got.header.Get("Cache-Control"), test.status, test.body, test.cache)
			}
		}
	}
	got := byHandler(t, siteServer(t, "/a", siteFS(), hyperlane.StaticConfig{}), requestText("POST", "/a/app.js", "Content-Length: 0"))
	if allow := got.header.Get("Allow"); got.status != 405 || allow != "GET, HEAD, OPTIONS" {
		t.Errorf("POST: got %d with Allow: %s, want 405", got.status, allow)
	}
}

func TestAListingHidesWhatIsHiddenAndEscapesTheRest(t *testing.T) {
	s := siteServer(t, "/f", siteFS(), hyperlane.StaticConfig{Listing: true, Index: "none.html"})
	got := byHandler(t, s, requestText("GET", "/f/", ""))
	const want = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>/f/</title>
<h1>/f/</h1>
<ul>
<li><a href="./%252e%252e/">%2e%2e/</a>
<li><a href="./100%25.txt">100%.txt</a>
<li><a href="./a%20b&amp;%3Cc%3E.txt">a b&amp;&lt;c&gt;.txt</a>
<li><a href="./about">about</a>
<li><a href="./app.js">app.js</a>
<li><a href="./bare/">bare/</a>
<li><a href="./index.html">index.html</a>
<li><a href="./page.html">page.html</a>
<li><a href="./sub/">sub/</a>
</ul>
`
	if got.status != 200 || got.body != want || got.header.Get("Content-Type") != "text/html; charset=utf-8" {
		t.Errorf("got %d %s\n%s\nwant\n%s", got.status, got.header.Get("Content-Type"), got.body, want)
	}
	got = byHandler(t, s, requestText("GET", "/f/bare/", ""))
	if want := "<li><a href=\"../\">../</a>\n<li><a href=\"./c.txt\">c.txt</a>\n<li><a href=\"./x:y.txt\">x:y.txt</a>\n"; !strings.Contains(got.body, want) {
		t.Errorf("got %s\nwant it to hold %s", got.body, want)
	}
	got = byHandler(t, s, requestText("GET", "/f/%3Cscript%3E/", ""))
	if got.status != 404 || strings.Contains(got.body, "script") {
		t.Errorf("got %d %s", got.status, got.body)
	}
}

func TestFilesWithoutATimeAreKnownByTheirContent(t *testing.T) {
	s := siteServer(t, "/", embeddedSite(t), hyperlane.StaticConfig{Precompressed: true})
	tags := map[string]bool{}
	for _, test := range []struct{ target, fields string }{{"/", ""}, {"/app.js", ""}, {"/css/site.css", ""}, {"/css/site.css", "Accept-Encoding: gzip"}, {"/docs/one.txt", ""}} {
		got := byHandler(t, s, requestText("GET", test.target, test.fields))
		tag := got.header.Get("ETag")
		if got.status != 200 || !strings.HasPrefix(tag, `"`) || tags[tag] || got.header.Get("Last-Modified") != "" {
			t.Errorf("%s %s: got %d with ETag %s, want a strong one of its own, and no time: %v", test.target, test.fields, got.status, tag, got.header)
		}
		tags[tag] = true
		again := byHandler(t, s, requestText("GET", test.target, test.fields+"|If-None-Match: "+tag))
		if again.status != 304 || again.header.Get("ETag") != tag {
			t.Errorf("%s %s again: got %d with ETag %s, want 304 with %s", test.target, test.fields, again.status, again.header.Get("ETag"), tag)
		}
	}
	if got := byHandler(t, s, requestText("GET", "/.hidden", "")); got.status != 404 {
		t.Errorf("got %d for a hidden file", got.status)
	}
}

func TestAMistakeInStaticIsReportedWithItsPlace(t *testing.T) {
	file := testFile(t)
	tests := []struct {
		site   fs.FS
		config hyperlane.StaticConfig
		want   string // in the error
	}{
		{hyperlane.Dir(filepath.Join(t.TempDir(), "none")), hyperlane.StaticConfig{}, "none"},
		{hyperlane.Dir(file), hyperlane.StaticConfig{}, "a.txt"},
		{nil, hyperlane.StaticConfig{}, "no file system"},
		{must(fs.Sub(embedded, "testdata/none")), hyperlane.StaticConfig{}, "does not exist"},
		{siteFS(), hyperlane.StaticConfig{Index: "a/b"}, `StaticConfig.Index = "a/b"`},
		{siteFS(), hyperlane.StaticConfig{Index: ".."}, `StaticConfig.Index = ".."`},
		{siteFS(), hyperlane.StaticConfig{Fallback: "none.html"}, `StaticConfig.Fallback = "none.html"`},
		{siteFS(), hyperlane.StaticConfig{Fallback: "sub"}, `StaticConfig.Fallback = "sub"`},
		{siteFS(), hyperlane.StaticConfig{Fallback: "/index.html"}, `StaticConfig.Fallback = "/index.html"`},
		{siteFS(), hyperlane.StaticConfig{CacheControl: "a\r\nb"}, `StaticConfig.CacheControl = "a\r\nb"`},
	}
	for _, test := range tests {
		s := hyperlane.New(hyperlane.Config{})
		s.Static("/files", test.site, test.config)
		err := s.Validate()
		if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), "static_test.go:") {
			t.Errorf("got %v, want the place and %s", err, test.want)
		}
	}
	s := hyperlane.New(hyperlane.Config{})
	s.Static("/files", siteFS(), hyperlane.StaticConfig{})
	s.Get("/files/{rest...}", func(*hyperlane.Context) error { return nil })
	if err := s.Validate(); err == nil || strings.Count(err.Error(), "static_test.go:") != 2 {
		t.Errorf("got %v, want both places of a conflict", err)
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// countingFS counts the files that are open, and fails where fail says so.
type countingFS struct {
	fs.FS
	open *atomic.Int32
	fail error
}

type countedFile struct {
	fs.File
	open *atomic.Int32
}

func (c countingFS) Open(name string) (fs.File, error) {
	if c.fail != nil && name != "." {
		return nil, &fs.PathError{Op: "open", Path: "/srv/secret/" + name, Err: c.fail}
	}
	f, err := c.FS.Open(name)
	if err != nil {
		return nil, err
	}
	c.open.Add(1)
	return countedFile{f, c.open}, nil
}

func (c countedFile) Close() error {
	c.open.Add(-1)
	return c.File.Close()
}

func TestEveryFileThatWasOpenedIsClosed(t *testing.T) {
	var open atomic.Int32
	site := siteFS()
	site["app.js.gz"] = &fstest.MapFile{Data: []byte("zipped"), ModTime: fileTime}
	site["old.txt"] = &fstest.MapFile{Data: []byte("without a time")}
	config := hyperlane.StaticConfig{Precompressed: true, Listing: true, Fallback: "page.html"}
	s := siteServer(t, "/", countingFS{FS: site, open: &open}, config)
	for _, target := range []string{"/", "/app.js", "/old.txt", "/none", "/bare/", "/bare", "/none.txt", "/..", "/.env"} {
		for _, fields := range []string{"", "If-None-Match: *", `If-Match: "x"`, "Accept-Encoding: gzip", "Range: bytes=0-", "Accept: a/b"} {
			for _, method := range []string{"GET", "HEAD"} {
				byHandler(t, s, requestText(method, target, fields))
				if n := open.Load(); n != 0 {
					t.Fatalf("%s %s %s: %d files are open", method, target, fields, n)
				}
			}
		}
	}
}

func TestAFileWithoutSeekIsServedWhole(t *testing.T) {
	var open atomic.Int32
	s := siteServer(t, "/", countingFS{FS: siteFS(), open: &open}, hyperlane.StaticConfig{})
	got := byHandler(t, s, requestText("GET", "/about", "Range: bytes=1-2"))
	if got.status != 200 || got.body != "about" || got.header.Get("Accept-Ranges") != "" || got.header.Get("Content-Type") != "application/octet-stream" {
		t.Errorf("got %d %q %v", got.status, got.body, got.header)
	}
}

func TestAnErrorOfTheFileSystemTellsTheClientNothing(t *testing.T) {
	tests := []struct {
		err    error
		status int
	}{
		{fs.ErrNotExist, 404},
		{fs.ErrPermission, 404},
		{syscall.ENOTDIR, 404},
		{syscall.EMFILE, 500}, // it may be there
		{syscall.EIO, 500},
	}
	for _, test := range tests {
		s := hyperlane.New(hyperlane.Config{})
		var open atomic.Int32
		s.Static("/", countingFS{siteFS(), &open, test.err}, hyperlane.StaticConfig{})
		got := byHandler(t, s, requestText("GET", "/app.js", ""))
		if got.status != test.status || strings.Contains(got.body, "srv") || strings.Contains(got.body, test.err.Error()) {
			t.Errorf("%v: got %d %q, want %d that tells nothing", test.err, got.status, got.body, test.status)
		}
	}
}

func TestPrecompressedFilesAreChosenByTheirWeight(t *testing.T) {
	site := siteFS()
	for _, ext := range []string{".br", ".zst", ".gz"} {
		site["app.js"+ext] = &fstest.MapFile{Data: []byte("app" + ext), ModTime: fileTime}
	}
	site["page.html.gz"] = &fstest.MapFile{Data: []byte("page.gz"), ModTime: fileTime}
	site["sub/index.html.gz"] = &fstest.MapFile{Data: []byte("sub.gz"), ModTime: fileTime}
	site["sub/b.txt.gz/d"] = &fstest.MapFile{Data: []byte("in a directory"), ModTime: fileTime}
	tests := []struct {
		target, accept string
		coding, body   string
	}{
		{"/app.js", "", "", "app"},
		{"/app.js", "gzip", "gzip", "app.gz"},
		{"/app.js", "x-gzip", "gzip", "app.gz"},
		{"/app.js", "GZIP", "gzip", "app.gz"},
		{"/app.js", "gzip, deflate, br, zstd", "br", "app.br"},
		{"/app.js", "gzip, deflate, br;q=0.9, zstd", "zstd", "app.zst"},
		{"/app.js", "gzip;q=1.0, br;q=0.999", "gzip", "app.gz"},
		{"/app.js", "gzip ; q=0.5 , br ; Q=0.4", "gzip", "app.gz"},
		{"/app.js", "*", "br", "app.br"},
		{"/app.js", "br;q=0, *", "zstd", "app.zst"},
		{"/app.js", "gzip;q=0", "", "app"},
		{"/app.js", "identity, gzip;q=0.5", "", "app"},
		{"/app.js", "identity;q=0.5, gzip;q=0.5", "gzip", "app.gz"},
		{"/app.js", "deflate", "", "app"},
		{"/app.js", "gzipped, brr", "", "app"}, // by token, not by substring
		{"/app.js", "gzip;q=2", "", "app"},
		{"/app.js", "gzip;q=1e0", "", "app"},
		{"/app.js", "gzip;q=0.0001", "", "app"},
		{"/app.js", "gzip;q=-1", "", "app"},
		{"/page.html", "br, gzip;q=0.1", "gzip", "page.gz"}, // of what there is
		{"/sub/", "gzip", "gzip", "sub.gz"},
		{"/sub/b.txt", "gzip", "", "b"},
		{"/users/7", "gzip", "gzip", "page.gz"},
	}
	s := siteServer(t, "/", site, hyperlane.StaticConfig{Precompressed: true, Fallback: "page.html"})
	types := map[string]string{"/app.js": "text/javascript; charset=utf-8", "/sub/b.txt": "text/plain; charset=utf-8"}
	for _, test := range tests {
		got := byHandler(t, s, requestText("GET", test.target, "Accept-Encoding: "+test.accept))
		if got.status != 200 || got.header.Get("Content-Encoding") != test.coding || got.body != test.body {
			t.Errorf("%s for %q: got %d %q %q, want %q %q", test.target, test.accept, got.status, got.header.Get("Content-Encoding"), got.body, test.coding, test.body)
		}
		kind := types[test.target]
		if kind == "" {
			kind = "text/html; charset=utf-8"
		}
		if !slices.Contains(got.header.Values("Vary"), "Accept-Encoding") || got.header.Get("Content-Type") != kind {
			t.Errorf("%s for %q: got %v", test.target, test.accept, got.header)
		}
		again := byHandler(t, s, requestText("GET", test.target, "Accept-Encoding: "+test.accept+"|If-None-Match: "+got.header.Get("ETag")))
		if again.status != 304 || !slices.Contains(again.header.Values("Vary"), "Accept-Encoding") || again.header.Get("Content-Encoding") != "" {
			t.Errorf("%s for %q again: got %d %v, want 304", test.target, test.accept, again.status, again.header)
		}
	}
}

func TestPartsOfAFileAndOfItsCompressedFormAreNeverMixed(t *testing.T) {
	site := siteFS()
	site["app.js.gz"] = &fstest.MapFile{Data: []byte("zipped"), ModTime: fileTime}
	s := siteServer(t, "/", site, hyperlane.StaticConfig{Precompressed: true})
	plain := byHandler(t, s, requestText("GET", "/app.js", "")).header.Get("ETag")
	zipped := byHandler(t, s, requestText("GET", "/app.js", "Accept-Encoding: gzip"))
	tag := zipped.header.Get("ETag")
	if tag == plain || tag == "" || zipped.header.Get("Accept-Ranges") != "" {
		t.Fatalf("got ETag %s of the file and %s of its form, which has Accept-Ranges: %s", plain, tag, zipped.header.Get("Accept-Ranges"))
	}
	tests := []struct {
		fields string
		status int
		body   string
	}{
		{"Range: bytes=1-", 206, "pp"},
		{"Range: bytes=1-|If-Range: " + plain, 206, "pp"},
		{"Range: bytes=1-|If-Range: " + tag, 200, "app"},
	}
	for _, test := range tests {
		got := byHandler(t, s, requestText("GET", "/app.js", "Accept-Encoding: gzip|"+test.fields))
		if got.status != test.status || got.body != test.body || got.header.Get("Content-Encoding") != "" || got.header.Get("ETag") != plain {
			t.Errorf("%s: got %d %q %v, want %d %q of the file itself", test.fields, got.status, got.body, got.header, test.status, test.body)
		}
	}
}

func TestADirectoryOfTheSystemIsSentByTheKernelOnEveryDriver(t *testing.T) {
	dir := t.TempDir()
	content := strings.Repeat(fileText, 5000)
	if err := os.WriteFile(filepath.Join(dir, "big.txt"), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	fill := func(s *hyperlane.Server) {
		s.Group("/g").Static("/files", hyperlane.Dir(dir), hyperlane.StaticConfig{})
	}
	hyperlanetest.Each(t, func(t *testing.T, d hyperlanetest.Driver) {
		c := d.Serve(t, hyperlane.Config{}, fill)
		for range 2 { // on one connection
			c.Get("/g/files/big.txt").Status(200).Body(content)
			c.Request("GET", "/g/files/big.txt").Header("Range", "bytes=500000-700000").Send().Status(206).Body(content[500000:700001])
			c.Request("HEAD", "/g/files/big.txt").Send().Status(200).Header("Content-Length", "1000000")
			c.Get("/g/files").Status(404)
		}
	})
}
