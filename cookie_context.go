package hyperlane

import (
	"errors"
	"net/http"
)

// SetSignedCookie adds a Set-Cookie field whose value the client can read, but not change; see [CookieSealer] and Request.SignedCookie.
// Without Config.CookieKeys, and for a cookie that cannot be sent, it is refused as a bad header is.
func (r *Response) SetSignedCookie(cookie *http.Cookie) *Response {
	return r.setSealed(cookie, (*CookieSealer).Sign)
}

// SetEncryptedCookie adds a Set-Cookie field whose value the client can neither read nor change; see Request.EncryptedCookie. It is
// refused where SetSignedCookie is.
func (r *Response) SetEncryptedCookie(cookie *http.Cookie) *Response {
	return r.setSealed(cookie, (*CookieSealer).Encrypt)
}

// SignedCookie returns the value of a cookie that SetSignedCookie has set. The error is an [Error] with status 400 that wraps
// [ErrCookieInvalid] if the cookie is missing or not to be trusted. Of several cookies with that name, which a neighbouring domain can
// bring about, the first that is to be trusted counts.
func (r *Request) SignedCookie(name string) (string, error) {
	return r.openSealed(name, (*CookieSealer).Verify)
}

// EncryptedCookie returns the value of a cookie that SetEncryptedCookie has set. The errors are those of SignedCookie.
func (r *Request) EncryptedCookie(name string) (string, error) {
	return r.openSealed(name, (*CookieSealer).Decrypt)
}

var errNoCookieKeys = errors.New("hyperlane: signed and encrypted cookies need Config.CookieKeys")

func (r *Response) setSealed(cookie *http.Cookie, seal func(*CookieSealer, *http.Cookie) (*http.Cookie, error)) *Response {
	r.c.inUse()
	if r.c.server.sealer == nil {
		r.misuse(errNoCookieKeys)
		return r
	}
	sealed, err := seal(r.c.server.sealer, cookie)
	if err != nil {
		r.misuse(err)
		return r
	}
	return r.SetCookie(sealed)
}

func (r *Request) openSealed(name string, open func(*CookieSealer, *http.Cookie) (string, error)) (string, error) {
	r.c.inUse()
	s := r.c.server.sealer
	if s == nil {
		return "", errNoCookieKeys
	}
	_, err := open(s, nil) // what is said of a missing cookie
	for _, cookie := range r.Cookies() {
		if cookie.Name != name {
			continue
		}
		value, failed := open(s, cookie)
		if failed == nil {
			return value, nil
		}
		err = failed
	}
	return "", &Error{Status: http.StatusBadRequest, Detail: "cookie " + name + " is missing or not valid", Cause: err}
}
