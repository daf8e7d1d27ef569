package route

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
)

// index is a Table without its values: everything that does not depend on their type.
type index struct {
	constraints constraints
	routes      []*entry
	patterns    map[string]*pattern // of the routes, by their text
	anyHost     host
	hosts       map[string]*host // without params, by name
	openHosts   []*host          // with params, the more specific first
	params      int              // the most that one route has
}

// add puts a route into the tree, or returns why it cannot. Its index is the number of routes before it.
func (x *index) add(r Route) error {
	labels, p, err := x.parse(r)
	if err != nil {
		return invalid(r, err)
	}
	names, err := params(labels, p.segments)
	if err != nil {
		return invalid(r, err)
	}
	h := x.host(labels)
	ms := p.add(&h.root)
	for _, e := range *ms {
		if e.method == r.Method {
			return conflict(r, e.route, example(labels, p.segments))
		}
	}
	e := &entry{route: r, params: names}
	*ms = append(*ms, endpoint{method: r.Method, index: len(x.routes), entry: e})
	if x.patterns == nil {
		x.patterns = make(map[string]*pattern)
	}
	x.patterns[r.Pattern] = p
	x.routes = append(x.routes, e)
	x.params = max(x.params, len(names))
	return nil
}

func (x *index) parse(r Route) (labels []segment, p *pattern, err error) {
	if err := checkMethod(r.Method); err != nil {
		return nil, nil, err
	}
	labels, err = parseHost(r.Host, &x.constraints)
	if err != nil {
		return nil, nil, err
	}
	p, err = x.pattern(r.Pattern)
	return labels, p, err
}

// pattern returns the pattern for a text, and remembers nothing: Build calls it from any goroutine.
func (x *index) pattern(text string) (*pattern, error) {
	if p := x.patterns[text]; p != nil {
		return p, nil
	}
	return parsePattern(text, &x.constraints)
}

// host returns the host with these labels, which it makes if it must.
func (x *index) host(labels []segment) *host {
	if len(labels) == 0 {
		return &x.anyHost
	}
	h := &host{labels: labels}
	if countParams(labels) == 0 {
		name := shape(labels, ".")
		if x.hosts == nil {
			x.hosts = make(map[string]*host)
		}
		if x.hosts[name] == nil {
			x.hosts[name] = h
		}
		return x.hosts[name]
	}
	i, ok := slices.BinarySearchFunc(x.openHosts, h, (*host).compare)
	if !ok {
		x.openHosts = slices.Insert(x.openHosts, i, h)
	}
	return x.openHosts[i]
}

// lookup finds the route for a request and leaves its params in m.
func (x *index) lookup(method, hostname, path []byte, m *Match) Outcome {
	m.reset()
	if len(path) == 0 || path[0] != '/' {
		return BadPath
	}
	m.method, m.path = method, path
	if bytes.IndexByte(path, '%') >= 0 {
		var ok bool
		m.scratch, m.slashes, ok = decode(m.scratch, path)
		if !ok {
			return BadPath
		}
		m.path = m.scratch
	}
	if cap(m.spans) < x.params {
		m.spans = make([]span, 0, x.params)
	}
	m.found = x.find(hostname, m)
	switch {
	case m.found != nil:
		if m.slashes {
			restore(m.path)
		}
		return Found
	case len(m.refused) > 0:
		return MethodNotAllowed
	}
	return NotFound
}

// find tries the hosts, the most specific first.
func (x *index) find(hostname []byte, m *Match) *endpoint {
	if len(x.hosts)+len(x.openHosts) > 0 {
		m.host = appendHost(m.host[:0], hostname)
		if h := x.hosts[string(m.host)]; h != nil {
			if e := h.lookup(m); e != nil {
				return e
			}
		}
		for _, h := range x.openHosts {
			if !h.match(m) {
				continue
			}
			m.hostParams = len(m.spans)
			if e := h.lookup(m); e != nil {
				return e
			}
		}
		m.spans, m.hostParams = m.spans[:0], 0
	}
	return x.anyHost.lookup(m)
}

func checkMethod(method string) error {
	for i := range len(method) {
		// RFC 9110 section 5.6.2: the characters of a token.
		if c := method[i]; !isAlpha(c) && !isDigit(c) && strings.IndexByte("!#$%&'*+-.^_`|~", c) < 0 {
			return fmt.Errorf("method %q: a method is one token", method)
		}
	}
	switch upper := strings.ToUpper(method); upper {
	case method:
	case "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE":
		return fmt.Errorf("method %q: methods are compared with their case, so this is not %s", method, upper)
	}
	return nil
}

func countParams(segments []segment) int {
	n := 0
	for _, s := range segments {
		if s.kind != static {
			n++
		}
	}
	return n
}
