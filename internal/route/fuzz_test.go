package route

import (
	"fmt"
	"strings"
	"testing"
)

// choices turns bytes of a fuzzer into decisions, so that every input means something.
type choices struct{ rest []byte }

func (c *choices) more() bool { return len(c.rest) > 0 }

func (c *choices) below(n int) int {
	if len(c.rest) == 0 {
		return 0
	}
	b := c.rest[0]
	c.rest = c.rest[1:]
	return int(b) % n
}

func (c *choices) of(words ...string) string { return words[c.below(len(words))] }

// route makes a route out of few words, so that routes overlap.
func (c *choices) route(i int) Route {
	r := Route{Method: c.of("", "GET", "GET", "POST", "HEAD"), Place: fmt.Sprintf("app.go:%d", i+1)}
	r.Host = c.of("", "", "", "", "a.b", "{h}.b", "a.{h}", "{h:int}.b", "{g}.{h}", "a{h}.b", "{h:[a-c]+}.b")
	for depth := 0; ; depth++ {
		segment := c.of("a", "b", "ab", "é", "{x}", "{x}", "{x:int}", "{x:alpha}", "{x:hex}", "{x:[ab]+}", "{x:[ab0-9/]+}", "{x:.*}",
			"a{x}", "ab{x}", "{x}b", "{x}bb", "a{x}b", "a{x:int}b", "ab{x:alnum}", "{x:[ab]+}b", "{x...}", "")
		name := fmt.Sprintf("{x%d", depth)
		r.Pattern += "/" + strings.ReplaceAll(segment, "{x", name)
		if segment == "" || segment == "{x...}" || c.below(3) == 0 || depth > 5 {
			return r
		}
	}
}

func (c *choices) path() string {
	path := ""
	for {
		path += "/" + c.of("a", "b", "ab", "aab", "abb", "1", "a1b", "ab1", "%61", "%61b", "a%2Fb", "%C3%A9", "é", "", "%2F", "zz")
		if c.below(3) == 0 || len(path) > 30 {
			return path
		}
	}
}

// FuzzLookup holds the tree against the reference, on tables that the fuzzer chooses.
func FuzzLookup(f *testing.F) {
	f.Add([]byte("a table"), "/a/b", "GET", "a.b")
	f.Add([]byte{0, 0, 4, 1, 0, 0, 0, 0, 4, 0}, "/a%2Fb/%e9", "HEAD", "A.B:80")
	f.Add([]byte("\x08some more bytes for a larger table, with paths behind it, and some, and others"), "/%zz", "POST", "")
	f.Fuzz(func(t *testing.T, data []byte, path, method, host string) {
		if strings.ContainsAny(path, "\x00?#") || strings.ContainsAny(host, "\x00[]/ ") || strings.Count(host, ":") > 1 || method == "" {
			return // the parser of requests refuses them
		}
		c := &choices{data}
		var tab, reversed Table[string]
		var ref reference
		var routes []Route
		for range c.below(24) + 1 {
			r := c.route(len(routes))
			if tab.Add(r, r.String()) == nil {
				ref.add(r, &tab.index.constraints)
				routes = append(routes, r)
			}
		}
		for i := len(routes) - 1; i >= 0; i-- {
			if err := reversed.Add(routes[i], routes[i].String()); err != nil {
				t.Fatal(err)
			}
		}
		check := func(method, host, path string) {
			want := ref.lookup(method, host, path)
			for _, table := range []*Table[string]{&tab, &reversed} {
				var m Match
				if got := answer(table, method+" "+host+path, &m); got != want && strings.HasPrefix(path, "/") {
					t.Errorf("%s %q %q\nin %q\n got %s\nwant %s\n%s", method, host, path, routes, got, want, table.index.draw())
				}
			}
		}
		if strings.HasPrefix(path, "/") && !strings.ContainsAny(method, " /") {
			check(method, host, path)
		}
		for range 16 {
			check(c.of("GET", "POST", "HEAD", "PUT"), c.of("", "a.b", "c.b", "a.c", "1.b", "ab.b", "x.y", "A.b:8080", "a.b.c"), c.path())
			if !c.more() {
				break
			}
		}
	})
}

// asciiLower leaves alone what is not UTF-8: strings.ToLower and strings.Map do not.
func asciiLower(s string) string {
	b := []byte(s)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}

// FuzzPattern adds patterns that nobody would write: none may panic, and what is taken must be found again under the path
// that was built for it.
func FuzzPattern(f *testing.F) {
	for _, pattern := range []string{"/", "/a/{x}/{y:int}/b-{z:[a-z]{2}}.c/{t...}", "/{a:}", "/{", "/}", "/a//b", "/%41", "/{x:\\}}", "/é/{größe}", "/{x:(?i)a|b}"} {
		f.Add(pattern, "{tenant}.example.com")
		f.Add(pattern, "")
	}
	f.Fuzz(func(t *testing.T, pattern, host string) {
		var tab Table[int]
		r := Route{Host: host, Pattern: pattern, Place: "a.go:1"}
		if err := tab.Add(r, 1); err != nil {
			if !strings.Contains(err.Error(), "(a.go:1)") {
				t.Errorf("no place in %v", err)
			}
			for range tab.All() {
				t.Errorf("refused, but there: %v", err)
			}
			return
		}
		if err := tab.Add(r, 2); err == nil {
			t.Errorf("%q was taken twice", pattern)
		}
		labels, p, err := tab.index.parse(r)
		if err != nil {
			t.Fatal(err)
		}
		values := map[string]string{}
		for _, s := range p.segments {
			values[s.name] = s.name
			if s.constraint != nil {
				values[s.name], _ = s.constraint.example()
			}
		}
		path, err := tab.Build(pattern, func(name string) (string, bool) { value, ok := values[name]; return value, ok })
		if err != nil {
			return // no example, or one that makes a dot segment
		}
		name := example(labels, nil)
		if strings.ContainsAny(name, "{.:") && name != shape(labels, ".") {
			return
		}
		var m Match
		if _, outcome := tab.Lookup([]byte("GET"), []byte(name), []byte(path), &m); outcome != Found {
			t.Errorf("%q was built for %q, and is %v", path, pattern, outcome)
		}
		for name, want := range values {
			if got, ok := m.Find(name); name != "" && (!ok || string(got) != want) {
				t.Errorf("param %q of %q is %q in %q, want %q", name, pattern, got, path, want)
			}
		}
	})
}

// FuzzClean holds Clean to its promises: what it returns is clean, and rooted.
func FuzzClean(f *testing.F) {
	for _, path := range []string{"", "/", "//a", "/a/../b/./c//", `//\evil`, "/%2e%2E/", "/..%2f"} {
		f.Add(path)
	}
	f.Fuzz(func(t *testing.T, path string) {
		once, changed := Clean([]byte(path), nil)
		if changed == (string(once) == path) {
			t.Errorf("Clean(%q) = %q, %v", path, once, changed)
		}
		if twice, changed := Clean(once, nil); changed {
			t.Errorf("Clean(%q) = %q, and that again is %q", path, once, twice)
		}
		if changed && len(once) > 1 && (once[1] == '/' || once[1] == '\\') {
			t.Errorf("Clean(%q) = %q, which leads to another host", path, once)
		}
	})
}
