package route

import (
	"slices"
	"unsafe"
)

// Outcome is the answer of a lookup.
type Outcome uint8

const (
	// NotFound means that no pattern matches host and path.
	NotFound Outcome = iota
	// Found means that a value was found; the Match holds the params.
	Found
	// MethodNotAllowed means that patterns match, but none for this method; the Match holds the methods.
	MethodNotAllowed
	// BadPath means that the path does not begin with a slash, has a broken percent-escape, or has an escaped NUL.
	BadPath
)

// String returns the name of the outcome.
func (o Outcome) String() string {
	return [...]string{"NotFound", "Found", "MethodNotAllowed", "BadPath"}[o]
}

// Match holds what a lookup found. It belongs to its caller, who passes the same one to many lookups, one at a time: it
// then allocates nothing. The zero value is ready. A copy shares the original's memory.
type Match struct {
	found      *endpoint // nil unless Found
	spans      []span    // of the params, the host's first
	hostParams int       // how many of them lie in host
	refused    []methods // of the patterns that match but have no route for method
	method     []byte
	host       []byte // as it is compared
	path       []byte // decoded: the caller's bytes or scratch
	scratch    []byte
	spare      []byte // a value on its way to a constraint
	slashes    bool   // path has NUL in place of escaped slashes
}

// span marks the value of a param.
type span struct{ start, end int }

// Len returns the number of params: the host's from left to right, then the path's.
func (m *Match) Len() int { return len(m.spans) }

// Name returns the name of param i.
func (m *Match) Name(i int) string { return m.found.params[i] }

// Value returns the decoded text of param i, a view that ends with the next call that is given m, or when the path that was
// looked up changes. An escaped slash (%2F) is a slash in it. A param of the host is in lower case.
func (m *Match) Value(i int) []byte {
	s, text := m.spans[i], m.path
	if i < m.hostParams {
		text = m.host
	}
	return text[s.start:s.end:s.end]
}

// Find returns the value of the param called name, as Value does, and whether there is one.
func (m *Match) Find(name string) ([]byte, bool) {
	for i := range m.spans {
		if m.found.params[i] == name {
			return m.Value(i), true
		}
	}
	return nil, false
}

// Pattern returns the pattern that matched, as it was registered; empty unless the outcome was Found.
func (m *Match) Pattern() string {
	if m.found == nil {
		return ""
	}
	return m.found.route.Pattern
}

// AppendAllow appends the value of an Allow field (RFC 9110 section 10.2.1) to dst: after MethodNotAllowed the methods that
// the path has routes for, with HEAD where there is GET, and OPTIONS, sorted. After any other outcome it appends nothing.
func (m *Match) AppendAllow(dst []byte) []byte {
	if len(m.refused) == 0 || m.found != nil {
		return dst
	}
	allowed := []string{"OPTIONS"}
	for _, ms := range m.refused {
		for _, e := range ms {
			allowed = append(allowed, e.method)
			if e.method == "GET" {
				allowed = append(allowed, "HEAD")
			}
		}
	}
	slices.Sort(allowed)
	for i, method := range slices.Compact(allowed) {
		if i > 0 {
			dst = append(dst, ", "...)
		}
		dst = append(dst, method...)
	}
	return dst
}

// reset forgets the last lookup and keeps only the memory.
func (m *Match) reset() {
	m.found = nil
	m.spans = m.spans[:0]
	m.hostParams = 0
	m.refused = m.refused[:0]
	m.method, m.path = nil, nil
	m.host, m.scratch, m.spare = m.host[:0], m.scratch[:0], m.spare[:0]
	m.slashes = false
}

// view returns the text of b, for as long as b does not change.
func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
