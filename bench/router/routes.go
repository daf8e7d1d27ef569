// Package router compares route lookups of Go routers:
//
//	go test -run=- -bench=. ./bench/router
//
// on two tables: GitHub's REST API as it is, and ten thousand generated
// routes, to be compared with the first ten of them. Each benchmark asks for
// every route in turn, so that no router answers from a warm cache of one.
//
// A lookup is measured through ServeHTTP, which is the surface that all of them
// share: it includes each framework's own context, and a handler that answers
// 204. For hyperlane it is the bridge from net/http, which carries more than a
// router does: phases, limits, the answer with its Date. So compare the tables
// within one contestant, to see how it grows, and not the contestants as
// routers. Frameworks that speak no net/http are measured by the bench command
// alone.
package router

import (
	"bufio"
	"fmt"
	"io"
	"strings"
)

// Route is one line of a table: a method, and a pattern whose params are
// written {name}.
type Route struct {
	Method, Pattern string
}

// Read reads a table, one "METHOD /pattern" on each line. Empty lines and
// lines that start with # are skipped.
func Read(r io.Reader) ([]Route, error) {
	var routes []Route
	lines := bufio.NewScanner(r)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		method, pattern, ok := strings.Cut(line, " ")
		if !ok || !strings.HasPrefix(pattern, "/") {
			return nil, fmt.Errorf("router: line %d: %q is not METHOD /pattern", n, line)
		}
		routes = append(routes, Route{method, pattern})
	}
	return routes, lines.Err()
}

// Generate returns n routes of a large made-up API: a hundred services, each
// with its resources, and five operations on each resource.
func Generate(n int) []Route {
	routes := make([]Route, 0, n)
	for i := range n {
		resource := fmt.Sprintf("/service%d/resource%d", i/5%100, i/500)
		routes = append(routes, [...]Route{
			{"GET", resource},
			{"POST", resource},
			{"GET", resource + "/{id}"},
			{"DELETE", resource + "/{id}"},
			{"GET", resource + "/{id}/parts/{part}"},
		}[i%5])
	}
	return routes
}

// Path is a path that the route matches: each param is filled with its name.
func (r Route) Path() string {
	return strings.NewReplacer("{", "", "}", "").Replace(r.Pattern)
}

// Colon is the pattern as gin and echo write it. Params are numbered by their
// place, because gin wants the same name wherever two patterns share a place.
func (r Route) Colon() string {
	segments := strings.Split(r.Pattern, "/")
	for i, segment := range segments {
		if strings.HasPrefix(segment, "{") && strings.HasSuffix(segment, "}") {
			segments[i] = fmt.Sprintf(":p%d", i)
		}
	}
	return strings.Join(segments, "/")
}
