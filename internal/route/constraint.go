package route

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
)

// constraint limits what a param matches. It never changes.
type constraint struct {
	kind    kind   // named or regex
	text    string // as in the pattern, behind the colon
	rank    int    // of a named one: the place in the order of precedence
	width   float64
	match   func(value []byte) bool
	samples []string // values that are worth a try for an example
}

// compare orders constraints of one kind, the more specific first. Both may be nil.
func (c *constraint) compare(o *constraint) int {
	if c == nil || o == nil {
		return 0
	}
	return cmp.Or(cmp.Compare(c.rank, o.rank), cmp.Compare(c.width, o.width), cmp.Compare(c.text, o.text))
}

// example returns a value that the constraint lets through, if one can be thought of.
func (c *constraint) example() (string, bool) {
	for _, sample := range c.samples {
		if sample != "" && c.match([]byte(sample)) {
			return sample, true
		}
	}
	return "", false
}

// guesses are tried as examples for constraints of which nothing is known but their name.
var guesses = []string{"1", "a", "A", "10", "ab", "true", "en", "2000-01-31", "00000000-0000-0000-0000-000000000000"}

// constraints are the named constraints that one table knows. The zero value knows the built-in ones.
type constraints struct {
	added map[string]*constraint
}

// add makes a name known.
func (cs *constraints) add(name string, match func(string) bool) error {
	switch {
	case !isIdentifier(name):
		return fmt.Errorf("constraint %q: a name has ASCII letters, digits and _, and begins with a letter or _", name)
	case match == nil:
		return fmt.Errorf("constraint %q: no function to match with", name)
	case cs.named(name) != nil:
		return fmt.Errorf("constraint %q: the name is taken", name)
	}
	if cs.added == nil {
		cs.added = make(map[string]*constraint)
	}
	cs.added[name] = &constraint{
		kind:    named,
		text:    name,
		rank:    -1,
		match:   func(value []byte) bool { return match(string(value)) },
		samples: guesses,
	}
	return nil
}

// named returns the constraint of that name, or nil.
func (cs *constraints) named(name string) *constraint {
	for i := range builtin {
		if builtin[i].text == name {
			return &builtin[i]
		}
	}
	return cs.added[name]
}

// names returns all names, for people.
func (cs *constraints) names() string {
	var names []string
	for i := range builtin {
		names = append(names, builtin[i].text)
	}
	names = slices.AppendSeq(names, maps.Keys(cs.added))
	slices.Sort(names)
	return strings.Join(names, ", ")
}

// parse reads what stands behind the colon of a param.
func (cs *constraints) parse(text string) (*constraint, error) {
	if text == "" {
		return nil, errors.New("no constraint behind the colon")
	}
	if isIdentifier(text) {
		c := cs.named(text)
		if c == nil {
			return nil, fmt.Errorf("there is no constraint named %q; there are %s (a regular expression that is a word goes in parentheses)",
				text, cs.names())
		}
		return c, nil
	}
	// Parsed by itself first, so that it cannot close the group that is put around it.
	tree, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		return nil, err
	}
	whole, err := regexp.Compile(`\A(?:` + text + `)\z`)
	if err != nil {
		return nil, err
	}
	tree = tree.Simplify()
	return &constraint{
		kind:    regex,
		text:    text,
		width:   width(tree),
		match:   whole.Match,
		samples: append([]string{sample(tree)}, guesses...),
	}, nil
}

// folded returns c for text whose case does not matter, and which comes in lower case: the labels of a host (RFC 3986 section 3.2.2).
// A named constraint stays as it is, because nothing is known of it.
func (c *constraint) folded() *constraint {
	if c == nil || c.kind != regex {
		return c
	}
	f := *c
	f.match = regexp.MustCompile(`\A(?i:` + c.text + `)\z`).Match
	return &f
}

func isIdentifier(s string) bool {
	for i := range len(s) {
		if c := s[i]; !isAlpha(c) && c != '_' && (i == 0 || !isDigit(c)) {
			return false
		}
	}
	return s != ""
}
