package hyperlane

import (
	"fmt"
	"net/http"
	"runtime"
	"strings"
)

// Handler answers one request. It may block, and it may keep every string and slice that it got without View in its name.
// An error becomes the answer, see [Errorf]; nil leaves what was set on c.Response.
type Handler func(c *Context) error

// Middleware wraps a handler in code that runs on both sides of one call. It is applied once, when the server starts.
type Middleware func(next Handler) Handler

// Group registers routes that share a path prefix, request middleware, response middleware and wrapping middleware. What is
// added to a group holds for all its routes, also for those that were registered before. A group is filled by one goroutine,
// before the server starts; what is registered later is an error that Run reports.
type Group struct {
	server *Server
	parent *Group
	host   string
	prefix string

	request    []Handler
	response   []Handler
	middleware []Middleware
}

// outermost lets Server embed a Group and still have the method of that name.
type outermost = Group

// Group returns a group whose routes begin with prefix, which may hold params: "/api/{version:v[0-9]+}". Its middleware runs
// inside g's. The prefix "" is for middleware alone; a slash at the end of the prefix makes no difference.
func (g *Group) Group(prefix string) *Group {
	if prefix != "" && prefix[0] != '/' {
		g.server.mistake(fmt.Errorf("%s: group prefix %q does not begin with a slash", caller(2), prefix))
	}
	return &Group{server: g.server, parent: g, host: g.host, prefix: g.prefix + strings.TrimSuffix(prefix, "/")}
}

// Host returns a group whose routes answer only for host, which may hold params: "{tenant}.example.com".
func (g *Group) Host(host string) *Group {
	return &Group{server: g.server, parent: g, host: host, prefix: g.prefix}
}

// OnRequest adds request middleware: it runs before the handler, outer groups first. On the server it runs for every request, also
// for one that no route answers; on a group only where one of its routes was chosen, so not for a 404, 405 or OPTIONS below its prefix. An
// error, or c.Abort, ends the phase and skips the handler.
func (g *Group) OnRequest(h Handler) { g.request = append(g.request, h) }

// OnResponse adds response middleware: it runs before the head of the response leaves, inner groups first, and no handler can
// skip it: it runs after an error, an abort, a 404 and a panic, too. An error from it replaces the response.
func (g *Group) OnResponse(h Handler) { g.response = append(g.response, h) }

// Use adds middleware that wraps the handlers of the group, the first one outermost.
func (g *Group) Use(m ...Middleware) { g.middleware = append(g.middleware, m...) }

// Get registers a handler for GET, which answers HEAD too.
func (g *Group) Get(pattern string, h Handler, options ...RouteOption) {
	g.add(http.MethodGet, pattern, h, options)
}

// Post registers a handler for POST.
func (g *Group) Post(pattern string, h Handler, options ...RouteOption) {
	g.add(http.MethodPost, pattern, h, options)
}

// Put registers a handler for PUT.
func (g *Group) Put(pattern string, h Handler, options ...RouteOption) {
	g.add(http.MethodPut, pattern, h, options)
}

// Patch registers a handler for PATCH.
func (g *Group) Patch(pattern string, h Handler, options ...RouteOption) {
	g.add(http.MethodPatch, pattern, h, options)
}

// Delete registers a handler for DELETE.
func (g *Group) Delete(pattern string, h Handler, options ...RouteOption) {
	g.add(http.MethodDelete, pattern, h, options)
}

// Any registers a handler for every method that has no route of its own for this pattern.
func (g *Group) Any(pattern string, h Handler, options ...RouteOption) {
	g.add("", pattern, h, options)
}

// Handle registers a handler for one method, such as "OPTIONS" or "QUERY" (RFC 10008). Methods are case-sensitive.
func (g *Group) Handle(method, pattern string, h Handler, options ...RouteOption) {
	if method == "" {
		g.server.mistake(fmt.Errorf("%s: no method for pattern %s", caller(2), pattern))
		return
	}
	g.add(method, pattern, h, options)
}

func (g *Group) add(method, pattern string, h Handler, options []RouteOption) {
	place := caller(3)
	switch {
	case h == nil:
		g.server.mistake(fmt.Errorf("%s: no handler for pattern %s", place, pattern))
		return
	case g.prefix != "" && pattern != "" && pattern[0] != '/':
		g.server.mistake(fmt.Errorf("%s: pattern %q in group %s does not begin with a slash", place, pattern, g.prefix))
		return
	case g.server.frozen.Load():
		g.server.mistake(fmt.Errorf("%s: pattern %s was registered after the server had started", place, pattern))
		return
	}
	if g.prefix != "" && pattern == "/" {
		pattern = ""
	}
	r := &registration{group: g, handler: h}
	r.Method, r.Host, r.Pattern, r.Place = method, g.host, g.prefix+pattern, place
	for _, o := range options {
		o(r)
	}
	g.server.registrations = append(g.server.registrations, r)
}

// phases returns the request middleware from the outside in, and the response middleware from the inside out, of g and the groups
// around it but the server.
func (g *Group) phases() (request, response []Handler) {
	for ; g.parent != nil; g = g.parent {
		request = append(append([]Handler{}, g.request...), request...)
		response = append(response, g.response...)
	}
	return request, response
}

// wrap applies the middleware of g and the groups around it, the server's outermost.
func (g *Group) wrap(h Handler) Handler {
	for ; g != nil; g = g.parent {
		for i := len(g.middleware) - 1; i >= 0; i-- {
			h = g.middleware[i](h)
		}
	}
	return h
}

// caller returns file:line of the code that called the exported function, skip frames up.
func caller(skip int) string {
	_, file, line, ok := runtime.Caller(skip)
	if !ok {
		return "unknown place"
	}
	return fmt.Sprintf("%s:%d", file, line)
}
