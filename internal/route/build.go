package route

import (
	"errors"
	"fmt"
	"strings"
)

// build writes a path that p matches.
func (p *pattern) build(params func(name string) (string, bool)) (string, error) {
	var path []byte
	for _, s := range p.segments {
		value := ""
		if s.kind != static {
			var ok bool
			if value, ok = params(s.name); !ok {
				return "", fmt.Errorf("param %q is missing", s.name)
			}
			if err := s.check(value); err != nil {
				return "", fmt.Errorf("param %q: %w", s.name, err)
			}
		}
		path = append(path, '/')
		path = appendEscaped(path, s.prefix, false)
		path = appendEscaped(path, value, s.kind == tail)
		path = appendEscaped(path, s.suffix, false)
	}
	return string(path), nil
}

// check reports why value cannot stand for the param of s.
func (s segment) check(value string) error {
	if strings.IndexByte(value, 0) >= 0 {
		return fmt.Errorf("%q has a NUL byte", value)
	}
	if s.kind == tail {
		pieces := strings.Split(value, "/")
		for i, piece := range pieces {
			if isDots(piece) || piece == "" && i < len(pieces)-1 {
				return fmt.Errorf("%q would not survive a client that cleans paths: it has a segment %q", value, piece)
			}
		}
		return nil
	}
	switch {
	case value == "":
		return errors.New("it is empty")
	case s.constraint != nil && !s.constraint.match([]byte(value)):
		return fmt.Errorf("%q does not meet {%s:%s}", value, s.name, s.constraint.text)
	case isDots(s.prefix + value + s.suffix):
		return fmt.Errorf("%q would not survive a client that cleans paths: it makes a dot segment", value)
	}
	return nil
}

func isDots(s string) bool { return s == "." || s == ".." }

// appendEscaped appends text as it may stand in a segment (RFC 3986 section 3.3, pchar), or in several of them.
func appendEscaped(dst []byte, text string, slashes bool) []byte {
	const hex = "0123456789ABCDEF"
	for i := range len(text) {
		c := text[i]
		if isAlpha(c) || isDigit(c) || strings.IndexByte("-._~!$&'()*+,;=:@", c) >= 0 || c == '/' && slashes {
			dst = append(dst, c)
		} else {
			dst = append(dst, '%', hex[c>>4], hex[c&15])
		}
	}
	return dst
}
