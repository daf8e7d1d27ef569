package route

import (
	"strings"
	"testing"
)

func TestABadRouteIsRefusedWithTheReasonAndThePlace(t *testing.T) {
	tests := []struct {
		route Route
		want  string // the error, behind the route and its place
	}{
		{Route{Pattern: ""}, "a pattern begins with a slash"},
		{Route{Pattern: "users"}, "a pattern begins with a slash"},
		{Route{Pattern: "{x}/y"}, "a pattern begins with a slash"},
		{Route{Pattern: "//"}, "an empty segment (//)"},
		{Route{Pattern: "/a//b"}, "an empty segment (//)"},
		{Route{Pattern: "/a/./b"}, "a dot segment (.): clients resolve it before they send"},
		{Route{Pattern: "/a/.."}, "a dot segment (..): clients resolve it before they send"},
		{Route{Pattern: "/{}"}, "{} has no name"},
		{Route{Pattern: "/{...}"}, "{...} has no name"},
		{Route{Pattern: "/{:int}"}, "{:int} has no name"},
		{Route{Pattern: "/{a b}"}, `"a b" is no name for a param: a name has letters, digits, _ and -, and begins with a letter or _`},
		{Route{Pattern: "/{1}"}, `"1" is no name for a param: a name has letters, digits, _ and -, and begins with a letter or _`},
		{Route{Pattern: "/{a"}, "a { without its }"},
		{Route{Pattern: "/{a{b}"}, "a { without its }"},
		{Route{Pattern: "/a}"}, "a } without its {"},
		{Route{Pattern: "/a}{b}"}, "a } without its {"},
		{Route{Pattern: "/{b}}"}, "a } without its {"},
		{Route{Pattern: "/{a}{b}"}, `segment "{a}{b}" has two params; it can have one`},
		{Route{Pattern: "/{a}/{b:int}/{a}"}, `two params are called "a"`},
		{Route{Pattern: "/{a...}/b"}, "{a...}: a tail is the last segment"},
		{Route{Pattern: "/{a...}/"}, "{a...}: a tail is the last segment"},
		{Route{Pattern: "/x{a...}"}, "{a...}: a tail is a whole segment, without text around it"},
		{Route{Pattern: "/{a...:int}"}, "{a...:int}: a tail takes no constraint"},
		{Route{Pattern: "/{a:}"}, "{a:}: no constraint behind the colon"},
		{Route{Pattern: "/{a:number}"}, `{a:number}: there is no constraint named "number"; there are alnum, alpha, bool, date, even, hex, int, slug, uint, uuid (a regular expression that is a word goes in parentheses)`},
		{Route{Pattern: "/{a:[a-z}"}, "{a:[a-z}: error parsing regexp: missing closing ]: `[a-z`"},
		{Route{Pattern: "/{a:a)(b}"}, "{a:a)(b}: error parsing regexp: unexpected ): `a)(b`"},
		{Route{Pattern: "/a%20b"}, `"a%20b": patterns are written decoded, without %20`},
		{Route{Pattern: "/a?b=c"}, `"a?b=c": a path ends before ?`},
		{Route{Pattern: "/{a}?"}, `"?": a path ends before ?`},
		{Route{Pattern: "/a\x00b"}, "a control byte (0x00)"},
		{Route{Pattern: "/:id"}, `":id": a param is written {id}`},
		{Route{Pattern: "/*path"}, `"*path": a tail is written {path...}`},
		{Route{Pattern: "/*"}, `"*": a tail is written {path...}`},
		{Route{Method: "G T", Pattern: "/"}, `method "G T": a method is one token`},
		{Route{Method: "get", Pattern: "/"}, `method "get": methods are compared with their case, so this is not GET`},
		{Route{Host: "a..b", Pattern: "/"}, "host: an empty label"},
		{Route{Host: "a.com:80", Pattern: "/"}, `host: ":" in "a.com:80"; a host has no port, no scheme and no path, and other scripts are written in punycode`},
		{Route{Host: "{a...}.com", Pattern: "/"}, "host: {a...}: a tail belongs in a pattern"},
		{Route{Host: "{a}.com", Pattern: "/{a}"}, `two params are called "a"`},
		{Route{Host: "{a:nope}.com", Pattern: "/"}, `host: {a:nope}: there is no constraint named "nope"; there are alnum, alpha, bool, date, even, hex, int, slug, uint, uuid (a regular expression that is a word goes in parentheses)`},
	}
	for _, test := range tests {
		tab := table(t)
		test.route.Place = "main.go:7"
		err := tab.Add(test.route, "")
		if err == nil {
			t.Errorf("Add(%v) = nil, want an error: %s", test.route, test.want)
			continue
		}
		_, reason, ok := strings.Cut(err.Error(), "(main.go:7): ")
		if !ok || reason != test.want {
			t.Errorf("Add(%v)\n got %v\nwant ... (main.go:7): %s", test.route, err, test.want)
		}
		for range tab.All() {
			t.Errorf("Add(%v) failed, but the route is there", test.route)
		}
	}
}

func TestUnusualPatternsAreTaken(t *testing.T) {
	for _, pattern := range []string{"/", "/a/", "/{x}/", "/v1/users:batch", "/{user-id}", "/{größe}", "/a b", "/é", "/100%", "/.well-known/x", "/...",
		"/{x:[0-9]{3}}", "/{x:[^/]+}/y", `/{x:\{}`, "/{x:a|b}", "/{x:(word)}", "/{x:(?i)abc}", "/{_}", "/~user", "/@{name}", "/{a}.{b:int}"} {
		err := table(t).Add(Route{Pattern: pattern}, "")
		if wanted := pattern != "/{a}.{b:int}"; (err == nil) != wanted {
			t.Errorf("Add(%q) = %v", pattern, err)
		}
	}
}

