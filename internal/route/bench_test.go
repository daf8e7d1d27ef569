package route

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
)

// request is what a lookup is given.
type request struct{ method, path string }

// github reads the routes of GitHub's REST API, and a request for each.
func github(tb testing.TB) (routes []Route, requests []request) {
	tb.Helper()
	file, err := os.Open("testdata/github.txt")
	if err != nil {
		tb.Fatal(err)
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		method, pattern, ok := strings.Cut(lines.Text(), " ")
		if !ok {
			tb.Fatalf("testdata/github.txt: %q is not a method and a pattern", lines.Text())
		}
		routes = append(routes, Route{Method: method, Pattern: pattern})
		path := strings.NewReplacer("{", "", "...}", "", "}", "").Replace(pattern)
		requests = append(requests, request{method, path})
	}
	return routes, requests
}

// generated returns n routes of the kinds that applications have, and a request for each.
func generated(n int) (routes []Route, requests []request) {
	words := []string{"orders", "invoices", "users", "teams", "reports", "items", "files", "events", "topics", "hooks"}
	for i := range n {
		service := fmt.Sprintf("/svc%d/%s", i/10, words[i%10])
		switch i % 4 {
		case 0:
			routes = append(routes, Route{Method: "GET", Pattern: service})
			requests = append(requests, request{"GET", service})
		case 1:
			routes = append(routes, Route{Method: "GET", Pattern: service + "/{id}"})
			requests = append(requests, request{"GET", service + "/12345"})
		case 2:
			routes = append(routes, Route{Method: "POST", Pattern: service + "/{id:int}/lines/{line}"})
			requests = append(requests, request{"POST", service + "/12345/lines/7"})
		case 3:
			routes = append(routes, Route{Method: "GET", Pattern: service + "/{path...}"})
			requests = append(requests, request{"GET", service + "/a/b/c"})
		}
	}
	return routes, requests
}

func tableOf(tb testing.TB, routes []Route) *Table[int] {
	tb.Helper()
	table := new(Table[int])
	for i, r := range routes {
		if err := table.Add(r, i); err != nil {
			tb.Fatal(err)
		}
	}
	return table
}

// lookups measures one lookup per iteration, of all requests in turn.
func lookups(b *testing.B, table *Table[int], requests []request) {
	b.Helper()
	type wire struct{ method, path []byte }
	wires := make([]wire, len(requests))
	for i, r := range requests {
		wires[i] = wire{[]byte(r.method), []byte(r.path)}
	}
	var m Match
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		w := &wires[i]
		if _, outcome := table.Lookup(w.method, nil, w.path, &m); outcome != Found {
			b.Fatalf("%s %s: %v", w.method, w.path, outcome)
		}
		if i++; i == len(wires) {
			i = 0
		}
	}
}

func BenchmarkGitHub(b *testing.B) {
	routes, requests := github(b)
	table := tableOf(b, routes)
	for _, c := range []struct {
		name     string
		requests []request
	}{
		{"static", []request{{"GET", "/user/repos"}}},
		{"one param", []request{{"GET", "/users/hyperlane"}}},
		{"two params", []request{{"GET", "/repos/hyperlane-go/hyperlane/stargazers"}}},
		{"escaped", []request{{"GET", "/users/hyper%20lane"}}},
		{"all", requests},
	} {
		b.Run(c.name, func(b *testing.B) { lookups(b, table, c.requests) })
	}
}

func BenchmarkConstraints(b *testing.B) {
	table := tableOf(b, []Route{
		{Pattern: "/int/{id:int}"},
		{Pattern: "/uuid/{id:uuid}"},
		{Pattern: "/regex/{id:v[0-9]+}"},
		{Pattern: "/mixed/file-{id:int}.json"},
		{Host: "{tenant}.example.com", Pattern: "/users/{id}"},
	})
	for _, path := range []string{"/int/12345", "/uuid/01234567-89ab-cdef-0123-456789abcdef", "/regex/v12", "/mixed/file-12.json"} {
		b.Run(strings.Split(path, "/")[1], func(b *testing.B) { lookups(b, table, []request{{"GET", path}}) })
	}
	b.Run("host", func(b *testing.B) {
		method, host, path := []byte("GET"), []byte("acme.example.com:8080"), []byte("/users/12345")
		var m Match
		b.ReportAllocs()
		for b.Loop() {
			if _, outcome := table.Lookup(method, host, path, &m); outcome != Found {
				b.Fatal(outcome)
			}
		}
	})
}

// The budget: the time per lookup with 10,000 routes is within 1.5 times of that with 10. "same" asks for the same ten
// requests, so that only the tree differs; "all" asks for each route in turn in a random order, so that the larger table
// pays for memory that is not in the cache too.
func BenchmarkSize(b *testing.B) {
	_, ten := generated(10)
	for _, n := range []int{10, 10_000} {
		routes, requests := generated(n)
		table := tableOf(b, routes)
		rand.New(rand.NewPCG(1, 2)).Shuffle(n, func(i, j int) { requests[i], requests[j] = requests[j], requests[i] })
		b.Run(fmt.Sprintf("same/%d routes", n), func(b *testing.B) { lookups(b, table, ten) })
		b.Run(fmt.Sprintf("all/%d routes", n), func(b *testing.B) { lookups(b, table, requests) })
	}
}

func BenchmarkServeMux(b *testing.B) {
	routes, requests := github(b)
	mux := http.NewServeMux()
	var all []request
	for i, r := range routes {
		if added(mux, r) {
			all = append(all, requests[i])
		}
	}
	b.Logf("ServeMux takes %d of %d routes", len(all), len(routes))
	for _, c := range []struct {
		name     string
		requests []request
	}{
		{"static", []request{{"GET", "/user/repos"}}},
		{"one param", []request{{"GET", "/users/hyperlane"}}},
		{"two params", []request{{"GET", "/repos/hyperlane-go/hyperlane/stargazers"}}},
		{"all", all},
	} {
		b.Run(c.name, func(b *testing.B) {
			requests := make([]*http.Request, len(c.requests))
			for i, r := range c.requests {
				requests[i] = &http.Request{Method: r.method, Host: "example.com", URL: &url.URL{Path: r.path}}
			}
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				mux.ServeHTTP(nil, requests[i])
				if i++; i == len(requests) {
					i = 0
				}
			}
		})
	}
}

// added adds a route to the mux, which panics where it sees two patterns overlap.
func added(mux *http.ServeMux, r Route) (ok bool) {
	defer func() { ok = recover() == nil }()
	mux.HandleFunc(r.String(), func(http.ResponseWriter, *http.Request) {})
	return true
}
