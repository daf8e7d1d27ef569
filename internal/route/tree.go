package route

import (
	"bytes"
	"slices"
	"strings"
)

// node is a place in the tree of patterns: what lies behind the static text that leads to it. Text is shared between
// patterns byte by byte, across segments, so long as they have no param. Only Add changes it.
type node struct {
	text    string // what leads here from the node above
	first   string // first[i] is the first byte of below[i].text; no two are equal
	below   []node // more static text
	params  []branch
	methods methods // of the pattern that ends here
}

// branch is a param behind a node, with the text behind it in the same segment. The branches of a node are sorted, the
// more specific first.
type branch struct {
	segment
	methods methods // of the pattern that ends with this segment
	next    *node   // the segments that follow; its text begins with a slash
}

// methods are the routes of one pattern. No two have the same method.
type methods []endpoint

// endpoint is one route in the tree. It has what a lookup reads, so that the rest of the entry need not be in the cache.
type endpoint struct {
	method string
	index  int // in the order of registration
	*entry
}

// entry is what the table keeps of a route.
type entry struct {
	route  Route
	params []string // names, the host's first
}

// add puts a pattern into the tree below *root and returns where its routes belong.
func (p *pattern) add(root **node) *methods {
	text := ""
	var end *methods
	for _, s := range p.segments {
		text += "/" + s.prefix
		if s.kind == static {
			continue
		}
		b := at(root, text).branch(s)
		text, root, end = "", &b.next, &b.methods
	}
	if text == "" {
		return end
	}
	return &at(root, text).methods
}

// at returns the node behind static text below *root, which it makes if it must. The text is not empty. The node may move
// when the next one is made.
func at(root **node, text string) *node {
	if *root == nil {
		*root = &node{text: text}
		return *root
	}
	n := *root
	for {
		common := commonPrefix(n.text, text)
		if common < len(n.text) {
			n.split(common)
		}
		text = text[common:]
		if text == "" {
			return n
		}
		i := strings.IndexByte(n.first, text[0])
		if i < 0 {
			i = len(n.below)
			n.first += text[:1]
			n.below = append(n.below, node{text: text})
		}
		n = &n.below[i]
	}
}

// split moves everything that n has, and its text from i on, into a node below it.
func (n *node) split(i int) {
	below := *n
	below.text = n.text[i:]
	*n = node{text: n.text[:i], first: below.text[:1], below: []node{below}}
}

// branch returns the branch of n for the param of s, which it makes if it must.
func (n *node) branch(s segment) *branch {
	i, ok := slices.BinarySearchFunc(n.params, s, func(b branch, s segment) int { return b.compare(s) })
	if !ok {
		s.name = ""
		n.params = slices.Insert(n.params, i, branch{segment: s})
	}
	return &n.params[i]
}

// find returns the route for a method, or nil.
func (ms methods) find(method []byte) *endpoint {
	var get, anyMethod *endpoint
	for i := range ms {
		switch e := &ms[i]; e.method {
		case string(method):
			return e
		case "":
			anyMethod = e
		case "GET":
			get = e
		}
	}
	if get != nil && string(method) == "HEAD" {
		return get
	}
	return anyMethod
}

func commonPrefix(a, b string) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}

// walk looks for a route below n for what m holds: n's text is to begin at m.path[from:], where its first byte is known to
// be, behind the given number of params. It leaves the params in m. It tries alternatives from the most specific on, and notes the methods of patterns
// that match but have no route for m.method.
func (m *Match) walk(n *node, from, params int) *endpoint {
	path := m.path
next:
	for {
		if !strings.HasPrefix(view(path[from+1:]), n.text[1:]) {
			return nil
		}
		from += len(n.text)
		rest := path[from:]
		if len(rest) == 0 {
			if e := m.end(n.methods, params); e != nil {
				return e
			}
		} else if i := strings.IndexByte(n.first, rest[0]); i >= 0 {
			if len(n.params) == 0 {
				n = &n.below[i]
				continue
			}
			if e := m.walk(&n.below[i], from, params); e != nil {
				return e
			}
		}
		if len(n.params) == 0 {
			return nil
		}
		size := bytes.IndexByte(rest, '/')
		if size < 0 {
			size = len(rest)
		}
		for i := range n.params {
			b := &n.params[i]
			if b.kind == tail {
				m.spans[params] = span{from, len(path)}
				if e := m.end(b.methods, params+1); e != nil {
					return e
				}
				continue
			}
			if !m.fits(&b.segment, rest[:size]) {
				continue
			}
			m.spans[params] = span{from, from + size - len(b.suffix)}
			switch {
			case size == len(rest):
				if e := m.end(b.methods, params+1); e != nil {
					return e
				}
			case b.next == nil:
			case i == len(n.params)-1:
				n, from, params = b.next, from+size, params+1
				continue next
			default:
				if e := m.walk(b.next, from+size, params+1); e != nil {
					return e
				}
			}
		}
		return nil
	}
}

// end is called where a pattern ends together with the path.
func (m *Match) end(ms methods, params int) *endpoint {
	if len(ms) == 0 {
		return nil
	}
	e := ms.find(m.method)
	if e == nil {
		m.refused = append(m.refused, ms)
		return nil
	}
	m.spans = m.spans[:params]
	return e
}

// fits reports whether text is a value for the param of s, and behind it the suffix of s.
func (m *Match) fits(s *segment, text []byte) bool {
	if len(text) <= len(s.suffix) {
		return false
	}
	value := text[:len(text)-len(s.suffix)]
	if s.suffix != "" && string(text[len(value):]) != s.suffix {
		return false
	}
	if s.constraint == nil {
		return true
	}
	if m.slashes {
		m.spare = append(m.spare[:0], value...)
		restore(m.spare)
		value = m.spare
	}
	return s.constraint.match(value)
}
