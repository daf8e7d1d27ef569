package hyperlane_test

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/hyperlane-go/hyperlane"
	"github.com/hyperlane-go/hyperlane/hyperlanetest"
)

// guardedSite is a directory of the system with secrets in and around it: no answer of it may hold the word.
func guardedSite(t *testing.T) string {
	t.Helper()
	base := t.TempDir()
	for name, content := range map[string]string{
		"secret.txt":             "secret",
		"public/index.html":      "home",
		"public/a.txt":           "a",
		"public/.env":            "secret",
		"public/.git/config":     "secret",
		"public/private/key.txt": "secret",
		"public/sub/b.txt":       "b",
		"public-secret/x.txt":    "secret",
	} {
		name = filepath.Join(base, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	public := filepath.Join(base, "public")
	for link, target := range map[string]string{
		"out.txt":   "../secret.txt",
		"out":       "..",
		"abs.txt":   filepath.Join(base, "secret.txt"),
		"far":       "sub/../../secret.txt",
		"in.txt":    "a.txt",
		"loop":      "loop",
		"sub/up":    "..",
		"twice.txt": "out.txt",
	} {
		if err := os.Symlink(target, filepath.Join(public, filepath.FromSlash(link))); err != nil {
			t.Skip("no symbolic links:", err)
		}
	}
	return public
}

func TestNoPathLeadsOutOfADirectory(t *testing.T) {
	public := guardedSite(t)
	tests := []struct {
		target string
		status int
		reason string
	}{
		{"/files/a.txt", 200, "the way that is open"},
		{"/files/in.txt", 200, "a link that stays inside"},
		{"/files/sub/up/a.txt", 200, "a link that stays inside"},

		{"/files/../secret.txt", 404, "dot-dot"},
		{"/files/sub/../../secret.txt", 404, "dot-dot behind a directory"},
		{"/files/sub/../a.txt", 404, "even one that stays inside is not cleaned"},
		{"/files/%2e%2e/secret.txt", 404, "escaped dots"},
		{"/files/%2E%2E/secret.txt", 404, "escaped dots"},
		{"/files/.%2e/secret.txt", 404, "one escaped dot"},
		{"/files/..%2fsecret.txt", 404, "an escaped slash"},
		{"/files/..%2Fsecret.txt", 404, "an escaped slash"},
		{"/files/%2e%2e%2fsecret.txt", 404, "all escaped"},
		{"/files/%252e%252e/secret.txt", 404, "escaped twice, decoded once"},
		{"/files/%252e%252e%252fsecret.txt", 404, "escaped twice, decoded once"},
		{"/files/..%5csecret.txt", 404, "a backslash"},
		{"/files/..%5Csecret.txt", 404, "a backslash"},
		{`/files/..\secret.txt`, 404, "a backslash, raw"},
		{"/files/..%c0%afsecret.txt", 404, "an overlong slash"},
		{"/files/%c0%ae%c0%ae/secret.txt", 404, "overlong dots"},
		{"/files/..%ef%bc%8fsecret.txt", 404, "a fullwidth slash"},
		{"/files/....//secret.txt", 404, "what a filter that removes ../ would leave"},
		{"/files/./a.txt", 404, "a single dot"},
		{"/files/%2e/a.txt", 404, "a single dot, escaped"},
		{"/files//a.txt", 404, "an empty segment"},
		{"/files/sub//b.txt", 404, "an empty segment"},
		{"/files//etc/passwd", 404, "an absolute path"},
		{"/files/%2fetc%2fpasswd", 404, "an absolute path, escaped"},
		{"/files/a.txt%00.html", 400, "NUL is no path at all"},
		{"/files/a.txt/", 404, "a file is no directory"},
		{"/files/a.txt/..", 404, "nor a step"},
		{"/files/..", 404, "the parent"},
		{"/files/../", 404, "the parent"},
		{"/files/%2e%2e", 404, "the parent"},
		{"/files../public-secret/x.txt", 404, "a prefix ends with a segment"},
		{"/files-secret/x.txt", 404, "a prefix ends with a segment"},

		{"/files/sub%2fb.txt", 404, "an escaped slash is no separator"},
		{"/files/sub%2Fb.txt", 404, "an escaped slash is no separator"},
		{"/files/sub%2f", 404, "nor at the end"},
		{"/files/%2fa.txt", 404, "nor at the beginning"},
		{"/files%2fa.txt", 404, "nor behind the prefix"},

		{"/files/.env", 404, "a dot file"},
		{"/files/%2eenv", 404, "a dot file, escaped"},
		{"/files/.git/config", 404, "below a dot directory"},
		{"/files/sub/up/.env", 404, "a dot file, by a link"},

		{"/files/out.txt", 404, "a link that leads out"},
		{"/files/out/secret.txt", 404, "a link to a directory outside"},
		{"/files/out/", 404, "a link to a directory outside"},
		{"/files/abs.txt", 404, "an absolute link"},
		{"/files/far", 404, "a link that leads out on a detour"},
		{"/files/twice.txt", 404, "a link to a link that leads out"},
		{"/files/sub/up/out.txt", 404, "a link behind a link"},
		{"/files/loop", 404, "a link to itself"},
	}
	fill := func(s *hyperlane.Server) {
		s.Static("/files", hyperlane.Dir(public), hyperlane.StaticConfig{Listing: true, Fallback: ""})
	}
	hyperlanetest.Each(t, func(t *testing.T, d hyperlanetest.Driver) {
		c := d.Serve(t, hyperlane.Config{}, fill)
		for _, test := range tests {
			if strings.Contains(test.target, `\`) && runtime.GOOS == "windows" {
				continue
			}
			got := overWire(t, c, requestText("GET", test.target, "Connection: close"))
			rawBackslash := strings.Contains(test.target, `\`) && got.status == 400 // the parser's to refuse
			if got.status != test.status && !rawBackslash {
				t.Errorf("%s: got %d, want %d: %s", test.target, got.status, test.status, test.reason)
			}
			if strings.Contains(got.body, "secret") && got.status == 200 || strings.Contains(got.body, public) {
				t.Errorf("%s: got %q: %s", test.target, got.body, test.reason)
			}
		}
	})
}

// A guard that is a route of its own must see every request for what it guards.
func TestAGuardSeesThePathThatIsServed(t *testing.T) {
	public := guardedSite(t)
	fill := func(s *hyperlane.Server) {
		s.Static("/files", hyperlane.Dir(public), hyperlane.StaticConfig{})
		s.Any("/files/private/{rest...}", func(c *hyperlane.Context) error { return hyperlane.Errorf(403, "guarded") })
	}
	hyperlanetest.Each(t, func(t *testing.T, d hyperlanetest.Driver) {
		c := d.Serve(t, hyperlane.Config{}, fill)
		for _, target := range []string{"/files/private/key.txt", "/files/%70rivate/key.txt", "/files/private%2fkey.txt", "/files/private%2Fkey.txt",
			"/files/./private/key.txt", "/files//private/key.txt", "/files/sub/../private/key.txt", "/files/sub%2f..%2fprivate/key.txt",
			"/files/private%5ckey.txt", "/files/%2e/private/key.txt", "/files/private/./key.txt", "/files/private//key.txt"} {
			got := overWire(t, c, requestText("GET", target, ""))
			if got.status != 403 && got.status != 404 || strings.Contains(got.body, "secret") {
				t.Errorf("%s: got %d %q, want 403 or 404", target, got.status, got.body)
			}
		}
	})
}

func TestARedirectNeverLeadsToAnotherHost(t *testing.T) {
	site := siteFS()
	config := hyperlane.StaticConfig{Listing: true}
	for _, prefix := range []string{"/", "/{tenant}"} {
		s := siteServer(t, prefix, site, config)
		for _, target := range []string{"/sub", "//sub", "//evil.example/sub", "/%2fevil.example", "/%5cevil.example", "/evil.example%2f..",
			"/x/sub", "/x//evil.example", "/x/%2f%2fevil.example", "//evil.example/%2e%2e", "/https:evil.example", "/%5c%5cevil.example"} {
			got := byHandler(t, s, requestText("GET", target, ""))
			if to := got.header.Get("Location"); to != "" && (!strings.HasPrefix(to, "./") || strings.HasPrefix(to, ".//")) {
				t.Errorf("%s under %s: got Location %s", target, prefix, to)
			}
		}
	}
}
