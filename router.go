package hyperlane

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/hyperlane-go/hyperlane/internal/route"
)

// Constraint makes {param:name} usable in patterns registered after it: it matches a segment for which match is true. int, uint,
// uuid, hex, alpha, alnum, slug, date and bool are there already.
func (s *Server) Constraint(name string, match func(segment string) bool) {
	if err := s.table.Constraint(name, match); err != nil {
		s.mistake(fmt.Errorf("%s: %w", caller(2), err))
	}
}

// Routes lists what is registered, in the order of registration.
func (s *Server) Routes() []RouteInfo {
	list := make([]RouteInfo, len(s.registrations))
	for i, r := range s.registrations {
		list[i] = RouteInfo{r.Method, r.Host, r.Pattern, r.name, r.Place}
	}
	return list
}

// URL returns the path of the route with that name, its params filled in from pairs of name and value, percent-encoded. It is an
// error if there is no such route, or a param is missing, unknown, or breaks its constraint.
func (s *Server) URL(name string, pairs ...string) (string, error) {
	for _, r := range s.registrations {
		if r.name != name || name == "" {
			continue
		}
		if len(pairs)%2 != 0 {
			return "", fmt.Errorf("URL of route %q: a param has no value", name)
		}
		used := 0
		path, err := s.table.Build(r.Pattern, func(param string) (string, bool) {
			for i := 0; i < len(pairs); i += 2 {
				if pairs[i] == param {
					used++
					return pairs[i+1], true
				}
			}
			return "", false
		})
		if err == nil && used != len(pairs)/2 {
			err = fmt.Errorf("pattern %s has other params than %s", r.Pattern, strings.Join(pairs, ", "))
		}
		if err != nil {
			return "", fmt.Errorf("URL of route %q: %w", name, err)
		}
		return path, nil
	}
	return "", fmt.Errorf("no route is named %q", name)
}

// freeze compiles the registrations, once. The error joins every mistake that was made since New.
func (s *Server) freeze() error {
	s.freezing.Do(func() {
		s.frozen.Store(true)
		named := make(map[string]string)
		for _, r := range s.registrations {
			if err := s.table.Add(r.Route, r); err != nil {
				s.mistake(err)
				continue
			}
			if first := named[r.name]; r.name != "" && first != "" {
				s.mistake(fmt.Errorf("%s: the route name %q is taken since %s", r.Place, r.name, first))
			}
			named[r.name] = r.Place
			r.freeze()
		}
	})
	return s.mistakes()
}

// find routes the request of c: it sets c.route and the params, or c.route to one of the answers that the server has for
// requests without a route. It runs no code of the user's but constraints.
func (s *Server) find(c *Context) {
	r := &c.Request
	path := r.rawPath()
	var outcome route.Outcome
	c.route, outcome = s.table.Lookup(r.methodView(), r.hostView(), path, &c.match)
	if outcome == route.Found {
		return
	}
	c.route = s.unrouted(c, path, outcome)
}

// unrouted chooses the answer where no route has one.
func (s *Server) unrouted(c *Context, path []byte, outcome route.Outcome) *registration {
	method := string(c.Request.methodView())
	if method == http.MethodConnect {
		return s.builtin.connect // its target is no path; we are no tunnel
	}
	switch outcome {
	case route.BadPath:
		if string(path) == "*" && method == http.MethodOptions {
			return s.builtin.options
		}
		return s.builtin.badPath
	case route.MethodNotAllowed:
		if method == http.MethodOptions {
			return s.builtin.options
		}
		return s.builtin.notAllowed
	}
	if s.config.CleanPath == "redirect" {
		if clean, changed := route.Clean(path, nil); changed {
			return s.redirection(c, clean)
		}
	}
	if s.config.TrailingSlash == "strict" {
		return s.builtin.notFound
	}
	if !s.table.TrailingSlash(c.Request.methodView(), c.Request.hostView(), path, &c.match) {
		return s.builtin.notFound
	}
	other := slices.Concat(path, []byte("/"))
	if path[len(path)-1] == '/' {
		other = path[:len(path)-1]
	}
	if s.config.TrailingSlash == "redirect" {
		return s.redirection(c, other)
	}
	r, _ := s.table.Lookup(c.Request.methodView(), c.Request.hostView(), other, &c.match)
	return r
}

// redirection leads the client to path, with the same query, for good and with the same method (RFC 9110 section 15.4.9). A path that
// begins with two slashes would name another host.
func (s *Server) redirection(c *Context, path []byte) *registration {
	target := "/" + strings.TrimLeft(string(path), "/\\")
	if query := c.Request.RawQuery(); query != "" {
		target += "?" + query
	}
	return &registration{run: func(c *Context) error {
		return c.Redirect(http.StatusPermanentRedirect, target)
	}}
}

// builtin holds the answers to requests without a route. They run through the server's phases as a handler would.
type builtin struct {
	notFound, notAllowed, badPath, connect, expectation, options *registration
	overloaded                                                   *registration // has no handler: see Server.handle
}

func newBuiltin() builtin {
	answer := func(h Handler) *registration { return &registration{run: h} }
	return builtin{
		overloaded: answer(nil),
		notFound:   answer(func(*Context) error { return errNotFound }),
		badPath: answer(func(c *Context) error {
			c.Response.SetHeader("Connection", "close") // who sent this may mean anything by what follows
			return errBadPath
		}),
		connect: answer(func(c *Context) error {
			c.Response.SetHeader("Connection", "close")
			return errNoTunnel
		}),
		expectation: answer(func(*Context) error { return errExpectation }),
		notAllowed: answer(func(c *Context) error {
			c.Response.SetHeader("Allow", string(c.match.AppendAllow(nil)))
			return errNotAllowed
		}),
		options: answer(func(c *Context) error {
			allow := string(c.match.AppendAllow(nil))
			if allow == "" {
				allow = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"
			}
			c.Response.SetStatus(http.StatusNoContent).SetHeader("Allow", allow)
			return nil
		}),
	}
}

var (
	errNotFound    = Errorf(http.StatusNotFound, "")
	errBadPath     = Errorf(http.StatusBadRequest, "the path is not well-formed")
	errExpectation = Errorf(http.StatusExpectationFailed, "")
	errNoTunnel    = Errorf(http.StatusNotImplemented, "")
	errNotAllowed  = Errorf(http.StatusMethodNotAllowed, "")
	errOverloaded  = Errorf(http.StatusServiceUnavailable, "")
)

// unescape decodes one component of a query. It differs from url.QueryUnescape only in giving back what cannot be decoded.
func unescape(s string) string {
	if !strings.ContainsAny(s, "%+") {
		return s
	}
	if u, err := url.QueryUnescape(s); err == nil {
		return u
	}
	return s
}
