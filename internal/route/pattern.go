package route

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// pattern is a pattern as it was understood. It never changes.
type pattern struct {
	segments []segment
}

// parsePattern reads a pattern, as the package comment describes it.
func parsePattern(text string, constraints *constraints) (*pattern, error) {
	if text == "" || text[0] != '/' {
		return nil, errors.New("a pattern begins with a slash")
	}
	pieces, err := split(text[1:], '/')
	if err != nil {
		return nil, err
	}
	p := &pattern{segments: make([]segment, len(pieces))}
	for i, piece := range pieces {
		last := i == len(pieces)-1
		if piece == "" && !last {
			return nil, errors.New("an empty segment (//)")
		}
		s, err := parseSegment(piece, constraints)
		if err != nil {
			return nil, err
		}
		if s.kind == tail && !last {
			return nil, fmt.Errorf("{%s...}: a tail is the last segment", s.name)
		}
		if err := checkText(s); err != nil {
			return nil, err
		}
		p.segments[i] = s
	}
	return p, nil
}

// checkText refuses static text that no path would ever match, or that means a param to readers of other languages.
func checkText(s segment) error {
	text := s.prefix + s.suffix
	for i := range len(text) {
		switch c := text[i]; {
		case c < ' ' || c == 0x7f:
			return fmt.Errorf("a control byte (%#02x)", c)
		case c == '?' || c == '#':
			return fmt.Errorf("%q: a path ends before %c", text, c)
		case c == '%' && i+2 < len(text) && isHexDigit(text[i+1]) && isHexDigit(text[i+2]):
			return fmt.Errorf("%q: patterns are written decoded, without %s", text, text[i:i+3])
		}
	}
	if s.kind != static || text == "" {
		return nil
	}
	switch {
	case text == "." || text == "..":
		return fmt.Errorf("a dot segment (%s): clients resolve it before they send", text)
	case text[0] == ':' && isName(text[1:]):
		return fmt.Errorf("%q: a param is written {%s}", text, text[1:])
	case text[0] == '*' && (text == "*" || isName(text[1:])):
		return fmt.Errorf("%q: a tail is written {path...}", text)
	}
	return nil
}

// parseHost reads a host, whose labels are separated by dots. The empty host has no labels.
func parseHost(text string, constraints *constraints) ([]segment, error) {
	if text == "" {
		return nil, nil
	}
	pieces, err := split(text, '.')
	if err != nil {
		return nil, fmt.Errorf("host: %w", err)
	}
	labels := make([]segment, len(pieces))
	for i, piece := range pieces {
		if piece == "" {
			return nil, errors.New("host: an empty label")
		}
		s, err := parseSegment(piece, constraints)
		if err != nil {
			return nil, fmt.Errorf("host: %w", err)
		}
		s.prefix, s.suffix, s.constraint = strings.ToLower(s.prefix), strings.ToLower(s.suffix), s.constraint.folded()
		switch at := strings.IndexFunc(s.prefix+s.suffix, isNoHost); {
		case at >= 0:
			return nil, fmt.Errorf("host: %q in %q; a host has no port, no scheme and no path, and other scripts are written in punycode",
				(s.prefix + s.suffix)[at:at+1], text)
		case s.kind == tail:
			return nil, fmt.Errorf("host: {%s...}: a tail belongs in a pattern", s.name)
		}
		labels[i] = s
	}
	return labels, nil
}

func isNoHost(r rune) bool {
	return r > 0x7f || !isAlpha(byte(r)) && !isDigit(byte(r)) && r != '-' && r != '_'
}

// params returns the names of the params of a host and a pattern, in order, or an error if one comes twice.
func params(labels, segments []segment) ([]string, error) {
	var names []string
	for _, s := range slices.Concat(labels, segments) {
		if s.name == "" {
			continue
		}
		if slices.Contains(names, s.name) {
			return nil, fmt.Errorf("two params are called %q", s.name)
		}
		names = append(names, s.name)
	}
	return names, nil
}

// shape returns what segments match, without the names of their params.
func shape(segments []segment, separator string) string {
	shapes := make([]string, len(segments))
	for i, s := range segments {
		shapes[i] = s.shape()
	}
	return strings.Join(shapes, separator)
}
