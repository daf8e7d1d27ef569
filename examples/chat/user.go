package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/hyperlane-go/hyperlane"
)

// longestName is characters of a user's name.
const longestName = 40

// userCookie keeps the name of an anonymous user, signed, and out of the page's reach: so the server alone says who speaks. A name that the
// page kept and sent along could be anybody's.
const userCookie = "user"

// identify returns who asks. A proxy in front that has signed people in says so in X-User-ID, and must not let that field pass from
// outside, because it is believed. Anybody else is called anonymous_ and eight digits, for as long as the browser keeps the cookie.
func identify(c *hyperlane.Context) (string, error) {
	if names := c.Request.HeaderValues("X-User-ID"); len(names) > 0 {
		if len(names) > 1 || !validName(names[0]) {
			return "", hyperlane.Errorf(http.StatusBadRequest, "X-User-ID is to be one name of 1 to %d visible characters", longestName)
		}
		return names[0], nil
	}
	name, err := c.Request.SignedCookie(userCookie)
	if err == nil {
		return name, nil
	}
	if !errors.Is(err, hyperlane.ErrCookieInvalid) {
		return "", err
	}
	name = fmt.Sprintf("anonymous_%08d", rand.IntN(100_000_000))
	c.Response.SetSignedCookie(&http.Cookie{Name: userCookie, Value: name, Path: "/", MaxAge: 365 * 24 * 60 * 60, HttpOnly: true,
		SameSite: http.SameSiteLaxMode, Secure: c.Request.TLS() != nil})
	return name, nil
}

// validName says whether a user may have this name.
func validName(name string) bool {
	return name != "" && utf8.ValidString(name) && utf8.RuneCountInString(name) <= longestName &&
		!strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsGraphic(r) }) && strings.TrimSpace(name) == name
}
