package hyperlane

import (
	"bytes"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/hyperlane-go/hyperlane/internal/http1"
)

func TestSealedCookiesComeBackOrAreRefused(t *testing.T) {
	s := newBindServer(t, Config{CookieKeys: [][]byte{newKey}}, func(s *Server) {
		s.Get("/set", func(c *Context) error {
			c.Response.SetSignedCookie(&http.Cookie{Name: "s", Value: "signed value"}).
				SetEncryptedCookie(&http.Cookie{Name: "e", Value: "secret value", Path: "/"})
			return nil
		})
		s.Get("/too-long", func(c *Context) error {
			c.Response.SetEncryptedCookie(&http.Cookie{Name: "e", Value: strings.Repeat("x", 4096)})
			return nil
		})
		s.Get("/get", func(c *Context) error {
			signed, errS := c.Request.SignedCookie("s")
			encrypted, errE := c.Request.EncryptedCookie("e")
			for _, err := range []error{errS, errE} {
				if err != nil && !errors.Is(err, ErrCookieInvalid) {
					t.Errorf("%v is not ErrCookieInvalid", err)
				}
			}
			if errS != nil {
				return errS
			}
			if errE != nil {
				return errE
			}
			return c.Text(signed + ", " + encrypted)
		})
	})
	s.each(t, func(t *testing.T, ask func(*http.Request) *http.Response) {
		answer := ask(httptest.NewRequest("GET", "/set", nil))
		read(t, answer)
		var s, e string
		for _, cookie := range answer.Cookies() {
			if cookie.Name == "s" {
				s = cookie.Value
			} else {
				e = cookie.Value
			}
			if strings.Contains(cookie.Value, "value") {
				t.Errorf("not sealed: %v", cookie)
			}
		}
		tests := []struct {
			name, cookies string
			status        int
		}{
			{"both", "s=" + s + "; e=" + e, 200},
			{"one made by a neighbour in front", "s=junk; s=" + s + "; e=x; e=" + e, 200},
			{"none", "", 400},
			{"changed", "s=" + s + "; e=A" + e[1:], 400},
			{"one for the other", "s=" + e + "; e=" + s, 400},
			{"not sealed", "s=signed value; e=x", 400},
		}
		for _, tt := range tests {
			r := httptest.NewRequest("GET", "/get", nil)
			if tt.cookies != "" {
				r.Header.Set("Cookie", tt.cookies)
			}
			answer := ask(r)
			body := read(t, answer)
			if answer.StatusCode != tt.status || tt.status == 200 && body != "signed value, secret value" {
				t.Errorf("%s: %d %s, want %d", tt.name, answer.StatusCode, body, tt.status)
			}
		}
		if answer := ask(httptest.NewRequest("GET", "/too-long", nil)); answer.StatusCode != 500 {
			t.Errorf("a cookie that is too long: %d, want 500", answer.StatusCode)
		}
	})
}

func TestSealedCookiesNeedKeys(t *testing.T) {
	s := newBindServer(t, Config{}, func(s *Server) {
		s.Get("/set", func(c *Context) error {
			c.Response.SetSignedCookie(&http.Cookie{Name: "s", Value: "v"})
			return nil
		})
		s.Get("/get", func(c *Context) error { _, err := c.Request.EncryptedCookie("s"); return err })
	})
	for _, path := range []string{"/set", "/get"} {
		s.log.Reset()
		answer := s.ask["bridge"](httptest.NewRequest("GET", path, nil))
		if answer.StatusCode != 500 || !strings.Contains(s.log.String(), "Config.CookieKeys") || answer.Header.Get("Set-Cookie") != "" {
			t.Errorf("%s: %d, %v, log: %s", path, answer.StatusCode, answer.Header, s.log.String())
		}
	}
}

// FuzzCookie holds that a cookie that net/http finds is the one we find, that no invented one is trusted, and that a true one is found
// behind any others.
func FuzzCookie(f *testing.F) {
	f.Add("a=1; b=2; s=x", "a")
	f.Add(`a="q"; a=2;;=; s`, "a")
	f.Add(" s = AAAA ;\ts=;s=\"\"", "s")
	server := New(Config{CookieKeys: [][]byte{bytes.Repeat([]byte("k"), 32)}})
	f.Fuzz(func(t *testing.T, line, name string) {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header["Cookie"] = []string{line}
		c := requestTo(t, r, server)
		value, found := c.Request.Cookie(name)
		std, err := r.Cookie(name)
		// net/http takes a name without "=" for a cookie, space before it for nothing, and of a doubled name the first that is valid.
		// It trims control characters around a name, too; a head that has such is refused.
		if err == nil && http1.ValidValue(line) && strings.Contains(line, "=") && !strings.ContainsAny(line, "; \t") && (!found || value != std.Value) {
			t.Errorf("%q: %q is %q, %v; net/http has %q", line, name, value, found, std.Value)
		}
		if v, err := c.Request.SignedCookie("s"); err == nil {
			t.Errorf("%q is trusted: %q", line, v)
		}
		if v, err := c.Request.EncryptedCookie("s"); err == nil {
			t.Errorf("%q is trusted: %q", line, v)
		}
		sealed, err := server.sealer.Encrypt(&http.Cookie{Name: "s", Value: name})
		if err != nil {
			return // too long
		}
		r.Header["Cookie"] = []string{line, "s=" + sealed.Value}
		c = requestTo(t, r, server)
		if v, err := c.Request.EncryptedCookie("s"); err != nil && len(line) < 1000 || err == nil && v != name {
			t.Errorf("behind %q: %q, %v", line, v, err)
		}
	})
}
