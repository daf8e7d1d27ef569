package router

import (
	"slices"
	"strings"
	"testing"
)

func TestATableIsReadLineByLine(t *testing.T) {
	got, err := Read(strings.NewReader("# GitHub\nGET /users/{user}\n\nPOST /gists\n"))
	want := []Route{{"GET", "/users/{user}"}, {"POST", "/gists"}}
	if !slices.Equal(got, want) || err != nil {
		t.Errorf("got %v, %v; want %v", got, err, want)
	}
	if _, err := Read(strings.NewReader("GET users\n")); err == nil {
		t.Error("a pattern without its slash was taken")
	}
}

func TestAPatternIsWrittenForEachRouter(t *testing.T) {
	r := Route{"GET", "/repos/{owner}/{repo}/issues"}
	if got, want := r.Path(), "/repos/owner/repo/issues"; got != want {
		t.Errorf("path %q, want %q", got, want)
	}
	if got, want := r.Colon(), "/repos/:p2/:p3/issues"; got != want {
		t.Errorf("colon form %q, want %q", got, want)
	}
}
