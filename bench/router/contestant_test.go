package router

import (
	"net/http"

	"github.com/gin-gonic/gin"
	"github.com/go-chi/chi/v5"
	"github.com/labstack/echo/v5"

	"github.com/hyperlane-go/hyperlane"
)

// contestant is a router under measurement. Every route answers 204.
type contestant struct {
	name string
	// build returns a handler and the routes that it took, which should be all.
	build func(routes []Route) (http.Handler, []Route)
}

// contestants lists them.
var contestants = []contestant{
	{"hyperlane", buildHyperlane},
	{"servemux", buildServeMux},
	{"chi", buildChi},
	{"gin", buildGin},
	{"echo", buildEcho},
}

// answered counts the lookups that found a handler; the tests compare it with
// those that were asked for.
var answered int

func answer(w http.ResponseWriter, _ *http.Request) {
	answered++
	w.WriteHeader(http.StatusNoContent)
}

func buildHyperlane(routes []Route) (http.Handler, []Route) {
	server := hyperlane.New(hyperlane.Config{})
	for _, r := range routes {
		server.Handle(r.Method, r.Pattern, func(c *hyperlane.Context) error {
			answered++
			c.Response.SetStatus(http.StatusNoContent)
			return nil
		})
	}
	return server, routes
}

// buildServeMux leaves out what ServeMux refuses: of two patterns that overlap,
// of which neither is more specific, it takes the first. GitHub has some:
// /issues/comments/{id} and /issues/{number}/comments.
func buildServeMux(routes []Route) (http.Handler, []Route) {
	mux := http.NewServeMux()
	var taken []Route
	for _, r := range routes {
		if registers(mux, r) {
			taken = append(taken, r)
		}
	}
	return mux, taken
}

// registers turns the panic of a refused pattern into false.
func registers(mux *http.ServeMux, r Route) (ok bool) {
	defer func() { ok = recover() == nil }()
	mux.HandleFunc(r.Method+" "+r.Pattern, answer)
	return true
}

func buildChi(routes []Route) (http.Handler, []Route) {
	mux := chi.NewRouter()
	for _, r := range routes {
		mux.MethodFunc(r.Method, r.Pattern, answer)
	}
	return mux, routes
}

func buildGin(routes []Route) (http.Handler, []Route) {
	gin.SetMode(gin.ReleaseMode)
	engine := gin.New()
	for _, r := range routes {
		engine.Handle(r.Method, r.Colon(), func(c *gin.Context) { answer(c.Writer, c.Request) })
	}
	return engine, routes
}

func buildEcho(routes []Route) (http.Handler, []Route) {
	e := echo.New()
	for _, r := range routes {
		e.Add(r.Method, r.Colon(), func(c *echo.Context) error {
			answer(c.Response(), c.Request())
			return nil
		})
	}
	return e, routes
}
