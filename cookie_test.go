package hyperlane

import (
	"bytes"
	"encoding/base64"
	"errors"
	"math"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

var (
	oldKey = bytes.Repeat([]byte("o"), 32)
	newKey = bytes.Repeat([]byte("n"), 48)
)

// sealWay is one of the two ways to seal, for tests that hold for both.
type sealWay struct {
	name string
	seal func(*CookieSealer, *http.Cookie) (*http.Cookie, error)
	open func(*CookieSealer, *http.Cookie) (string, error)
}

var sealWays = []sealWay{
	{"signed", (*CookieSealer).Sign, (*CookieSealer).Verify},
	{"encrypted", (*CookieSealer).Encrypt, (*CookieSealer).Decrypt},
}

func eachWay(t *testing.T, test func(t *testing.T, way sealWay)) {
	for _, way := range sealWays {
		t.Run(way.name, func(t *testing.T) { test(t, way) })
	}
}

// newTestSealer returns a sealer whose clock stands at now, which the caller may move.
func newTestSealer(t testing.TB, now *time.Time, keys ...[]byte) *CookieSealer {
	t.Helper()
	s, err := NewCookieSealer(keys...)
	if err != nil {
		t.Fatal(err)
	}
	s.now = func() time.Time { return *now }
	return s
}

func mustSeal(t testing.TB, way sealWay, s *CookieSealer, c *http.Cookie) *http.Cookie {
	t.Helper()
	out, err := way.seal(s, c)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func wantInvalid(t *testing.T, way sealWay, s *CookieSealer, c *http.Cookie, why string) {
	t.Helper()
	value, err := way.open(s, c)
	if value != "" || !errors.Is(err, ErrCookieInvalid) || !strings.Contains(err.Error(), why) {
		t.Errorf("got %q and error %v, want ErrCookieInvalid with %q", value, err, why)
	}
}

func TestASealedCookieOpensToWhatWasSealed(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	eachWay(t, func(t *testing.T, way sealWay) {
		s := newTestSealer(t, &now, newKey)
		for _, value := range []string{"", "42", `"; \ ü` + "\x00\r\n", strings.Repeat("x", 2900)} {
			in := &http.Cookie{Name: "id", Value: value, Quoted: true, Path: "/", HttpOnly: true, Secure: true, SameSite: http.SameSiteLaxMode}
			sealed := mustSeal(t, way, s, in)
			if in.Value != value {
				t.Error("sealing changed the cookie that it was given")
			}
			if !sealed.HttpOnly || !sealed.Secure || sealed.Path != "/" || sealed.SameSite != http.SameSiteLaxMode {
				t.Errorf("sealing lost an attribute: %v", sealed)
			}
			header, err := http.ParseSetCookie(sealed.String()) // as a browser has it
			if err != nil {
				t.Fatal(err)
			}
			if got, err := way.open(s, header); err != nil || got != value {
				t.Errorf("got %q and error %v, want %q", got, err, value)
			}
		}
	})
}

func TestAnEncryptedCookieHidesItsValueAndNeverRepeats(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	s := newTestSealer(t, &now, newKey)
	c := &http.Cookie{Name: "id", Value: "open secret"}
	one, two := mustSeal(t, sealWays[1], s, c), mustSeal(t, sealWays[1], s, c)
	if one.Value == two.Value {
		t.Error("two encryptions of one value are the same")
	}
	raw, err := base64.RawURLEncoding.DecodeString(one.Value)
	if err != nil || bytes.Contains(raw, []byte("open secret")) {
		t.Errorf("the value shows in %q (error %v)", raw, err)
	}
}

func TestASealedValueOpensOnlyUnderItsOwnNameAndWay(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	eachWay(t, func(t *testing.T, way sealWay) {
		s := newTestSealer(t, &now, newKey)
		sealed := mustSeal(t, way, s, &http.Cookie{Name: "user", Value: "1"})
		for _, name := range []string{"admin", "use", "userr", "User", ""} {
			wantInvalid(t, way, s, &http.Cookie{Name: name, Value: sealed.Value}, "no key opens it")
		}
		other := sealWays[0]
		if way.name == other.name {
			other = sealWays[1]
		}
		wantInvalid(t, other, s, sealed, "no key opens it")
	})
}

func TestAnyChangeOfASealedValueIsFound(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	eachWay(t, func(t *testing.T, way sealWay) {
		s := newTestSealer(t, &now, newKey)
		sealed := mustSeal(t, way, s, &http.Cookie{Name: "id", Value: "v"})
		const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_+/=\n %"
		for i := range len(sealed.Value) {
			for _, b := range []byte(alphabet) { // the last character has bits that a lax decoder would not look at
				if sealed.Value[i] == b {
					continue
				}
				changed := []byte(sealed.Value)
				changed[i] = b
				wantInvalid(t, way, s, &http.Cookie{Name: "id", Value: string(changed)}, "")
			}
			wantInvalid(t, way, s, &http.Cookie{Name: "id", Value: sealed.Value[:i]}, "")
		}
		for _, tail := range []string{"A", "AAAA", "=", "\n", "\r\n", " "} {
			wantInvalid(t, way, s, &http.Cookie{Name: "id", Value: sealed.Value + tail}, "")
		}
		wantInvalid(t, way, s, &http.Cookie{Name: "id", Value: strings.Repeat("A", 5000)}, "not a sealed value")
		wantInvalid(t, way, s, nil, "missing")
	})
}

func TestASealThatIsRightAroundNothingIsInvalid(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	s := newTestSealer(t, &now, newKey)
	for i, raw := range [][]byte{s.keys[0].mac("id", nil), s.keys[0].aead.Seal(nil, nil, []byte("7 bytes"), []byte("id"))} {
		wantInvalid(t, sealWays[i], s, &http.Cookie{Name: "id", Value: cookieText.EncodeToString(raw)}, "no key opens it")
	}
}

// What an earlier release has sealed must open for as long as its key is in use, so these texts never change.
func TestCookiesOfEarlierReleasesOpen(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	s := newTestSealer(t, &now, oldKey)
	for i, text := range []string{
		"ovBt7R4phNVxDcpzXhLNiaw5tizyedFg0aNsmznFfAIAAAAAq0nSAGFuIG9sZCB2YWx1ZQ",
		"maqhqfIN2hHJAdEA1DcHOssO96sTglHyoGTUkUJzAczhZd9oLziT04qhhsm9Twta",
	} {
		got, err := sealWays[i].open(s, &http.Cookie{Name: "id", Value: text})
		if err != nil || got != "an old value" {
			t.Errorf("%s: got %q and error %v, want %q", sealWays[i].name, got, err, "an old value")
		}
	}
}

func TestASealedCookieEndsWhenItsCookieDoes(t *testing.T) {
	start := time.Unix(1_800_000_000, 0)
	tests := []struct {
		name    string
		maxAge  int
		expires time.Time
		good    time.Duration // after which it still opens; negative: never
		bad     time.Duration // after which it does not; 0: it opens for ever
	}{
		{"neither", 0, time.Time{}, 1e6 * time.Hour, 0},
		{"max age", 60, time.Time{}, 59 * time.Second, 60 * time.Second},
		{"expires", 0, start.Add(time.Hour), time.Hour - time.Second, time.Hour},
		{"max age goes before expires", 60, start.Add(time.Hour), 59 * time.Second, 60 * time.Second},
		{"a deletion by max age", -1, start.Add(time.Hour), -1, time.Nanosecond},
		{"a deletion by expires", 0, time.Unix(0, 0), -1, time.Nanosecond},
		{"a max age of centuries", math.MaxInt, time.Time{}, 1e5 * time.Hour, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			eachWay(t, func(t *testing.T, way sealWay) {
				now := start
				s := newTestSealer(t, &now, newKey)
				sealed := mustSeal(t, way, s, &http.Cookie{Name: "id", Value: "v", MaxAge: test.maxAge, Expires: test.expires})
				if now = start.Add(test.good); test.good >= 0 {
					if got, err := way.open(s, sealed); err != nil || got != "v" {
						t.Errorf("after %v: got %q and error %v, want v", test.good, got, err)
					}
				}
				if now = start.Add(test.bad); test.bad > 0 {
					wantInvalid(t, way, s, sealed, "expired")
				}
			})
		})
	}
}

func TestKeysRotateWithoutLosingCookies(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	eachWay(t, func(t *testing.T, way sealWay) {
		before, during, after := newTestSealer(t, &now, oldKey), newTestSealer(t, &now, newKey, oldKey), newTestSealer(t, &now, newKey)
		c := &http.Cookie{Name: "id", Value: "v"}
		if got, err := way.open(during, mustSeal(t, way, before, c)); err != nil || got != "v" {
			t.Errorf("the old key's cookie: got %q and error %v, want v", got, err)
		}
		if got, err := way.open(after, mustSeal(t, way, during, c)); err != nil || got != "v" {
			t.Errorf("the newest key must seal: got %q and error %v, want v", got, err)
		}
		wantInvalid(t, way, after, mustSeal(t, way, before, c), "no key opens it")
	})
}

func TestNewCookieSealerNamesEveryBadKeyButShowsNone(t *testing.T) {
	tests := []struct {
		name string
		keys [][]byte
		want []string
	}{
		{"none", nil, []string{"no cookie key"}},
		{"short ones", [][]byte{oldKey, oldKey[:31], nil}, []string{"key 1 has 31 bytes, want at least 32", "key 2 has 0 bytes"}},
		{"the same twice", [][]byte{newKey, oldKey, newKey}, []string{"key 2 is the same as key 0"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s, err := NewCookieSealer(test.keys...)
			for _, want := range test.want {
				if s != nil || err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "ooo") {
					t.Errorf("got %v and error %v, want %q", s, err, want)
				}
			}
		})
	}
}

