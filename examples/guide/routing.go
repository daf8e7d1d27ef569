package guide

import (
	"strings"

	"github.com/hyperlane-go/hyperlane"
)

// pattern answers with the pattern that was found, and the params.
func pattern(c *hyperlane.Context) error {
	text := c.Pattern()
	for _, name := range []string{"id", "name", "path", "tenant", "version"} {
		if value := c.Param(name); value != "" {
			text += " " + name + "=" + value
		}
	}
	return c.Text(text)
}

// Specific registers patterns that overlap, the least specific first: the order does not matter.
func Specific(server *hyperlane.Server) {
	server.Get("/files/{path...}", pattern)     // the rest of the path, with its slashes; may be empty
	server.Get("/users/{id}", pattern)          // one segment, never empty
	server.Get("/users/{id:[a-z]{2}}", pattern) // one that a regular expression (RE2) matches from end to end
	server.Get("/users/{id:int}", pattern)      // one that meets a named constraint
	server.Get("/users/me", pattern)            // static text
	server.Get("/reports/{name}.pdf", pattern)  // text around a param
}

// Constrained adds a constraint of its own, and routes with a name.
func Constrained(server *hyperlane.Server) {
	server.Constraint("even", func(segment string) bool {
		return strings.ContainsAny(segment[len(segment)-1:], "02468")
	})
	server.Get("/numbers/{id:even}", pattern, hyperlane.Name("number"))
	server.Get("/link", func(c *hyperlane.Context) error {
		path, err := c.Server().URL("number", "id", "42") // the error: no such route, or a param that does not fit
		if err != nil {
			return err
		}
		return c.Text(path)
	})
}

// Grouped registers routes that share a prefix, and routes of one host.
func Grouped(server *hyperlane.Server) {
	api := server.Group("/api/{version:v[0-9]+}")
	api.OnRequest(requireKey)
	api.Get("/users/{id:int}", pattern)

	admin := api.Group("/admin") // inside api: its middleware runs inside api's
	admin.Delete("/users/{id:int}", pattern)

	tenant := server.Host("{tenant}.example.com")
	tenant.Get("/", pattern)
}

// requireKey is request middleware: an error answers the request, and the handler is skipped.
func requireKey(c *hyperlane.Context) error {
	if c.Request.Header("X-Key") == "" {
		return hyperlane.Errorf(401, "a key is needed")
	}
	return nil
}

// Ordered shows in which order everything runs, by leaving its marks.
func Ordered(server *hyperlane.Server, mark func(string)) {
	phase := func(name string) hyperlane.Handler {
		return func(*hyperlane.Context) error { mark(name); return nil }
	}
	around := func(name string) hyperlane.Middleware {
		return func(next hyperlane.Handler) hyperlane.Handler {
			return func(c *hyperlane.Context) error {
				mark(name + " before")
				defer mark(name + " after")
				return next(c)
			}
		}
	}
	server.OnRequest(phase("server OnRequest"))
	server.Use(around("server Use"))
	server.OnResponse(phase("server OnResponse"))
	group := server.Group("/group")
	group.OnRequest(phase("group OnRequest"))
	group.Use(around("group Use"))
	group.OnResponse(phase("group OnResponse"))
	group.Get("/x", phase("handler"))
}
