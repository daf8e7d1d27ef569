// Command quickstart is a to-do list: a JSON API, the page that uses it, and one route for each thing that a server must survive.
//
//	go run ./examples/quickstart -addr localhost:8080
package main

import (
	"context"
	"embed"
	"flag"
	"fmt"
	"html/template"
	"io/fs"
	"log"
	"net/http"

	"github.com/hyperlane-go/hyperlane"
)

//go:embed page.html static
var files embed.FS

var page = template.Must(template.ParseFS(files, "page.html"))

func main() {
	addr := flag.String("addr", "localhost:8080", "address to listen on")
	flag.Parse()

	server := hyperlane.New(hyperlane.Config{}) // the zero Config is a good default for production
	routes(server)
	fmt.Printf("Open http://%s in a browser; end with Ctrl+C.\n", *addr)
	if err := server.Run(context.Background(), *addr); err != nil { // nil after an orderly shutdown
		log.Fatal(err)
	}
}

// routes registers everything on server.
func routes(server *hyperlane.Server) {
	list := newList("Read main.go", "Add a route", "Press Ctrl+C and watch the server drain")

	// What holds for every request, also for one that no route answers.
	server.OnRequest(requestID)
	server.OnResponse(securityHeaders)
	server.OnPanic(reportPanic)
	server.MapError(errNoTodo, hyperlane.Errorf(http.StatusNotFound, "there is no such to-do"))
	server.MapError(errFull, hyperlane.Errorf(http.StatusConflict, "the list is full: delete something first"))

	// The page, what it is made of, and a form that works without script.
	server.Get("/", list.page)
	server.Post("/todos", list.submit)
	static, err := fs.Sub(files, "static")
	if err != nil {
		log.Fatal(err)
	}
	server.Static("/static", static, hyperlane.StaticConfig{})

	// The API: routes with a common prefix, and middleware that wraps their handlers.
	api := server.Group("/api")
	api.Use(serverTiming)
	api.Get("/todos", list.index)
	api.Post("/todos", list.create)
	api.Get("/todos/{id:int}", list.show)
	api.Patch("/todos/{id:int}", list.update)
	api.Delete("/todos/{id:int}", list.delete)

	// A response that takes its time, and a handler that fails.
	server.Get("/countdown", countdown)
	server.Get("/panic", func(*hyperlane.Context) error { panic("somebody pressed the red button") })
}