func TestTheSealerKeepsItsOwnCopyOfTheKeys(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	eachWay(t, func(t *testing.T, way sealWay) {
		key := bytes.Clone(newKey)
		s := newTestSealer(t, &now, key)
		clear(key)
		sealed := mustSeal(t, way, s, &http.Cookie{Name: "id", Value: "v"})
		if got, err := way.open(newTestSealer(t, &now, newKey), sealed); err != nil || got != "v" {
			t.Errorf("got %q and error %v, want v", got, err)
		}
	})
}

func TestACookieThatBrowsersWouldDropIsNotSealed(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	tests := []struct {
		cookie http.Cookie
		want   string
	}{
		{http.Cookie{Name: "id", Value: strings.Repeat("x", 3100)}, "want at most 4096"},
		{http.Cookie{Name: "id", Path: "/" + strings.Repeat("p", 4090)}, "want at most 4096"},
		{http.Cookie{Name: "a b"}, "invalid Cookie.Name"},
		{http.Cookie{Name: "id", Path: "/;"}, "invalid byte"},
	}
	eachWay(t, func(t *testing.T, way sealWay) {
		s := newTestSealer(t, &now, newKey)
		for _, test := range tests {
			if got, err := way.seal(s, &test.cookie); got != nil || err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v and error %v, want %q", got, err, test.want)
			}
		}
	})
}

