package nats

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"strings"

	"github.com/hyperlane-go/hyperlane/broadcast"
)

// longestSubject is how long the subject of a topic may be, without its prefix. NATS takes longer ones, but not any length.
const longestSubject = 512

// topicSubject returns the tokens of a subject that no other topic has: "chat.lobby". Whatever the parts of the topic contain, a token
// has only letters, digits, hyphens, underscores and equals signs: a part cannot become two tokens, nor a wildcard.
func topicSubject(topic broadcast.Topic) string {
	parts := topic.Parts()
	if len(parts) == 0 {
		return "=-" // which is no part
	}
	var b strings.Builder
	for i, part := range parts {
		if i > 0 {
			b.WriteByte('.')
		}
		writeToken(&b, part)
	}
	if b.Len() > longestSubject {
		sum := sha256.Sum256([]byte(topic.String()))
		return "=_" + hex.EncodeToString(sum[:])
	}
	return b.String()
}

// keyToken returns one token for a name that may be long.
func keyToken(name string) string {
	var b strings.Builder
	writeToken(&b, name)
	if b.Len() > longestSubject {
		sum := sha256.Sum256([]byte(name))
		return "=_" + hex.EncodeToString(sum[:])
	}
	return b.String()
}

// writeToken writes part with an equals sign and two hexadecimal digits for each byte that is not plain. An equals sign alone is
// the empty part.
func writeToken(b *strings.Builder, part string) {
	if part == "" {
		b.WriteByte('=')
	}
	const digits = "0123456789ABCDEF"
	for i := range len(part) {
		c := part[i]
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_' {
			b.WriteByte(c)
			continue
		}
		b.WriteByte('=')
		b.WriteByte(digits[c>>4])
		b.WriteByte(digits[c&15])
	}
}

// digest returns a short text that other texts do not have. The parts are kept apart.
func digest(parts ...string) string {
	h := sha256.New()
	for _, part := range parts {
		sum := sha256.Sum256([]byte(part))
		h.Write(sum[:])
	}
	return base32.HexEncoding.WithPadding(base32.NoPadding).EncodeToString(h.Sum(nil)[:15])
}
