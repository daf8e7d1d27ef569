package hyperlane_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"time"

	"github.com/hyperlane-go/hyperlane"
)

// ask sends a request to server and prints the answer.
func ask(server *hyperlane.Server, method, target, body string) {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	w := httptest.NewRecorder()
	server.ServeHTTP(w, r)
	fmt.Println(strings.TrimSpace(fmt.Sprintf("%d %s", w.Code, w.Body)))
}

func Example() {
	server := hyperlane.New(hyperlane.Config{})
	server.Get("/hello/{name}", func(c *hyperlane.Context) error {
		return c.Text("Hello, " + c.Param("name") + "!\n")
	})
	// In a program: err := server.Run(ctx, ":8080")
	ask(server, "GET", "/hello/world", "")
	ask(server, "POST", "/hello/world", "")
	// Output:
	// 200 Hello, world!
	// 405 {"status":405,"title":"Method Not Allowed"}
}

func ExampleServer_Group() {
	server := hyperlane.New(hyperlane.Config{})
	api := server.Group("/api/{version:v[0-9]+}")
	api.OnRequest(func(c *hyperlane.Context) error {
		if c.Request.Header("Authorization") == "" {
			return hyperlane.Errorf(401, "who are you?")
		}
		return nil
	})
	api.Get("/users", func(c *hyperlane.Context) error { return c.JSON([]string{"Ada"}) })

	ask(server, "GET", "/api/v1/users", "")
	ask(server, "GET", "/api/one/users", "")
	// Output:
	// 401 {"detail":"who are you?","status":401,"title":"Unauthorized"}
	// 404 {"status":404,"title":"Not Found"}
}

func ExampleServer_OnResponse() {
	server := hyperlane.New(hyperlane.Config{Logger: slog.New(slog.DiscardHandler)})
	server.OnResponse(func(c *hyperlane.Context) error { // runs whatever happened before
		fmt.Println("answering", c.Response.Status())
		return nil
	})
	server.Get("/panic", func(*hyperlane.Context) error { panic("ouch") })

	ask(server, "GET", "/panic", "")
	ask(server, "GET", "/nowhere", "")
	// Output:
	// answering 500
	// 500 {"status":500,"title":"Internal Server Error"}
	// answering 404
	// 404 {"status":404,"title":"Not Found"}
}

func ExampleServer_MapError() {
	server := hyperlane.New(hyperlane.Config{})
	server.MapError(os.ErrNotExist, hyperlane.Errorf(http.StatusNotFound, "no such report"))
	server.Get("/reports/{name}", func(c *hyperlane.Context) error {
		return fmt.Errorf("open %s: %w", c.Param("name"), os.ErrNotExist) // the client never sees this text
	})
	ask(server, "GET", "/reports/june", "")
	// Output: 404 {"detail":"no such report","status":404,"title":"Not Found"}
}

func ExampleTimeout() {
	server := hyperlane.New(hyperlane.Config{Logger: slog.New(slog.DiscardHandler)})
	slow := server.Group("/slow")
	slow.Use(hyperlane.Timeout(time.Millisecond))
	slow.Get("/", func(c *hyperlane.Context) error {
		<-c.Context().Done() // what waits had better take the context
		return nil
	})
	ask(server, "GET", "/slow", "")
	// Output: 503 {"status":503,"title":"Service Unavailable"}
}

func ExampleFromHTTP() {
	server := hyperlane.New(hyperlane.Config{})
	server.Get("/old/{name}", hyperlane.FromHTTP(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "old %s", r.PathValue("name"))
	})))
	ask(server, "GET", "/old/friend", "")
	// Output: 200 old friend
}

// A goroutine that outlives the handler must not take the Context: by then it may belong to another request. Under the race detector,
// and with the build tag hyperlanedebug, this one would panic and say so.
func ExampleContext_Detach_incorrect() {
	server := hyperlane.New(hyperlane.Config{})
	server.Post("/jobs", func(c *hyperlane.Context) error {
		go func() { slog.Info("done", "path", c.Request.Path()) }() // wrong
		return c.NoContent()
	})
}

// What is needed later is taken before, or from a Context that stays.
func ExampleContext_Detach() {
	done := make(chan string)
	server := hyperlane.New(hyperlane.Config{})
	server.Post("/jobs", func(c *hyperlane.Context) error {
		later := c.Detach()
		go func() { done <- later.Request.Path() }()
		return c.NoContent()
	})
	ask(server, "POST", "/jobs", "")
	fmt.Println("done", <-done)
	// Output:
	// 204
	// done /jobs
}
