package hyperlane_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hyperlane-go/hyperlane"
	"github.com/hyperlane-go/hyperlane/hyperlanetest"
)

// here returns file:line of its caller.
func here() string {
	_, file, line, _ := runtime.Caller(1)
	return fmt.Sprintf("%s:%d", file, line)
}

func TestEveryMistakeOfARegistrationIsReportedWithItsPlace(t *testing.T) {
	ok := say("ok")
	s := hyperlane.New(hyperlane.Config{TTL: -1, TrailingSlash: "maybe", Logger: slog.New(slog.DiscardHandler)})
	var places []string
	add := func(place string, _ any) { places = append(places, place) }

	s.Get("/x/{id}", ok)
	add(here(), func() struct{} { s.Get("/x/{name}", ok); return struct{}{} }())
	group := s.Group("/api")
	add(here(), func() struct{} { group.Post("no-slash", ok); return struct{}{} }())
	add(here(), func() struct{} { group.Group("no-slash"); return struct{}{} }())
	add(here(), func() struct{} { s.Get("no-slash", ok); return struct{}{} }())
	add(here(), func() struct{} { group.Post("/{id", ok); return struct{}{} }())
	add(here(), func() struct{} { s.Get("/{id:[}", ok); return struct{}{} }())
	add(here(), func() struct{} { s.Get("/{id:nonsense()}", nil); return struct{}{} }())
	add(here(), func() struct{} { s.Handle("", "/empty", ok); return struct{}{} }())
	add(here(), func() struct{} { s.Constraint("int", func(string) bool { return true }); return struct{}{} }())
	add(here(), func() struct{} { s.MapError(io.EOF, &hyperlane.Error{Detail: "no status"}); return struct{}{} }())
	s.Get("/named/1", ok, hyperlane.Name("same"))
	add(here(), func() struct{} { s.Get("/named/2", ok, hyperlane.Name("same")); return struct{}{} }())

	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	err := s.Run(ctx, "127.0.0.1:0")
	if err == nil {
		t.Fatal("got no error from Run")
	}
	for _, place := range places {
		if !strings.Contains(err.Error(), place) {
			t.Errorf("got %v\nwant %s in it", err, place)
		}
	}
	contains(t, err.Error(), "TTL", "TrailingSlash")
	if again := s.Validate(); again == nil || again.Error() != err.Error() {
		t.Errorf("got %v from Validate, want the same as from Run", again)
	}

	// A server with mistakes serves nobody.
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest("GET", "/named/1", nil))
	if w.Code != 500 || strings.Contains(w.Body.String(), "named") {
		t.Errorf("got %d %q from a server with mistakes, want 500 and no word of them", w.Code, w.Body)
	}
}

func TestAConflictIsReportedWithBothPatternsAndBothPlaces(t *testing.T) {
	s := hyperlane.New(hyperlane.Config{})
	first := here()
	s.Get("/users/{id}/x", say("one"))
	s.Get("/users/{name}/x", say("two"))
	err := s.Validate()
	if err == nil {
		t.Fatal("got no error from two patterns that nothing can tell apart")
	}
	line := 0
	file, number, _ := strings.Cut(first, ":")
	fmt.Sscan(number, &line)
	for _, want := range []string{"/users/{id}/x", "/users/{name}/x", fmt.Sprintf("%s:%d", file, line+1), fmt.Sprintf("%s:%d", file, line+2)} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s in it", err, want)
		}
	}
}

func TestWhatIsRegisteredAfterTheStartIsAMistake(t *testing.T) {
	s := hyperlane.New(hyperlane.Config{})
	s.Get("/", say("ok"))
	if err := s.Validate(); err != nil {
		t.Fatal(err)
	}
	s.Get("/late", say("late"))
	if err := s.Validate(); err == nil || !strings.Contains(err.Error(), "registration_test.go") || !strings.Contains(err.Error(), "/late") {
		t.Errorf("got %v, want the late pattern and its place", err)
	}
}

