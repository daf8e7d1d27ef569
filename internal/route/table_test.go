package route

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// table makes a table of lines like "GET example.com/users/{id}"; method and host may be missing. The value of a route is
// its line.
func table(tb testing.TB, lines ...string) *Table[string] {
	tb.Helper()
	t := new(Table[string])
	if err := t.Constraint("even", func(s string) bool { return strings.HasSuffix(s, "0") || strings.HasSuffix(s, "2") }); err != nil {
		tb.Fatal(err)
	}
	for i, line := range lines {
		if err := t.Add(parseRoute(line, i), line); err != nil {
			tb.Fatal(err)
		}
	}
	return t
}

func parseRoute(line string, i int) Route {
	r := Route{Place: fmt.Sprintf("app.go:%d", i+1)}
	if method, rest, ok := strings.Cut(line, " "); ok && !strings.Contains(method, "/") {
		r.Method, line = method, rest
	}
	slash := strings.IndexByte(line, '/')
	r.Host, r.Pattern = line[:slash], line[slash:]
	return r
}

// answer looks a line like "GET example.com/users/1" up and describes everything that came of it.
func answer(t *Table[string], line string, m *Match) string {
	r := parseRoute(line, 0)
	value, outcome := t.Lookup([]byte(r.Method), []byte(r.Host), []byte(r.Pattern), m)
	switch outcome {
	case Found:
		for i := range m.Len() {
			value += fmt.Sprintf(" %s=%q", m.Name(i), m.Value(i))
		}
		return value
	case MethodNotAllowed:
		return "405 " + string(m.AppendAllow(nil))
	}
	return outcome.String()
}

