package hyperlane

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strings"
	"time"
)

// ErrCookieInvalid is wrapped by what Verify and Decrypt return for a value that they do not vouch for: missing, forged,
// damaged, of another cookie, of a key that was retired, or expired. The text around it says which, for the log.
var ErrCookieInvalid = errors.New("cookie is invalid")

// CookieSealer signs and encrypts the values of cookies, so that a client can return them but not make them up. Its methods
// may be called from any goroutine.
//
// A sealed value is bound to the cookie's name: it opens as no other cookie. If the cookie has a MaxAge or an Expires, that
// moment is sealed in, so a copy that was stolen ends when the cookie does, whatever the client's clock says. A cookie without
// either is good for as long as its key is. A signed value never opens as an encrypted one, nor the reverse.
type CookieSealer struct {
	keys []cookieKey // newest first
	now  func() time.Time
}

// cookieKey is what one secret is made into; each purpose has a key of its own.
type cookieKey struct {
	sign []byte
	aead cipher.AEAD // takes a random nonce by itself, and puts it in front
}

const (
	minCookieKey = 32   // bytes of a secret
	maxCookie    = 4096 // bytes of a cookie that every browser keeps (RFC 6265 section 6.1)
)

// NewCookieSealer returns a sealer that seals with the first key and opens with each of them. To rotate, put a new key before
// the others, and drop the last when the cookies that it sealed may end. A key is at least 32 random bytes, the same on every
// node that serves the same clients. Encryption takes a random nonce of 96 bits, so a key is to be rotated before it has
// encrypted four thousand million cookies.
//
// The error names every key that is too short or there twice. The keys may be changed after the call.
func NewCookieSealer(keys ...[]byte) (*CookieSealer, error) {
	if err := checkCookieKeys(keys); err != nil {
		return nil, err
	}
	s := &CookieSealer{now: time.Now}
	for _, secret := range keys {
		key, err := newCookieKey(secret)
		if err != nil {
			return nil, fmt.Errorf("hyperlane: cookie key: %w", err)
		}
		s.keys = append(s.keys, key)
	}
	return s, nil
}

// Sign returns a copy of c whose value carries a signature (HMAC-SHA256). The client can read the value, but not change it.
// The error says that the name or another part of c cannot be sent, or that the cookie is longer than the 4096 bytes that
// every browser keeps.
func (s *CookieSealer) Sign(c *http.Cookie) (*http.Cookie, error) {
	content := s.content(c)
	return sealed(c, append(s.keys[0].mac(c.Name, content), content...))
}

// Verify returns the value that Sign was given. The error wraps [ErrCookieInvalid]. A nil c counts as missing.
func (s *CookieSealer) Verify(c *http.Cookie) (string, error) {
	return s.open(c, func(key cookieKey, raw []byte) ([]byte, bool) {
		if len(raw) < sha256.Size {
			return nil, false
		}
		mac, content := raw[:sha256.Size], raw[sha256.Size:]
		return content, hmac.Equal(mac, key.mac(c.Name, content)) // in constant time
	})
}

// Encrypt returns a copy of c whose value is encrypted (AES-256-GCM): the client can neither read nor change it. It can see
// how long the value is. The errors are those of Sign.
func (s *CookieSealer) Encrypt(c *http.Cookie) (*http.Cookie, error) {
	return sealed(c, s.keys[0].aead.Seal(nil, nil, s.content(c), []byte(c.Name)))
}

// Decrypt returns the value that Encrypt was given. The error wraps [ErrCookieInvalid]. A nil c counts as missing.
func (s *CookieSealer) Decrypt(c *http.Cookie) (string, error) {
	return s.open(c, func(key cookieKey, raw []byte) ([]byte, bool) {
		content, err := key.aead.Open(nil, nil, raw, []byte(c.Name))
		return content, err == nil
	})
}