func TestAConflictIsReportedWithBothRoutesBothPlacesAndAnExample(t *testing.T) {
	tests := []struct {
		first, second string // at app.go:1 and app.go:2
		want          string // the whole error; none: no conflict
	}{
		{"GET /users/{id}", "GET /users/{name}",
			`route "GET /users/{name}" (app.go:2) conflicts with route "GET /users/{id}" (app.go:1): both match the same requests, such as GET /users/name`},
		{"/a", "/a",
			`route "/a" (app.go:2) conflicts with route "/a" (app.go:1): both match the same requests, such as any method /a`},
		{"/v/{a:v[0-9]+}/{b:uuid}", "/v/{c:v[0-9]+}/{d:uuid}",
			`route "/v/{c:v[0-9]+}/{d:uuid}" (app.go:2) conflicts with route "/v/{a:v[0-9]+}/{b:uuid}" (app.go:1): both match the same requests, such as any method /v/v1/00000000-0000-0000-0000-000000000000`},
		{"/x-{a:even}.y", "/x-{b:even}.y",
			`route "/x-{b:even}.y" (app.go:2) conflicts with route "/x-{a:even}.y" (app.go:1): both match the same requests, such as any method /x-10.y`},
		{"PUT {a}.Example.com/f/{p...}", "PUT {b}.example.COM/f/{q...}",
			`route "PUT {b}.example.COM/f/{q...}" (app.go:2) conflicts with route "PUT {a}.Example.com/f/{p...}" (app.go:1): both match the same requests, such as PUT b.example.com/f/q`},
		{`/{a:\d{2}(x|y)?[^a-z]}`, `/{b:\d{2}(x|y)?[^a-z]}`,
			`route "/{b:\\d{2}(x|y)?[^a-z]}" (app.go:2) conflicts with route "/{a:\\d{2}(x|y)?[^a-z]}" (app.go:1): both match the same requests, such as any method /111`},
		{"GET /users/{id}", "POST /users/{name}", ""},
		{"GET /users/{id}", "/users/{name}", ""},
		{"GET /users/{id}", "GET /users/{id}/", ""},
		{"GET /{id:int}", "GET /{id:uint}", ""},
		{"GET /{id:[0-9]+}", "GET /{id:[0-9]{1,}}", ""},
		{"GET /a/{x}", "GET /{y}/b", ""},
		{"a.com/x", "/x", ""},
		{"{h}.com/x", "{h:alpha}.com/x", ""},
	}
	for _, test := range tests {
		tab := table(t, test.first)
		err := tab.Add(parseRoute(test.second, 1), "")
		got := ""
		if err != nil {
			got = err.Error()
		}
		if got != test.want {
			t.Errorf("%s and %s\n got %s\nwant %s", test.first, test.second, got, test.want)
		}
	}
}

func TestAConstraintNameCanBeTakenOnce(t *testing.T) {
	var tab Table[int]
	yes := func(string) bool { return true }
	tests := []struct {
		name  string
		match func(string) bool
		want  string // the error
	}{
		{"mine", yes, ""},
		{"mine", yes, `constraint "mine": the name is taken`},
		{"int", yes, `constraint "int": the name is taken`},
		{"a-b", yes, `constraint "a-b": a name has ASCII letters, digits and _, and begins with a letter or _`},
		{"", yes, `constraint "": a name has ASCII letters, digits and _, and begins with a letter or _`},
		{"other", nil, `constraint "other": no function to match with`},
	}
	for _, test := range tests {
		got := ""
		if err := tab.Constraint(test.name, test.match); err != nil {
			got = err.Error()
		}
		if got != test.want {
			t.Errorf("Constraint(%q): got %q, want %q", test.name, got, test.want)
		}
	}
}

func TestBuiltInConstraints(t *testing.T) {
	tests := []struct{ name, match, refuse string }{ // words, separated by spaces
		{"bool", "true false", "TRUE 1 t truefalse"},
		{"uint", "0 7 007 18446744073709551615 000000000000000000000018446744073709551615", "-1 +1 1a 18446744073709551616 99999999999999999999 ١"},
		{"int", "0 -0 7 -7 9223372036854775807 -9223372036854775808", "- -- +1 1.0 9223372036854775808 -9223372036854775809"},
		{"date", "2024-02-29 2000-02-29 1999-12-31 0000-01-01", "2023-02-29 1900-02-29 2024-13-01 2024-00-10 2024-04-31 2024-01-00 2024-1-01 2024/01/01 20240101 2024-01-011"},
		{"uuid", "01234567-89ab-cdef-0123-456789abcdef 01234567-89AB-CDEF-0123-456789ABCDEF", "0123456789abcdef0123456789abcdef 01234567-89ab-cdef-0123-456789abcdeg 01234567-89ab-cdef-0123-456789abcde"},
		{"hex", "0 f F 00ff", "g 0x0 f-f"},
		{"alpha", "a Z abc", "a1 é a-b @ [ ` {"},
		{"alnum", "a Z 0 a1", "a_b é"},
		{"slug", "a a-b 1-2-3 abc", "-a a- a--b A a_b -"},
	}
	for _, test := range tests {
		tab := table(t, "/{x:"+test.name+"}")
		var m Match
		for word := range strings.FieldsSeq(test.match) {
			if _, outcome := tab.Lookup(nil, nil, []byte("/"+word), &m); outcome != Found {
				t.Errorf("%s does not match %q", test.name, word)
			}
		}
		for word := range strings.FieldsSeq(test.refuse) {
			if _, outcome := tab.Lookup(nil, nil, []byte("/"+word), &m); outcome != NotFound {
				t.Errorf("%s matches %q", test.name, word)
			}
		}
	}
}