func TestTheMostSpecificPatternWinsInWhateverOrderTheyWereAdded(t *testing.T) {
	tests := []struct {
		about  string
		routes []string
		want   map[string]string // request -> answer
	}{
		{"static before everything", []string{"/users/me", "/users/{id}", "/users/{rest...}"}, map[string]string{
			"GET /users/me":      `/users/me`,
			"GET /users/mean":    `/users/{id} id="mean"`,
			"GET /users/m":       `/users/{id} id="m"`,
			"GET /users/me/x":    `/users/{rest...} rest="me/x"`,
			"GET /users/":        `/users/{rest...} rest=""`,
			"GET /users":         `NotFound`,
			"GET /users//me":     `/users/{rest...} rest="/me"`,
			"GET /users/..":      `/users/{id} id=".."`,
			"GET /users/%2e%2e/": `/users/{rest...} rest="../"`,
		}},
		{"every kind in one place", []string{"/1", "/{a:even}", "/{b:uint}", "/{c:int}", "/{d:[0-9a-z]+}", "/{e}", "/{f...}"}, map[string]string{
			"GET /1":   `/1`,
			"GET /2":   `/{a:even} a="2"`,
			"GET /3":   `/{b:uint} b="3"`,
			"GET /-3":  `/{c:int} c="-3"`,
			"GET /3a":  `/{d:[0-9a-z]+} d="3a"`,
			"GET /3A":  `/{e} e="3A"`,
			"GET /3/a": `/{f...} f="3/a"`,
			"GET /":    `/{f...} f=""`,
		}},
		{"mixed segments", []string{"/file-{n:int}.json", "/file-{n}.json", "/file-{n}", "/f{n}", "/{n}.json", "/{n}.n", "/{n}", "/file-.json"}, map[string]string{
			"GET /file-1.json":   `/file-{n:int}.json n="1"`,
			"GET /file-a.json":   `/file-{n}.json n="a"`,
			"GET /file-a.xml":    `/file-{n} n="a.xml"`,
			"GET /file-.json":    `/file-.json`,
			"GET /file-":         `/f{n} n="ile-"`,
			"GET /fire.json":     `/f{n} n="ire.json"`,
			"GET /a.json":        `/{n}.json n="a"`,
			"GET /a.json.json":   `/{n}.json n="a.json"`,
			"GET /.json":         `/{n} n=".json"`,
			"GET /a.n":           `/{n}.n n="a"`,
			"GET /file-1.json/":  `NotFound`,
			"GET /file-1%2e.n":   `/file-{n} n="1..n"`,
			"GET /file-%31.json": `/file-{n:int}.json n="1"`,
		}},
		{"a dead end is left again", []string{"/a/{x}/c/d", "/a/b/{y}/e", "/{z}/b/c/f", "/a/{t...}"}, map[string]string{
			"GET /a/b/c/d": `/a/{x}/c/d x="b"`,
			"GET /a/b/c/e": `/a/b/{y}/e y="c"`,
			"GET /a/b/c/f": `/a/{t...} t="b/c/f"`,
			"GET /b/b/c/f": `/{z}/b/c/f z="b"`,
			"GET /a/b/c":   `/a/{t...} t="b/c"`,
		}},
		{"the method is part of the match", []string{"GET /users/me", "POST /users/{id}", "/users/{rest...}", "DELETE /x/{id}", "GET /x/{id}", "PUT /x/1"}, map[string]string{
			"GET /users/me":    `GET /users/me`,
			"HEAD /users/me":   `GET /users/me`,
			"POST /users/me":   `POST /users/{id} id="me"`,
			"DELETE /users/me": `/users/{rest...} rest="me"`,
			"GET /x/1":         `GET /x/{id} id="1"`,
			"PATCH /x/1":       `405 DELETE, GET, HEAD, OPTIONS, PUT`,
			"OPTIONS /x/2":     `405 DELETE, GET, HEAD, OPTIONS`,
			"get /x/2":         `405 DELETE, GET, HEAD, OPTIONS`,
			"PATCH /x/":        `NotFound`,
		}},
		{"HEAD, GET and any method", []string{"HEAD /a", "GET /a", "/a", "GET /b", "/b", "/c", "GET /{x}", "HEAD /{x}"}, map[string]string{
			"HEAD /a": `HEAD /a`,
			"GET /a":  `GET /a`,
			"PUT /a":  `/a`,
			"HEAD /b": `GET /b`,
			"HEAD /c": `/c`,
			"HEAD /d": `HEAD /{x} x="d"`,
		}},
		{"hosts", []string{"/a", "/b", "/{any...}", "API.example.com/a", "GET api.example.com/m", "{t}.example.com/a", "{t}.example.com/t", "{t:int}.example.com/t",
			"api.{d}.com/t", "www-{n}.example.com/t", "{x}.{y}.{z}/t/{id}"}, map[string]string{
			"GET /a":                         `/a`,
			"GET api.example.com/a":          `API.example.com/a`,
			"GET Api.Example.com.:8080/a":    `API.example.com/a`,
			"GET api.example.com/b":          `/b`,
			"PUT api.example.com/m":          `/{any...} any="m"`,
			"GET Acme.example.com:1/a":       `{t}.example.com/a t="acme"`,
			"GET api.example.com/t":          `{t}.example.com/t t="api"`,
			"GET 12.example.com/t":           `{t:int}.example.com/t t="12"`,
			"GET www-7.example.com/t":        `www-{n}.example.com/t n="7"`,
			"GET api.other.com/t":            `api.{d}.com/t d="other"`,
			"GET x.y.z/t/%2F":                `{x}.{y}.{z}/t/{id} x="x" y="y" z="z" id="/"`,
			"GET x.y.z.q/t/1":                `/{any...} any="t/1"`,
			"GET example.com/t":              `/{any...} any="t"`,
			"GET .example.com/t":             `/{any...} any="t"`,
			"GET [::1]:80/b":                 `/b`,
			"GET evil.com:api.example.com/a": `/a`,
		}},
		{"a regular expression for a host does not mind its case", []string{"{region:EU[0-9]}.example.com/a", "/a"}, map[string]string{
			"GET eu1.example.com/a": `{region:EU[0-9]}.example.com/a region="eu1"`,
			"GET Eu2.example.com/a": `{region:EU[0-9]}.example.com/a region="eu2"`,
			"GET us1.example.com/a": `/a`,
		}},
		{"405 over several hosts", []string{"GET a.com/x", "PUT {h}.com/x", "POST /x", "DELETE /{y}"}, map[string]string{
			"PATCH a.com/x":  `405 DELETE, GET, HEAD, OPTIONS, POST, PUT`,
			"DELETE a.com/x": `DELETE /{y} y="x"`,
			"PATCH b.com/x":  `405 DELETE, OPTIONS, POST, PUT`,
			"PATCH /x":       `405 DELETE, OPTIONS, POST`,
		}},
		{"decoding", []string{"/a b", "/é/{x}", "/100%", "/p/{x}/q", "/p/{t...}", "/s/{x:[a-z/]+}", "/i/{x:int}", "/e/{x:even}", "/%zz"}, map[string]string{
			"GET /a%20b":        `/a b`,
			"GET /%61%20%62":    `/a b`,
			"GET /%C3%a9/%E2":   `/é/{x} x="\xe2"`,
			"GET /100%25":       `/100%`,
			"GET /p/a%2Fb/q":    `/p/{x}/q x="a/b"`,
			"GET /p/a%2fb%2f/":  `/p/{t...} t="a/b//"`,
			"GET /p%2Fa/q":      `NotFound`,
			"GET /p/%252F/q":    `/p/{x}/q x="%2F"`,
			"GET /p/%2e%2e/x":   `/p/{t...} t="../x"`,
			"GET /s/a%2Fb":      `/s/{x:[a-z/]+} x="a/b"`,
			"GET /i/%31%32":     `/i/{x:int} x="12"`,
			"GET /e/%2F2":       `/e/{x:even} x="/2"`,
			"GET /p/%00/q":      `BadPath`,
			"GET /p/%":          `BadPath`,
			"GET /p/%2":         `BadPath`,
			"GET /p/%G1":        `BadPath`,
			"GET /p/%1G":        `BadPath`,
			"GET /p/%%31":       `BadPath`,
			"GET /nowhere/%zz":  `BadPath`,
			"GET /%25zz":        `/%zz`,
			"GET /p/%ff%FE/q":   `/p/{x}/q x="\xff\xfe"`,
			"GET /p/a+b;c=d/q":  `/p/{x}/q x="a+b;c=d"`,
			"GET /p/{x}/q":      `/p/{x}/q x="{x}"`,
			"GET /i/1%2F":       `NotFound`,
			"GET /p/a%5C..%5Cb": `/p/{t...} t="a\\..\\b"`,
		}},
		{"regular expressions: the narrower first", []string{"/{a:[a-z]+}", "/{b:[a-z0-9]+}", "/{c:.+}", "/{d:v[0-9]+}", "/{e:(new|edit)}", "/{f:[0-9]{4}}", "/{g:[0-9]+}", "/{h:[^/]*}.txt"}, map[string]string{
			"GET /abc":   `/{a:[a-z]+} a="abc"`,
			"GET /abc1":  `/{b:[a-z0-9]+} b="abc1"`,
			"GET /ab-c":  `/{c:.+} c="ab-c"`,
			"GET /v12":   `/{d:v[0-9]+} d="v12"`,
			"GET /v":     `/{a:[a-z]+} a="v"`,
			"GET /edit":  `/{e:(new|edit)} e="edit"`,
			"GET /edits": `/{a:[a-z]+} a="edits"`,
			"GET /2024":  `/{f:[0-9]{4}} f="2024"`,
			"GET /20245": `/{g:[0-9]+} g="20245"`,
			"GET /a.txt": `/{h:[^/]*}.txt h="a"`,
			"GET /":      `NotFound`,
		}},
		{"slashes at the end", []string{"/", "/a", "/a/", "/b/", "/{x}/", "/c/{x}/"}, map[string]string{
			"GET /":    `/`,
			"GET /a":   `/a`,
			"GET /a/":  `/a/`,
			"GET /b":   `NotFound`,
			"GET /z/":  `/{x}/ x="z"`,
			"GET //":   `NotFound`,
			"GET /c//": `NotFound`,
		}},
	}
	for _, test := range tests {
		t.Run(test.about, func(t *testing.T) {
			random := rand.New(rand.NewPCG(1, 2))
			var m Match
			for range 20 {
				tab := table(t, test.routes...)
				for request, want := range test.want {
					if got := answer(tab, request, &m); got != want {
						t.Errorf("%s with %q\n got %s\nwant %s", request, test.routes, got, want)
					}
				}
				random.Shuffle(len(test.routes), func(i, j int) {
					test.routes[i], test.routes[j] = test.routes[j], test.routes[i]
				})
			}
		})
	}
}

