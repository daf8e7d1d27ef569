package router

import (
	"net/http"
	"os"
	"testing"
)

// table is a set of routes with a name.
type table struct {
	name   string
	routes []Route
}

func tables(tb testing.TB) []table {
	tb.Helper()
	file, err := os.Open("../../internal/route/testdata/github.txt")
	if err != nil {
		tb.Fatal(err)
	}
	defer file.Close()
	github, err := Read(file)
	if err != nil {
		tb.Fatal(err)
	}
	return []table{
		{"github", github},
		{"10", Generate(10)},
		{"10000", Generate(10_000)},
	}
}

// requests returns one request for each route.
func requests(tb testing.TB, routes []Route) []*http.Request {
	tb.Helper()
	var all []*http.Request
	for _, r := range routes {
		request, err := http.NewRequest(r.Method, r.Path(), nil)
		if err != nil {
			tb.Fatal(err)
		}
		all = append(all, request)
	}
	return all
}

// silent is a ResponseWriter that costs nothing.
type silent struct{ header http.Header }

func (s silent) Header() http.Header         { return s.header }
func (s silent) Write(b []byte) (int, error) { return len(b), nil }
func (s silent) WriteHeader(int)             {}

func BenchmarkLookup(b *testing.B) {
	for _, t := range tables(b) {
		for _, c := range contestants {
			b.Run(t.name+"/"+c.name, func(b *testing.B) {
				handler, taken := c.build(t.routes)
				asked := requests(b, taken)
				w := silent{http.Header{}}
				b.ReportAllocs()
				i := 0
				for b.Loop() {
					handler.ServeHTTP(w, asked[i])
					if i++; i == len(asked) {
						i = 0
					}
				}
			})
		}
	}
}

func TestEveryContestantFindsEveryRoute(t *testing.T) {
	for _, table := range tables(t) {
		for _, c := range contestants {
			t.Run(table.name+"/"+c.name, func(t *testing.T) {
				handler, taken := c.build(table.routes)
				if most := len(table.routes) * 9 / 10; len(taken) < most {
					t.Fatalf("took %d of %d routes", len(taken), len(table.routes))
				}
				if refused := len(table.routes) - len(taken); refused > 0 {
					t.Logf("refused %d of %d routes", refused, len(table.routes))
				}
				for i, request := range requests(t, taken) {
					before := answered
					handler.ServeHTTP(silent{http.Header{}}, request)
					if answered != before+1 {
						t.Errorf("%s did not reach %v", request.URL, taken[i])
					}
				}
			})
		}
	}
}

func TestGeneratedRoutesAreAllDifferent(t *testing.T) {
	seen := make(map[Route]bool)
	for _, r := range Generate(10_000) {
		if seen[r] {
			t.Fatalf("%v comes twice", r)
		}
		seen[r] = true
	}
	if len(seen) != 10_000 {
		t.Errorf("%d routes, want 10000", len(seen))
	}
}
