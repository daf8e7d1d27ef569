package websocket

import (
	"crypto/sha1"
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"

	"github.com/hyperlane-go/hyperlane"
)

// handshake is what the server answers to an opening handshake.
type handshake struct {
	accept, protocol, extension string
	terms                       deflateTerms
}

// accept reads an opening handshake, and says what to answer (RFC 6455 section 4.2). That there is an Upgrade to websocket is for
// Context.Upgrade to see.
func (e *Endpoint) accept(c *hyperlane.Context) (h handshake, err error) {
	r := &c.Request
	if r.Method() != http.MethodGet {
		c.Response.SetHeader("Allow", http.MethodGet)
		return h, hyperlane.Errorf(http.StatusMethodNotAllowed, "a WebSocket begins with GET")
	}
	if !hasToken(r.HeaderValues("Upgrade"), "websocket") {
		c.Response.SetHeader("Upgrade", "websocket")
		return h, hyperlane.Errorf(http.StatusUpgradeRequired, "this resource speaks websocket")
	}
	if v := r.HeaderValues("Sec-WebSocket-Version"); len(v) != 1 || v[0] != "13" {
		// Section 4.4: the answer says which versions there are.
		c.Response.SetHeader("Sec-WebSocket-Version", "13")
		if len(v) > 1 {
			return h, hyperlane.Errorf(http.StatusBadRequest, "more than one Sec-WebSocket-Version")
		}
		c.Response.SetHeader("Upgrade", "websocket") // RFC 9110 section 15.5.22
		return h, hyperlane.Errorf(http.StatusUpgradeRequired, "Sec-WebSocket-Version must be 13")
	}
	keys := r.HeaderValues("Sec-WebSocket-Key")
	if len(keys) != 1 {
		return h, hyperlane.Errorf(http.StatusBadRequest, "there must be one Sec-WebSocket-Key")
	}
	if key, err := base64.StdEncoding.Strict().DecodeString(keys[0]); err != nil || len(key) != 16 {
		return h, hyperlane.Errorf(http.StatusBadRequest, "Sec-WebSocket-Key must be 16 bytes in base64")
	}
	if origins := r.HeaderValues("Origin"); !e.allows(origins, r.Host()) {
		return h, hyperlane.Errorf(http.StatusForbidden, "pages of this origin may not connect")
	}
	h.accept = acceptOf(keys[0])
	if h.protocol, err = e.choose(r.HeaderValues("Sec-WebSocket-Protocol")); err != nil {
		return h, err
	}
	h.terms, h.extension = answerOffers(r.HeaderValues("Sec-WebSocket-Extensions"), e.config.Compression)
	return h, nil
}

// acceptOf is Sec-WebSocket-Accept for a Sec-WebSocket-Key (RFC 6455 section 4.2.2).
func acceptOf(key string) string {
	const guid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
	sum := sha1.Sum(append(append(make([]byte, 0, 64), key...), guid...))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// allows reports whether a page of that origin may connect (RFC 6455 section 10.2): one of the same host, or of one that was named. The
// scheme is not compared, as a proxy may have taken TLS away.
func (e *Endpoint) allows(origins []string, host string) bool {
	if len(origins) == 0 {
		return true
	}
	if len(origins) > 1 {
		return false
	}
	u, err := url.Parse(origins[0])
	if err != nil || u.Host == "" { // "null" too: a page without an origin of its own
		return len(e.config.Origins) == 1 && e.config.Origins[0] == "*"
	}
	if strings.EqualFold(u.Host, host) {
		return true
	}
	for _, allowed := range e.config.Origins {
		parent, below := strings.CutPrefix(allowed, "*.")
		switch {
		case allowed == "*", strings.EqualFold(u.Host, allowed):
			return true
		case below && len(u.Host) > len(parent) && strings.EqualFold(u.Host[len(u.Host)-len(parent)-1:], "."+parent):
			return true
		}
	}
	return false
}

// choose returns the first of the endpoint's subprotocols that the client offers.
func (e *Endpoint) choose(lines []string) (string, error) {
	offered := make(map[string]bool)
	for _, line := range lines {
		for name := range strings.SplitSeq(line, ",") {
			name = strings.Trim(name, " \t")
			if !isToken(name) || offered[name] {
				return "", hyperlane.Errorf(http.StatusBadRequest, "Sec-WebSocket-Protocol holds what is no token, or the same twice")
			}
			offered[name] = true
		}
	}
	for _, name := range e.config.Protocols {
		if offered[name] {
			return name, nil
		}
	}
	return "", nil
}

// hasToken reports whether one of the comma-separated lists has the token.
func hasToken(lines []string, token string) bool {
	for _, line := range lines {
		for part := range strings.SplitSeq(line, ",") {
			if strings.EqualFold(strings.Trim(part, " \t"), token) {
				return true
			}
		}
	}
	return false
}

// isToken reports whether s is a token (RFC 9110 section 5.6.2).
func isToken(s string) bool {
	for _, c := range []byte(s) {
		if c <= ' ' || c >= 0x7f || strings.IndexByte(`"(),/:;<=>?@[\]{}`, c) >= 0 {
			return false
		}
	}
	return s != ""
}
