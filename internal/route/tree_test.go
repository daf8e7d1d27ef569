package route

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// draw shows the trees with one node or branch in a line, deeper ones to the right, and the routes that end there.
func (x *index) draw() string {
	var out strings.Builder
	hosts := slices.Clone(x.openHosts)
	for _, h := range x.hosts {
		hosts = append(hosts, h)
	}
	slices.SortFunc(hosts, (*host).compare)
	for _, h := range append(hosts, &x.anyHost) {
		if h.root != nil {
			fmt.Fprintf(&out, "host %q\n", shape(h.labels, "."))
			h.root.draw(&out, 1)
		}
	}
	return out.String()
}

func (n *node) draw(out *strings.Builder, depth int) {
	fmt.Fprintf(out, "%s%q%s\n", strings.Repeat("  ", depth), n.text, n.methods.draw())
	for _, first := range slices.Sorted(slices.Values([]byte(n.first))) {
		n.below[strings.IndexByte(n.first, first)].draw(out, depth+1)
	}
	for _, b := range n.params {
		s := b.segment
		s.prefix = ""
		fmt.Fprintf(out, "%s%s%s\n", strings.Repeat("  ", depth+1), s.shape(), b.methods.draw())
		if b.next != nil {
			b.next.draw(out, depth+2)
		}
	}
}

func (ms methods) draw() string {
	var routes []string
	for _, e := range ms {
		routes = append(routes, e.route.String())
	}
	slices.Sort(routes)
	if len(routes) == 0 {
		return ""
	}
	return "  = " + strings.Join(routes, ", ")
}

func TestTheTreeIsTheSameWhateverTheOrderOfRegistration(t *testing.T) {
	lines := []string{
		"GET /", "GET /users", "POST /users", "GET /users/{id}", "GET /users/{user:int}", "DELETE /users/{uid:int}",
		"/users/{id}/posts/{post}", "/users/{rest...}", "GET /use", "GET /user-{id}.json", "GET /user-{id}", "GET /{v:v[0-9]+}/x", "GET /{w:[a-z]+}/x",
		"{tenant}.example.com/", "{tenant:int}.example.com/", "Example.com/a/b",
	}
	const want = `host "example.com"
  "/a/b"  = Example.com/a/b
host "{:int}.example.com"
  "/"  = {tenant:int}.example.com/
host "{}.example.com"
  "/"  = {tenant}.example.com/
host ""
  "/"  = GET /
    "use"  = GET /use
      "r"
        "-"
          {}.json  = GET /user-{id}.json
          {}  = GET /user-{id}
        "s"  = GET /users, POST /users
          "/"
            {:int}  = DELETE /users/{uid:int}, GET /users/{user:int}
            {}  = GET /users/{id}
              "/posts/"
                {}  = /users/{id}/posts/{post}
            {...}  = /users/{rest...}
    {:v[0-9]+}
      "/x"  = GET /{v:v[0-9]+}/x
    {:[a-z]+}
      "/x"  = GET /{w:[a-z]+}/x
`
	random := rand.New(rand.NewPCG(3, 4))
	for range 50 {
		if got := table(t, lines...).index.draw(); got != want {
			t.Fatalf("added in the order %q\n got\n%s\nwant\n%s", lines, got, want)
		}
		random.Shuffle(len(lines), func(i, j int) { lines[i], lines[j] = lines[j], lines[i] })
	}
}

// Every segment of the path could be either param, and only the last one tells that all choices were wrong. If lookups
// went through the product of the choices, this test would not end.
func TestBacktrackingVisitsANodeAtMostOnce(t *testing.T) {
	const depth = 64
	var tab Table[int]
	visits := 0
	if err := tab.Constraint("counted", func(string) bool { visits++; return true }); err != nil {
		t.Fatal(err)
	}
	// For each depth, a pattern that differs from the others only there.
	for i := range depth {
		var pattern strings.Builder
		for j := range depth {
			rule := ""
			if i == j {
				rule = ":counted"
			}
			fmt.Fprintf(&pattern, "/{p%d%s}", j, rule)
		}
		if err := tab.Add(Route{Pattern: pattern.String() + "/end"}, i); err != nil {
			t.Fatal(err)
		}
	}
	var m Match
	path := bytes.Repeat([]byte("/x"), depth)
	if _, outcome := tab.Lookup([]byte("GET"), nil, append(path, "/other"...), &m); outcome != NotFound {
		t.Errorf("got %v, want NotFound", outcome)
	}
	// One call per node with such a branch: as many as there are patterns.
	if visits > depth {
		t.Errorf("%d calls of the constraint, want at most %d", visits, depth)
	}
}
