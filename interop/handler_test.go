package interop

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/hyperlane-go/hyperlane"
)

// application is a server with routes of each kind, to be used as an http.Handler.
func application() *hyperlane.Server {
	s := hyperlane.New(hyperlane.Config{Logger: slog.New(slog.DiscardHandler)})
	s.Get("/", func(c *hyperlane.Context) error { return c.Text("root") })
	s.Get("/users/{id}", func(c *hyperlane.Context) error {
		return c.Text(c.Param("id") + " " + c.Query("q") + " " + c.Request.Target())
	})
	s.Post("/echo", func(c *hyperlane.Context) error {
		body, err := c.Request.Body()
		if err != nil {
			return err
		}
		return c.Bytes("a/b", body)
	})
	s.Get("/stream", func(c *hyperlane.Context) error {
		return c.Stream(func(w *hyperlane.Stream) error {
			w.WriteString("a")
			if err := w.Flush(); err != nil {
				return err
			}
			_, err := w.WriteString("b")
			return err
		})
	})
	s.Get("/slow", func(c *hyperlane.Context) error { <-c.Context().Done(); return c.Text("late") })
	s.Get("/upgrade", func(c *hyperlane.Context) error { return c.Upgrade("upper", upperCase{}) })
	return s
}

func TestAServerIsAHandlerForARecorder(t *testing.T) {
	app := application()
	byHand, err := http.NewRequest("GET", "http://example.org/users/7?q=8", nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		request *http.Request
		status  int
		body    string
	}{
		{httptest.NewRequest("GET", "/", nil), 200, "root"},
		{httptest.NewRequest("GET", "/users/7?q=8", nil), 200, "7 8 /users/7?q=8"},
		{byHand, 200, "7 8 /users/7?q=8"},
		{httptest.NewRequest("POST", "/echo", strings.NewReader("body")), 200, "body"},
		{httptest.NewRequest("POST", "/echo", io.MultiReader(strings.NewReader("body"))), 200, "body"},
		{httptest.NewRequest("GET", "/stream", nil), 200, "ab"},
		{httptest.NewRequest("PUT", "/echo", nil), 405, ""},
		{httptest.NewRequest("OPTIONS", "*", nil), 204, ""},
		{httptest.NewRequest("GET", "/nowhere", nil), 404, ""},
	} {
		w := httptest.NewRecorder()
		app.ServeHTTP(w, test.request)
		what := test.request.Method + " " + test.request.URL.String()
		want(t, what+": status", w.Code, test.status)
		if test.body != "" {
			want(t, what+": body", w.Body.String(), test.body)
		}
	}
	w := httptest.NewRecorder()
	r := httptest.NewRequest("GET", "/upgrade", nil)
	r.Header.Set("Connection", "Upgrade")
	r.Header.Set("Upgrade", "upper")
	func() {
		defer func() { recover() }() // as net/http would
		app.ServeHTTP(w, r)
	}()
	if w.Code == 101 {
		t.Error("an upgrade without a connection has succeeded")
	}
}

func TestAServerIsAHandlerBelowOthers(t *testing.T) {
	outer := http.NewServeMux()
	outer.Handle("/api/", http.StripPrefix("/api", application()))
	outer.Handle("/bare/", http.StripPrefix("/bare/", application()))
	outer.Handle("/limited/", http.StripPrefix("/limited", http.TimeoutHandler(application(), 30*time.Millisecond, "too slow")))
	outer.Handle("/capped/", http.StripPrefix("/capped", http.MaxBytesHandler(application(), 3)))
	server := httptest.NewServer(outer)
	t.Cleanup(server.Close)
	for _, test := range []struct {
		method, target, body string
		status               int
		answer               string // "" is not looked at
	}{
		{"GET", "/api/", "", 200, "root"},
		{"GET", "/api/users/7", "", 200, "7  /api/users/7"},
		{"GET", "/api/users/a%2Fb", "", 200, "a/b  /api/users/a%2Fb"},
		{"GET", "/api/stream", "", 200, "ab"},
		{"GET", "/bare/users/7", "", 200, "7  /bare/users/7"},
		{"GET", "/bare/", "", 200, "root"},
		{"GET", "/limited/users/7", "", 200, "7  /limited/users/7"},
		{"GET", "/limited/stream", "", 200, "ab"},
		{"GET", "/limited/slow", "", 503, "too slow"},
		{"POST", "/capped/echo", "abc", 200, "abc"},
		{"POST", "/capped/echo", "abcd", 413, ""},
	} {
		resp := do(t, server.Client(), request(t, test.method, server.URL+test.target, strings.NewReader(test.body)))
		body := text(t, resp.Body)
		want(t, test.target+": status", resp.StatusCode, test.status)
		if test.answer != "" {
			want(t, test.target+": body", body, test.answer)
		}
	}
	resp := do(t, &http.Client{}, request(t, "GET", server.URL+"/api/upgrade", nil, "Connection", "Upgrade", "Upgrade", "upper"))
	want(t, "status of an upgrade", resp.StatusCode, 101)
}
