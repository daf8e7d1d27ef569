package websocket

import (
	"strconv"
	"strings"
)

// deflateTerms is what two ends have agreed on for permessage-deflate (RFC 7692 section 7.1). The zero value: not to use it.
type deflateTerms struct {
	on bool

	serverNoContext, clientNoContext bool // each message begins with an empty window
	serverWindow, clientWindow       int8 // bits: 8 to 15; 0 says nothing, which is 15
}

// compresses and expands are the terms for the messages that one end sends, and for those that it gets.

func (d deflateTerms) compresses(server bool) (window int, context bool) {
	if server {
		return d.window(d.serverWindow), !d.serverNoContext
	}
	return d.window(d.clientWindow), !d.clientNoContext
}

func (d deflateTerms) expands(server bool) (window int, context bool) { return d.compresses(!server) }

func (deflateTerms) window(bits int8) int {
	if bits == 0 {
		return 15
	}
	return int(bits)
}

const deflateName = "permessage-deflate"

// answerOffers chooses among the offers of a client, in its order of preference: the first that is well-formed and acceptable. An offer
// that has a parameter which is unknown, doubled or out of range is declined, the others are looked at (RFC 7692 section 5.1 and 7).
// The config has its defaults.
func answerOffers(offers []string, config Compression) (deflateTerms, string) {
	if config.Off {
		return deflateTerms{}, ""
	}
	for _, line := range offers {
		for offer := range splitQuoted(line, ',') {
			terms, ok := parseDeflate(offer, true)
			if !ok {
				continue
			}
			if !config.ContextTakeover {
				// Without a context there is nothing to be remembered of a connection that says nothing.
				terms.serverNoContext, terms.clientNoContext = true, true
			}
			// Section 7.1.2.1: who was given a limit answers with one.
			if own := int8(config.WindowBits); terms.serverWindow == 0 && own < 15 || terms.serverWindow > own {
				terms.serverWindow = own
			}
			// What the client may limit itself to is nothing we need to know: any window can be expanded. Its own limit is its own.
			terms.clientWindow = 0
			return terms, terms.String()
		}
	}
	return deflateTerms{}, ""
}

// String returns the extension as it goes over the wire.
func (d deflateTerms) String() string {
	var b strings.Builder
	b.WriteString(deflateName)
	if d.serverNoContext {
		b.WriteString("; server_no_context_takeover")
	}
	if d.clientNoContext {
		b.WriteString("; client_no_context_takeover")
	}
	if d.serverWindow != 0 {
		b.WriteString("; server_max_window_bits=" + strconv.Itoa(int(d.serverWindow)))
	}
	if d.clientWindow != 0 {
		b.WriteString("; client_max_window_bits=" + strconv.Itoa(int(d.clientWindow)))
	}
	return b.String()
}

// parseDeflate reads one extension with its parameters. An offer may have client_max_window_bits without a value, an answer must have one
// (RFC 7692 section 7.1.2.2).
func parseDeflate(text string, offer bool) (d deflateTerms, ok bool) {
	first := true
	seen := make(map[string]bool)
	for part := range splitQuoted(text, ';') {
		name, value, hasValue := strings.Cut(part, "=")
		name, value = strings.Trim(name, " \t"), unquote(strings.Trim(value, " \t"))
		if first {
			if !strings.EqualFold(name, deflateName) || hasValue {
				return d, false
			}
			first = false
			continue
		}
		name = strings.ToLower(name)
		if seen[name] {
			return d, false
		}
		seen[name] = true
		switch name {
		case "server_no_context_takeover":
			d.serverNoContext, ok = true, !hasValue
		case "client_no_context_takeover":
			d.clientNoContext, ok = true, !hasValue
		case "server_max_window_bits":
			d.serverWindow, ok = parseWindow(value)
		case "client_max_window_bits":
			if ok = offer && !hasValue; !ok {
				d.clientWindow, ok = parseWindow(value)
			}
		default:
			ok = false
		}
		if !ok {
			return d, false
		}
	}
	d.on = !first
	return d, !first
}

// parseWindow reads 8 to 15, without leading zeros (RFC 7692 section 7.1.2.1).
func parseWindow(s string) (bits int8, ok bool) {
	n, err := strconv.Atoi(s)
	if ok = err == nil && n >= 8 && n <= 15 && strconv.Itoa(n) == s; ok {
		bits = int8(n)
	}
	return bits, ok
}

// splitQuoted yields the parts of s between separators that are not inside quotes.
func splitQuoted(s string, separator byte) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		quoted, start := false, 0
		for i := 0; i <= len(s); i++ {
			switch {
			case i == len(s) || s[i] == separator && !quoted:
				if !yield(s[start:i]) {
					return
				}
				start = i + 1
			case s[i] == '"':
				quoted = !quoted
			case s[i] == '\\' && quoted && i+1 < len(s):
				i++
			}
		}
	}
}

// unquote returns what a quoted string says; anything else says itself. A value that is quoted must be a token inside (RFC 6455 section
// 9.1), so there is nothing escaped in it that is of use.
func unquote(s string) string {
	if len(s) >= 2 && s[0] == '"' && s[len(s)-1] == '"' {
		return s[1 : len(s)-1]
	}
	return s
}