func TestAPathThatDoesNotBeginWithASlashIsBad(t *testing.T) {
	tab := table(t, "/{all...}")
	for _, path := range []string{"", "*", "a/b", "http://a/b", "%2Fa"} {
		var m Match
		if _, outcome := tab.Lookup([]byte("GET"), nil, []byte(path), &m); outcome != BadPath {
			t.Errorf("Lookup(%q) = %v, want BadPath", path, outcome)
		}
	}
}

func TestAMatchForgetsTheLookupBefore(t *testing.T) {
	tab := table(t, "GET /a/{x}", "{h}.com/b")
	var m Match
	steps := []struct {
		request, want string
		pattern       string // what m.Pattern says after it
		params        int    // what m.Len says after it
	}{
		{"GET /a/%2F", `GET /a/{x} x="/"`, "/a/{x}", 1},
		{"PUT /a/1", `405 GET, HEAD, OPTIONS`, "", 0},
		{"GET z.com/b", `{h}.com/b h="z"`, "/b", 1},
		{"GET z.com/a/1", `GET /a/{x} x="1"`, "/a/{x}", 1},
		{"GET /%", `BadPath`, "", 0},
		{"GET /a/", `NotFound`, "", 0},
	}
	for _, step := range steps {
		if got := answer(tab, step.request, &m); got != step.want {
			t.Errorf("%s: got %s, want %s", step.request, got, step.want)
		}
		if m.Pattern() != step.pattern || m.Len() != step.params {
			t.Errorf("%s: got pattern %q with %d params, want %q with %d", step.request, m.Pattern(), m.Len(), step.pattern, step.params)
		}
		if _, ok := m.Find("nothing"); ok {
			t.Errorf("%s: found a param that no pattern has", step.request)
		}
		if allow := m.AppendAllow(nil); len(allow) > 0 && !strings.HasPrefix(step.want, "405") {
			t.Errorf("%s: Allow is %q", step.request, allow)
		}
	}
}

