package hyperlane

import (
	"strings"
	"unicode"
)

// SetAttachment has the client save the body rather than show it, as a file of that name, which may be anything, also a client's
// word: what would mislead (path separators, control and formatting characters) becomes "_". An empty name leaves the name to the
// client.
func (r *Response) SetAttachment(filename string) *Response {
	name := strings.Map(func(c rune) rune {
		if c == '/' || c == '\\' || c == unicode.ReplacementChar || !unicode.IsGraphic(c) {
			return '_'
		}
		return c
	}, filename)
	if name == "" {
		return r.SetHeader("Content-Disposition", "attachment")
	}
	plain := strings.Map(func(c rune) rune {
		// RFC 6266 section 4.3 and appendix D: clients disagree on quotes and on percent signs in a plain name.
		if c < ' ' || c > '~' || c == '"' || c == '%' {
			return '_'
		}
		return c
	}, name)
	value := `attachment; filename="` + plain + `"`
	if plain != name {
		value += "; filename*=UTF-8''" + extendedValue(name)
	}
	return r.SetHeader("Content-Disposition", value)
}

// extendedValue escapes all but attr-char (RFC 8187 section 3.2.1).
func extendedValue(text string) string {
	const digits = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(text) {
		c := text[i]
		if 'a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9' || strings.IndexByte("!#$&+-.^_`|~", c) >= 0 {
			b.WriteByte(c)
		} else {
			b.Write([]byte{'%', digits[c>>4], digits[c&15]})
		}
	}
	return b.String()
}
