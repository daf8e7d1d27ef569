package route

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"unicode"
)

// kind says what a segment matches. The order is the order of precedence.
type kind uint8

const (
	static  kind = iota // its text and nothing else
	named               // what meets a named constraint
	regex               // what a regular expression matches
	dynamic             // anything but nothing
	tail                // the rest of the path, also an empty one
)

// segment is one piece of a pattern, or one label of a host.
type segment struct {
	prefix     string // text before the param, or the whole text
	kind       kind
	name       string      // of the param
	constraint *constraint // for named and regex
	suffix     string      // text behind the param
}

// parseSegment reads the text between two separators. Text that is no param is taken as it is.
func parseSegment(text string, constraints *constraints) (segment, error) {
	open := strings.IndexByte(text, '{')
	if open < 0 {
		if strings.IndexByte(text, '}') >= 0 {
			return segment{}, errors.New("a } without its {")
		}
		return segment{prefix: text}, nil
	}
	end := closing(text, open)
	if end < 0 {
		return segment{}, errors.New("a { without its }")
	}
	s := segment{prefix: text[:open], suffix: text[end+1:]}
	if strings.IndexByte(s.prefix, '}') >= 0 {
		return segment{}, errors.New("a } without its {")
	}
	if strings.IndexByte(s.suffix, '{') >= 0 {
		return segment{}, fmt.Errorf("segment %q has two params; it can have one", text)
	}
	if strings.IndexByte(s.suffix, '}') >= 0 {
		return segment{}, errors.New("a } without its {")
	}
	return s, s.parseParam(text[open+1:end], constraints)
}

// parseParam reads what stands between the braces.
func (s *segment) parseParam(text string, constraints *constraints) error {
	name, rule, ruled := strings.Cut(text, ":")
	s.name, s.kind = name, dynamic
	if cut, ok := strings.CutSuffix(name, "..."); ok {
		s.name, s.kind = cut, tail
	}
	switch {
	case s.name == "":
		return fmt.Errorf("{%s} has no name", text)
	case !isName(s.name):
		return fmt.Errorf("%q is no name for a param: a name has letters, digits, _ and -, and begins with a letter or _", s.name)
	case s.kind == tail && ruled:
		return fmt.Errorf("{%s}: a tail takes no constraint", text)
	case s.kind == tail && (s.prefix != "" || s.suffix != ""):
		return fmt.Errorf("{%s}: a tail is a whole segment, without text around it", text)
	case !ruled:
		return nil
	}
	var err error
	s.constraint, err = constraints.parse(rule)
	if err != nil {
		return fmt.Errorf("{%s}: %w", text, err)
	}
	s.kind = s.constraint.kind
	return nil
}

// example returns text that the segment matches, or the segment as it was written if none can be thought of.
func (s segment) example() string {
	switch {
	case s.kind == static:
		return s.prefix
	case s.constraint == nil:
		return s.prefix + s.name + s.suffix
	}
	value, ok := s.constraint.example()
	if !ok {
		value = "{" + s.name + ":" + s.constraint.text + "}"
	}
	return s.prefix + value + s.suffix
}

// shape returns what the segment matches, without the name of its param. Equal shapes match the same text.
func (s segment) shape() string {
	switch {
	case s.kind == static:
		return s.prefix
	case s.kind == tail:
		return "{...}"
	case s.constraint == nil:
		return s.prefix + "{}" + s.suffix
	}
	return s.prefix + "{:" + s.constraint.text + "}" + s.suffix
}

// compare orders segments that may match the same text: the more specific one is less. It looks only at what follows the
// text before the param; the caller knows that part to be equal.
func (s segment) compare(o segment) int {
	return cmp.Or(
		cmp.Compare(len(o.suffix), len(s.suffix)),
		cmp.Compare(s.suffix, o.suffix),
		cmp.Compare(s.kind, o.kind),
		s.constraint.compare(o.constraint),
	)
}

// split cuts text at every separator that is not between braces.
func split(text string, separator byte) ([]string, error) {
	var pieces []string
	start := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '{':
			end := closing(text, i)
			if end < 0 {
				return nil, errors.New("a { without its }")
			}
			i = end
		case separator:
			pieces = append(pieces, text[start:i])
			start = i + 1
		}
	}
	return append(pieces, text[start:]), nil
}

// closing returns the index of the brace that closes the one at open, or -1. A backslash hides the byte behind it.
func closing(text string, open int) int {
	depth := 0
	for i := open; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '{':
			depth++
		case '}':
			depth--
			if depth == 0 {
				return i
			}
		}
	}
	return -1
}

func isName(s string) bool {
	for i, r := range s {
		if r != '_' && !unicode.IsLetter(r) && (i == 0 || r != '-' && !unicode.IsDigit(r)) {
			return false
		}
	}
	return s != ""
}