func TestFindKnowsHostAndPathParamsByName(t *testing.T) {
	tab := table(t, "{tenant}.example.com/users/{id}")
	var m Match
	answer(tab, "GET acme.example.com/users/7", &m)
	for name, want := range map[string]string{"tenant": "acme", "id": "7"} {
		if got, ok := m.Find(name); !ok || string(got) != want {
			t.Errorf("Find(%q) = %q, %v, want %q", name, got, ok, want)
		}
	}
	value, _ := m.Find("tenant")
	_ = append(value, "!!!"...) // must not write over what follows
	if answer, _ := m.Find("tenant"); string(answer) != "acme" || string(m.host) != "acme.example.com" {
		t.Errorf("appending to a value changed its neighbours: %q", m.host)
	}
}

func TestTrailingSlashTellsWhetherTheOtherFormIsThere(t *testing.T) {
	tab := table(t, "/", "GET /a", "/b/", "/c/{x}/", "/t/{rest...}", "h.com/d")
	tests := map[string]bool{
		"GET /a/":       true,
		"PUT /a/":       false,
		"GET /b":        true,
		"GET /c/x":      true,
		"GET /c/%2F%61": true,
		"GET /c/%zz":    false,
		"GET /t":        true,
		"GET /":         false,
		"GET /z":        false,
		"GET /z/":       false,
		"GET h.com/d/":  true,
		"GET i.com/d/":  false,
	}
	var m Match
	for request, want := range tests {
		r := parseRoute(request, 0)
		path := []byte(r.Pattern)
		if got := tab.TrailingSlash([]byte(r.Method), []byte(r.Host), path, &m); got != want {
			t.Errorf("TrailingSlash(%s) = %v, want %v", request, got, want)
		}
		if string(path) != r.Pattern || m.Len() > 0 || m.Pattern() != "" {
			t.Errorf("TrailingSlash(%s) left path %q and %d params", request, path, m.Len())
		}
	}
}

func TestAllYieldsRoutesInOrderOfRegistration(t *testing.T) {
	lines := []string{"/z", "GET /a", "x.com/{id}", "/a"}
	var got []string
	for route, value := range table(t, lines...).All() {
		if route.String() != value {
			t.Errorf("route %q has the value of %q", route, value)
		}
		got = append(got, value)
	}
	if !slices.Equal(got, lines) {
		t.Errorf("got %q, want %q", got, lines)
	}
	for range table(t, lines...).All() {
		break
	}
}

// raceEnabled says that the race detector watches this test binary.
var raceEnabled bool

func TestLookupAllocatesNothing(t *testing.T) {
	tab := table(t, "GET /static/path", "GET /users/{id}", "/i/{x:int}", "/u/{x:uuid}", "/r/{x:v[0-9]+}", "/m/a-{x:slug}.b",
		"/t/{rest...}", "{a}.{b}.{c}/h", "a-very-long-prefix-of-more-than-32-bytes-{a}.com/h", "PUT /only")
	var m Match
	for _, request := range []string{"GET /static/path", "HEAD /users/12", "GET /users/a%20b%2Fc", "GET /i/12", "GET /i/x%2F",
		"GET /u/01234567-89ab-cdef-0123-456789abcdef", "GET /r/v12", "GET /r/v%31%32", "GET /m/a-b-c.b", "GET /t/a/b/c",
		"GET X.y.z:80/h", "GET a-very-long-prefix-of-more-than-32-bytes-x.com/h", "GET /nothing", "PUT /users/12", "GET /%zz"} {
		r := parseRoute(request, 0)
		method, host, path := []byte(r.Method), []byte(r.Host), []byte(r.Pattern)
		allocs := testing.AllocsPerRun(100, func() {
			tab.Lookup(method, host, path, &m)
			m.Find("id")
		})
		if allocs != 0 && !raceEnabled {
			t.Errorf("%s: %v allocations, want 0", request, allocs)
		}
	}
}