func TestNamesBecomeURLs(t *testing.T) {
	s := hyperlane.New(hyperlane.Config{})
	s.Get("/", say("home"), hyperlane.Name("home"))
	s.Group("/users").Get("/{id:int}/files/{path...}", say("file"), hyperlane.Name("file"))
	s.Get("/tags/{tag}", say("tag"), hyperlane.Name("tag"))
	if err := s.Validate(); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name  string
		pairs []string
		want  string // "" is an error
	}{
		{"home", nil, "/"},
		{"file", []string{"id", "7", "path", "a b/c"}, "/users/7/files/a%20b/c"},
		{"file", []string{"path", "x", "id", "7"}, "/users/7/files/x"},
		{"tag", []string{"tag", "a/b?c#d%"}, "/tags/a%2Fb%3Fc%23d%25"},
		{"file", []string{"id", "seven", "path", "x"}, ""},
		{"file", []string{"id", "7"}, ""},
		{"file", []string{"id", "7", "path"}, ""},
		{"tag", []string{"tag", "a", "other", "b"}, ""},
		{"nobody", nil, ""},
		{"", nil, ""},
	} {
		got, err := s.URL(test.name, test.pairs...)
		if got != test.want || (err == nil) != (test.want != "") {
			t.Errorf("URL(%q, %q): got %q, %v, want %q", test.name, test.pairs, got, err, test.want)
		}
	}
}

func TestRoutesListsWhatIsRegisteredInItsOrder(t *testing.T) {
	s := hyperlane.New(hyperlane.Config{})
	s.Get("/b", say("b"), hyperlane.Name("bee"))
	s.Any("/a", say("a"))
	s.Host("example.com").Group("/g/").Post("/c", say("c"))
	s.Group("/g").Get("/", say("g"))
	var got []string
	for _, r := range s.Routes() {
		if !strings.Contains(r.Place, "registration_test.go:") {
			t.Errorf("%s: got place %q", r.Pattern, r.Place)
		}
		got = append(got, strings.Join([]string{r.Method, r.Host, r.Pattern, r.Name}, ","))
	}
	if want := []string{"GET,,/b,bee", ",,/a,", "POST,example.com,/g/c,", "GET,,/g,"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestRunReportsWhatKeepsItFromServing(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for addr, want := range map[string]string{
		taken.Addr().String(): "address already in use",
		"127.0.0.1:99999":     "99999",
		"nonsense":            "nonsense",
		"unix:/no/such/dir/x": "/no/such/dir/x",
		"fd:x":                "fd:x",
		"fd:12345":            "fd:12345",
		"systemd:":            "systemd",
	} {
		s := hyperlane.New(hyperlane.Config{})
		failed := make(chan error, 1)
		go func() { failed <- s.Run(context.Background(), addr) }()
		if err := await(t, failed, "Run "+addr); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Run %q: got %v, want %q in it", addr, err, want)
		}
	}
	s := hyperlane.New(hyperlane.Config{ReadBuffer: -1, HeadTimeout: time.Nanosecond})
	if err := s.Run(context.Background(), "127.0.0.1:0"); err == nil {
		t.Error("got no error from a bad config")
	}
	s = hyperlane.New(hyperlane.Config{})
	if err := s.RunTLS(context.Background(), "127.0.0.1:0", "no-cert.pem", "no-key.pem"); err == nil || !strings.Contains(err.Error(), "no-cert.pem") {
		t.Errorf("got %v from RunTLS without a certificate", err)
	}
}

func TestAServerIsAnHTTPHandler(t *testing.T) {
	s := hyperlane.New(hyperlane.Config{})
	s.Get("/hello/{name}", func(c *hyperlane.Context) error { return c.Text(c.Param("name")) })
	mux := http.NewServeMux()
	mux.Handle("/", s)
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequest("GET", "/hello/you", nil))
	if w.Code != 200 || w.Body.String() != "you" {
		t.Errorf("got %d %q", w.Code, w.Body)
	}
	hyperlanetest.New(t, s).Get("/hello/me").Body("me") // and serves by itself as well
}
