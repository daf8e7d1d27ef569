package guide

import (
	"expvar"
	"net/http"

	"github.com/hyperlane-go/hyperlane"
)

// Mounted has net/http's handlers and middleware inside a hyperlane server.
func Mounted(server *hyperlane.Server) {
	server.Get("/debug/vars", hyperlane.FromHTTP(expvar.Handler()))

	old := http.NewServeMux()
	old.HandleFunc("GET /old/{name}", func(w http.ResponseWriter, r *http.Request) {
		w.Write([]byte("old " + r.PathValue("name") + "\n"))
	})
	server.Any("/old/{path...}", hyperlane.FromHTTP(old))

	forms := server.Group("/forms")
	forms.Use(hyperlane.FromHTTPMiddleware(http.NewCrossOriginProtection().Handler))
	forms.Post("/", func(c *hyperlane.Context) error { return c.Text("from our own pages\n") })
}

// Inside makes a hyperlane server part of a net/http program.
func Inside(server *hyperlane.Server) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/api/", server) // it sees the whole path
	mux.HandleFunc("/", http.NotFound)
	return mux
}