func TestASealerServesManyGoroutines(t *testing.T) {
	s, err := NewCookieSealer(newKey, oldKey)
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	for range 8 {
		for _, way := range sealWays {
			group.Go(func() {
				for range 50 {
					c, err := way.seal(s, &http.Cookie{Name: "id", Value: "v", MaxAge: 600})
					if err != nil {
						t.Error(err)
						return
					}
					if got, err := way.open(s, c); err != nil || got != "v" {
						t.Errorf("got %q and error %v, want v", got, err)
					}
				}
			})
		}
	}
	group.Wait()
}

// FuzzSealedCookie opens arbitrary values: none may panic, and only what the sealer made may open.
func FuzzSealedCookie(f *testing.F) {
	now := time.Unix(1_800_000_000, 0)
	s := newTestSealer(f, &now, newKey, oldKey)
	made := make(map[string]bool)
	for _, way := range sealWays {
		for _, value := range []string{"", "v", strings.Repeat("long ", 100)} {
			c := mustSeal(f, way, s, &http.Cookie{Name: "id", Value: value})
			made[c.Value] = true
			f.Add("id", c.Value)
			f.Add("other", c.Value)
		}
	}
	f.Add("id", "")
	f.Add("id", "!")
	f.Add("", strings.Repeat("A", 54)) // 40 bytes: a signature and an end, without a value
	f.Fuzz(func(t *testing.T, name, value string) {
		for _, way := range sealWays {
			got, err := way.open(s, &http.Cookie{Name: name, Value: value})
			if (err == nil) == errors.Is(err, ErrCookieInvalid) || err != nil && got != "" {
				t.Errorf("%s: got %q and error %v", way.name, got, err)
			}
			// A worker that fuzzes encrypts its own seeds anew, so only signatures, which do not differ, are compared.
			if err == nil && way.name == "signed" && (!made[value] || name != "id") {
				t.Errorf("the forged cookie %q = %q opened to %q", name, value, got)
			}
		}
	})
}
