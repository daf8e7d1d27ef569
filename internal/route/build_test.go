package route

import (
	"testing"
)

func TestBuildWritesAPathOrSaysWhyNot(t *testing.T) {
	type values map[string]string
	tests := []struct {
		pattern string
		params  values
		path    string // the result
		err     string // or the error
	}{
		{"/", nil, "/", ""},
		{"/a b/é/100%/", nil, "/a%20b/%C3%A9/100%25/", ""},
		{"/users/{id:int}", values{"id": "7"}, "/users/7", ""},
		{"/users/{id:int}", values{"id": "x"}, "", `param "id": "x" does not meet {id:int}`},
		{"/users/{id:even}", values{"id": "1"}, "", `param "id": "1" does not meet {id:even}`},
		{"/v/{v:v[0-9]+}", values{"v": "v1/"}, "", `param "v": "v1/" does not meet {v:v[0-9]+}`},
		{"/users/{id}", nil, "", `param "id" is missing`},
		{"/users/{id}", values{"id": ""}, "", `param "id": it is empty`},
		{"/users/{id}", values{"id": "a/b c?#%é\\"}, "/users/a%2Fb%20c%3F%23%25%C3%A9%5C", ""},
		{"/users/{id}", values{"id": ".."}, "", `param "id": ".." would not survive a client that cleans paths: it makes a dot segment`},
		{"/users/.{id}", values{"id": "."}, "", `param "id": "." would not survive a client that cleans paths: it makes a dot segment`},
		{"/users/{id}", values{"id": "a\x00"}, "", `param "id": "a\x00" has a NUL byte`},
		{"/f-{n}.json", values{"n": "a-b:c@d"}, "/f-a-b:c@d.json", ""},
		{"/files/{p...}", values{"p": "a/b c/"}, "/files/a/b%20c/", ""},
		{"/files/{p...}", values{"p": ""}, "/files/", ""},
		{"/{p...}", values{"p": "/evil.com"}, "", `param "p": "/evil.com" would not survive a client that cleans paths: it has a segment ""`},
		{"/files/{p...}", values{"p": "a/../b"}, "", `param "p": "a/../b" would not survive a client that cleans paths: it has a segment ".."`},
		{"/{p", nil, "", `pattern "/{p": a { without its }`},
	}
	tab := table(t, "/users/{id:int}")
	for _, test := range tests {
		path, err := tab.Build(test.pattern, func(name string) (string, bool) {
			value, ok := test.params[name]
			return value, ok
		})
		got := ""
		if err != nil {
			got = err.Error()
		}
		if path != test.path || got != test.err {
			t.Errorf("Build(%q, %q)\n got %q, %s\nwant %q, %s", test.pattern, test.params, path, got, test.path, test.err)
		}
	}
}

func TestCleanTakesEmptyAndDotSegmentsAway(t *testing.T) {
	tests := []struct {
		path, want string
		changed    bool
	}{
		{"/", "/", false},
		{"/a/b", "/a/b", false},
		{"/a/b/", "/a/b/", false},
		{"/...", "/...", false},
		{"/.a/b./..c", "/.a/b./..c", false},
		{"/%2e%2e%2e/%2", "/%2e%2e%2e/%2", false},
		{"", "/", true},
		{"a", "/a", true},
		{"//", "/", true},
		{"//a", "/a", true},
		{"/a//b", "/a/b", true},
		{"/a//", "/a/", true},
		{"/a/./b", "/a/b", true},
		{"/a/.", "/a/", true},
		{"/a/b/..", "/a/", true},
		{"/a/b/../", "/a/", true},
		{"/a/../b", "/b", true},
		{"/../../b", "/b", true},
		{"/..", "/", true},
		{"/a/..", "/", true},
		{"/a/%2e%2E/b", "/b", true},
		{"/a/.%2e/b", "/b", true},
		{"/a/%2E", "/a/", true},
		{"/a%2F../b/..", "/a%2F../", true},
		{`//\evil.com/`, "/%5Cevil.com/", true},
		{`/x/..//\evil.com`, "/%5Cevil.com", true},
	}
	for _, test := range tests {
		got, changed := Clean([]byte(test.path), nil)
		if string(got) != test.want || changed != test.changed {
			t.Errorf("Clean(%q) = %q, %v, want %q, %v", test.path, got, changed, test.want, test.changed)
		}
		if changed {
			if got, _ := Clean([]byte(test.path), []byte("/dst/x")); string(got) != "/dst/x"+test.want {
				t.Errorf("Clean(%q) appended to /dst/x gives %q", test.path, got)
			}
		}
	}
}
