package broadcast

import (
	"errors"
	"strings"
	"unicode/utf8"
)

// Topic is the name that one publishes to and subscribes to. It has parts, which are kept apart: TopicOf("a-b", "c") is not
// TopicOf("a", "b-c"), whatever the parts contain. Topics are equal (==) if their parts are; the zero Topic has no parts and
// is as good a topic as any.
type Topic struct {
	text string // each part with a slash before it, escaped
}

// errTopicText is what ParseTopic returns for a text that Topic.String never does.
var errTopicText = errors.New("broadcast: not the text of a topic")

// TopicOf returns the topic with these parts. Any string can be a part, also the empty one.
func TopicOf(parts ...string) Topic {
	size := len(parts)
	for _, p := range parts {
		size += len(p)
	}
	var b strings.Builder
	b.Grow(size)
	for _, p := range parts {
		b.WriteByte('/')
		writeEscaped(&b, p)
	}
	return Topic{b.String()}
}

// ParseTopic returns the topic whose String is text. There is exactly one text for each topic; for anything else it returns an
// error. The text of a client can name any topic: ask whether this client may see it.
func ParseTopic(text string) (Topic, error) {
	t := Topic{text}
	parts, ok := t.split()
	if !ok || TopicOf(parts...) != t {
		return Topic{}, errTopicText
	}
	return t, nil
}

// Parts returns the parts. The slice is the caller's.
func (t Topic) Parts() []string {
	parts, _ := t.split()
	return parts
}

// String returns a readable text that no other topic has: "/chat/lobby". Slashes, percent signs, control characters and what is
// not UTF-8 are escaped as in a URL.
func (t Topic) String() string { return t.text }

// MarshalText returns String.
func (t Topic) MarshalText() ([]byte, error) { return []byte(t.text), nil }

// UnmarshalText is ParseTopic.
func (t *Topic) UnmarshalText(text []byte) error {
	parsed, err := ParseTopic(string(text))
	if err == nil {
		*t = parsed
	}
	return err
}

// split returns the parts, unescaped, and whether the text could be split at all.
func (t Topic) split() ([]string, bool) {
	if t.text == "" {
		return nil, true
	}
	if t.text[0] != '/' {
		return nil, false
	}
	parts := strings.Split(t.text[1:], "/")
	for i, p := range parts {
		plain, ok := unescape(p)
		if !ok {
			return nil, false
		}
		parts[i] = plain
	}
	return parts, true
}

const upperHex = "0123456789ABCDEF"

func writeEscaped(b *strings.Builder, s string) {
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		if r == '/' || r == '%' || r < ' ' || r == 0x7f || r == utf8.RuneError && size == 1 {
			b.WriteByte('%')
			b.WriteByte(upperHex[s[i]>>4])
			b.WriteByte(upperHex[s[i]&15])
		} else {
			b.WriteString(s[i : i+size])
		}
		i += size
	}
}

func unescape(s string) (string, bool) {
	if !strings.Contains(s, "%") {
		return s, true
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] != '%' {
			b = append(b, s[i])
			continue
		}
		if i+2 >= len(s) {
			return "", false
		}
		high, low := strings.IndexByte(upperHex, s[i+1]), strings.IndexByte(upperHex, s[i+2])
		if high < 0 || low < 0 {
			return "", false
		}
		b = append(b, byte(high<<4|low))
		i += 2
	}
	return string(b), true
}
