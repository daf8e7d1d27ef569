package hyperlanetest_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/hyperlane-go/hyperlane"
	"github.com/hyperlane-go/hyperlane/hyperlanetest"
)

// recorder is a testing.TB that keeps what it is told.
type recorder struct {
	*testing.T
	said     []string
	cleanups []func()
}

func (r *recorder) Helper() {}
func (r *recorder) Errorf(format string, args ...any) {
	r.said = append(r.said, fmt.Sprintf(format, args...))
}
func (r *recorder) Cleanup(f func()) { r.cleanups = append(r.cleanups, f) }

func TestACheckThatFailsSaysWhatWasAskedWhatCameAndWhatWasWanted(t *testing.T) {
	r := &recorder{T: t}
	c := hyperlanetest.Blocking.Serve(r, hyperlane.Config{}, func(s *hyperlane.Server) {
		s.Get("/", func(c *hyperlane.Context) error { return c.JSON(map[string]int{"a": 1}) })
	})
	defer func() {
		for _, f := range r.cleanups {
			f()
		}
	}()
	for _, test := range []struct {
		check func(r *hyperlanetest.Response)
		said  string // in this order, with anything between the pieces that | separates; "" is nothing
	}{
		{func(r *hyperlanetest.Response) {
			r.Status(200).JSON(map[string]any{"a": 1.0}).BodyContains(`"a"`).Header("X", "")
		}, ""},
		{func(r *hyperlanetest.Response) { r.Status(404) }, "GET /: got status 200, want 404"},
		{func(r *hyperlanetest.Response) { r.Header("Content-Type", "x") }, `Content-Type: "application/json", want "x"`},
		{func(r *hyperlanetest.Response) { r.Trailer("X", "x") }, `trailer X: "", want "x"`},
		{func(r *hyperlanetest.Response) { r.Body("x") }, `got body "{\"a\":1}", want "x"`},
		{func(r *hyperlanetest.Response) { r.BodyContains("x") }, `want "x" in it`},
		{func(r *hyperlanetest.Response) { r.JSON(map[string]int{"a": 2}) }, `got JSON {"a":1}, want {"a":2}`},
		{func(r *hyperlanetest.Response) { r.Problem(404, "d") }, `got status 200, want 404|application/problem+json|status 0, detail ""`},
		{func(r *hyperlanetest.Response) { r.Golden("no such file") }, "no such file"},
	} {
		r.said = nil
		test.check(c.Get("/"))
		said, rest := strings.Join(r.said, "\n"), ""
		for piece := range strings.SplitSeq(test.said, "|") {
			if _, rest, _ = strings.Cut(said, piece); !strings.Contains(said, piece) {
				t.Errorf("got %q, want %q in it", said, piece)
			}
			said = rest
		}
		if test.said == "" && len(r.said) > 0 {
			t.Errorf("got %q, want nothing", r.said)
		}
	}
}

func TestAGoldenFileIsComparedInAnIndentedForm(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.Mkdir("testdata", 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("testdata/missing.json", []byte("{\n  \"status\": 404,\n  \"title\": \"Not Found\"\n}\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	hyperlanetest.New(t, hyperlane.New(hyperlane.Config{})).Get("/nowhere").Golden("missing.json")
}

func TestAGoroutineThatAHandlerLeavesBehindFailsTheTest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // so that the wait for it takes no time
		r := &recorder{T: t}
		forever := make(chan struct{})
		c := hyperlanetest.Blocking.Serve(r, hyperlane.Config{}, func(s *hyperlane.Server) {
			s.Get("/", func(c *hyperlane.Context) error {
				go func() { <-forever }()
				return nil
			})
		})
		c.Get("/").Status(200)
		for i := len(r.cleanups) - 1; i >= 0; i-- {
			r.cleanups[i]()
		}
		close(forever)
		if len(r.said) != 1 || !strings.Contains(r.said[0], "client_test.go") {
			t.Errorf("got %q, want the place of the goroutine", r.said)
		}
	})
}

func TestAServerCanBeShutDownBeforeItsTestEnds(t *testing.T) {
	hyperlanetest.Each(t, func(t *testing.T, d hyperlanetest.Driver) {
		c := d.Serve(t, hyperlane.Config{}, nil)
		c.Get("/").Problem(404, "")
		if err := c.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	})
}