// checkCookieKeys never shows a key.
func checkCookieKeys(keys [][]byte) error {
	if len(keys) == 0 {
		return errors.New("hyperlane: no cookie key")
	}
	var errs []error
	for i, key := range keys {
		if len(key) < minCookieKey {
			errs = append(errs, fmt.Errorf("hyperlane: cookie key %d has %d bytes, want at least %d", i, len(key), minCookieKey))
		}
		same := func(other []byte) bool { return hmac.Equal(key, other) }
		if first := slices.IndexFunc(keys, same); first < i {
			errs = append(errs, fmt.Errorf("hyperlane: cookie key %d is the same as key %d", i, first))
		}
	}
	return errors.Join(errs...)
}

func newCookieKey(secret []byte) (key cookieKey, err error) {
	if key.sign, err = hkdf.Key(sha256.New, secret, nil, "hyperlane cookie sign 1", 32); err != nil {
		return cookieKey{}, err
	}
	encrypt, err := hkdf.Key(sha256.New, secret, nil, "hyperlane cookie encrypt 1", 32)
	if err != nil {
		return cookieKey{}, err
	}
	block, err := aes.NewCipher(encrypt)
	if err != nil {
		return cookieKey{}, err
	}
	key.aead, err = cipher.NewGCMWithRandomNonce(block)
	return key, err
}

// mac signs name and content. The length of the name keeps "a" and "bc" apart from "ab" and "c".
func (k cookieKey) mac(name string, content []byte) []byte {
	h := hmac.New(sha256.New, k.sign)
	h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(name))))
	h.Write([]byte(name))
	h.Write(content)
	return h.Sum(nil)
}

// content returns what is sealed: eight bytes that say when the cookie ends, in seconds since 1970, and the value.
func (s *CookieSealer) content(c *http.Cookie) []byte {
	end := int64(math.MaxInt64)
	switch now := s.now().Unix(); {
	case c.MaxAge < 0: // net/http's way to delete a cookie
		end = now
	case c.MaxAge > 0: // MaxAge comes first (RFC 6265 section 5.3)
		end = now + min(int64(c.MaxAge), math.MaxInt64-now)
	case !c.Expires.IsZero():
		end = c.Expires.Unix()
	}
	return append(binary.BigEndian.AppendUint64(nil, uint64(end)), c.Value...)
}

// sealed returns c with raw for its value.
func sealed(c *http.Cookie, raw []byte) (*http.Cookie, error) {
	out := *c
	out.Unparsed = slices.Clone(c.Unparsed)
	out.Quoted = false
	out.Value = cookieText.EncodeToString(raw)
	if err := out.Valid(); err != nil {
		return nil, fmt.Errorf("hyperlane: failed to seal cookie %q: %w", c.Name, err)
	}
	if n := len(out.String()); n > maxCookie {
		return nil, fmt.Errorf("hyperlane: failed to seal cookie %q: it has %d bytes, want at most %d", c.Name, n, maxCookie)
	}
	return &out, nil
}

// cookieText is strict, so that one sealed value has one text only.
var cookieText = base64.RawURLEncoding.Strict()

// open returns the value in c, if unseal agrees with one of the keys and the cookie has not ended.
func (s *CookieSealer) open(c *http.Cookie, unseal func(cookieKey, []byte) ([]byte, bool)) (string, error) {
	if c == nil {
		return "", fmt.Errorf("hyperlane: %w: missing", ErrCookieInvalid)
	}
	invalid := func(why string) (string, error) {
		return "", fmt.Errorf("hyperlane: %w: %q: %s", ErrCookieInvalid, abridge(c.Name), why)
	}
	if len(c.Value) > maxCookie || strings.ContainsAny(c.Value, "\r\n") { // which the decoder would skip
		return invalid("not a sealed value")
	}
	raw, err := cookieText.DecodeString(c.Value)
	if err != nil {
		return invalid("not a sealed value")
	}
	for _, key := range s.keys {
		content, ok := unseal(key, raw)
		if !ok || len(content) < 8 {
			continue
		}
		if end := int64(binary.BigEndian.Uint64(content)); s.now().Unix() >= end {
			return invalid("expired")
		}
		return string(content[8:]), nil
	}
	return invalid("no key opens it")
}
