package route

import (
	"bytes"
	"fmt"
	"iter"
)

// Table maps routes to values. Its zero value is empty and ready.
//
// One goroutine fills it with Constraint and Add; after that, any number of goroutines may call everything else. Nothing
// is locked, so the first Lookup must happen after the last Add.
type Table[T any] struct {
	index  index
	values []T // by endpoint.index
}

// Constraint makes name usable in patterns: {id:name} matches a segment for which match reports true. The segment is
// decoded, is never empty, and is match's to keep: unlike the built-in constraints it costs an allocation. A name is an
// identifier and can be taken once; the built-in names are taken. Patterns that use the name are added after it.
func (t *Table[T]) Constraint(name string, match func(segment string) bool) error {
	return t.index.constraints.add(name, match)
}

// Add registers value for r. The error says what is wrong with the pattern, or which earlier route matches exactly the
// same requests, with both places. After an error the table is as it was.
func (t *Table[T]) Add(r Route, value T) error {
	if err := t.index.add(r); err != nil {
		return err
	}
	t.values = append(t.values, value)
	return nil
}

// Lookup finds the value for a request. The path is raw, as it came over the wire, without its query; it is decoded here
// and nowhere else. The host may carry a port and may be empty. What was found of params is left in m, and stays valid
// until the next call with m or until path changes. The value is the zero value unless the outcome is Found.
func (t *Table[T]) Lookup(method, host, path []byte, m *Match) (value T, outcome Outcome) {
	outcome = t.index.lookup(method, host, path, m)
	if outcome == Found {
		value = t.values[m.found.index]
	}
	return value, outcome
}

// TrailingSlash reports whether Lookup would find a value for the same path with its last slash taken away, or with a
// slash added if it has none. It is for answering NotFound with a redirect. It leaves m empty; path must not be a view of m.
func (t *Table[T]) TrailingSlash(method, host, path []byte, m *Match) bool {
	if cut, ok := bytes.CutSuffix(path, []byte("/")); ok {
		path = cut
	} else {
		m.scratch = append(append(m.scratch[:0], path...), '/')
		path = m.scratch
	}
	outcome := t.index.lookup(method, host, path, m)
	m.reset()
	return outcome == Found
}

// All yields the routes and their values in the order of registration.
func (t *Table[T]) All() iter.Seq2[Route, T] {
	return func(yield func(Route, T) bool) {
		for i, e := range t.index.routes {
			if !yield(e.route, t.values[i]) {
				return
			}
		}
	}
}

// Build writes a path that pattern matches, with every param taken from params and percent-encoded. The slashes of a
// tail stay slashes; any other param's become %2F. It is an error if a param is missing or empty (a tail may be empty),
// breaks its constraint, or would make a segment that a client or Clean takes away: "." or "..", or an empty one before the
// end of a tail. The pattern need not have been added, but its named constraints must be known to t.
func (t *Table[T]) Build(pattern string, params func(name string) (string, bool)) (path string, err error) {
	p, err := t.index.pattern(pattern)
	if err != nil {
		return "", fmt.Errorf("pattern %q: %w", pattern, err)
	}
	return p.build(params)
}
