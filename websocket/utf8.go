package websocket

import "unicode/utf8"

// textCheck checks that text which arrives in pieces is UTF-8, and finds out at the first byte that cannot be (RFC 6455 section 8.1). A
// piece may end inside a character.
type textCheck struct {
	open [utf8.UTFMax]byte // a character that has begun
	n    int
}

// add reports whether everything up to and including p can still become UTF-8.
func (t *textCheck) add(p []byte) bool {
	for t.n > 0 && len(p) > 0 {
		t.open[t.n] = p[0]
		t.n++
		p = p[1:]
		if utf8.FullRune(t.open[:t.n]) {
			if r, size := utf8.DecodeRune(t.open[:t.n]); r == utf8.RuneError && size == 1 {
				return false
			}
			t.n = 0
		}
	}
	// What may be an incomplete character at the end is at most three bytes.
	end := len(p)
	for back := 1; back < utf8.UTFMax && back <= len(p); back++ {
		if utf8.RuneStart(p[len(p)-back]) {
			if !utf8.FullRune(p[len(p)-back:]) {
				end = len(p) - back
			}
			break
		}
	}
	if !utf8.Valid(p[:end]) {
		return false
	}
	t.n += copy(t.open[t.n:], p[end:])
	return true
}

// complete reports whether the text may end here, and is ready for another.
func (t *textCheck) complete() bool {
	whole := t.n == 0
	t.n = 0
	return whole
}
