package http1

import (
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
)

func TestTokensAreMembersOnlyAsAWhole(t *testing.T) {
	for _, tt := range []struct {
		list, token string
		want        bool
	}{
		{"close", "close", true},
		{"Close", "close", true},
		{" keep-alive ,\tclose\t", "close", true},
		{",,close", "close", true},
		{"close,", "close", true},
		{"closed", "close", false},
		{"not-close", "close", false},
		{"close x", "close", false},
		{"clo,se", "close", false},
		{"", "close", false},
		{",", "close", false},
	} {
		if got := HasToken([]byte(tt.list), tt.token); got != tt.want {
			t.Errorf("HasToken(%q, %q) = %t, want %t", tt.list, tt.token, got, tt.want)
		}
	}
}

func TestOnlyTheCaseOfASCIILettersIsFolded(t *testing.T) {
	for a := range 256 {
		for b := range 256 {
			want := a == b || a < 0x80 && b < 0x80 && strings.EqualFold(string(rune(a)), string(rune(b)))
			if got := EqualFold([]byte{byte(a)}, string([]byte{byte(b)})); got != want {
				t.Errorf("%#x and %#x: got %t, want %t", a, b, got, want)
			}
		}
	}
	if EqualFold([]byte("\u212a"), "k") || EqualFold([]byte("ab"), "a") {
		t.Error("texts of different length are equal")
	}
}

func TestEveryByteIsJudgedAtEveryPlaceOfAValue(t *testing.T) {
	for size := range 27 {
		for at := range size {
			for c := range 256 {
				line := []byte("N:" + strings.Repeat("v", size))
				line[2+at] = byte(c)
				want := c == '\t' || c >= ' ' && c != 0x7f
				if got := isText(line, 2); got != want {
					t.Fatalf("byte %#x at %d of %d: got %t, want %t", c, at, size, got, want)
				}
				line[2+(at+size/2)%size] = '\t' // a tab makes the scan slow, not wrong
				if got := isText(line, 2); got != want && line[2+at] == byte(c) {
					t.Fatalf("byte %#x at %d of %d, beside a tab: got %t, want %t", c, at, size, got, want)
				}
			}
		}
	}
}

func TestIPv6AddressesAreThoseOfNetip(t *testing.T) {
	known := []string{"::", "::1", "1::", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7::", "::2:3:4:5:6:7:8", "1::8:", ":1", "1", "", ":", ":::", "::ffff:1.2.3.4",
		"1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:7:1.2.3.4", "::1.2.3", "::1.2.3.256", "::1.2.3.04", "::1.2.3.4:5", "12345::", "1::2::3", "fe80::1%eth0", "::g"}
	random := rand.New(rand.NewPCG(1, 2))
	for range 200_000 {
		b := make([]byte, random.IntN(20))
		for i := range b {
			b[i] = "::::0fa.1"[random.IntN(9)]
		}
		known = append(known, string(b))
	}
	for _, s := range known {
		addr, err := netip.ParseAddr(s)
		want := err == nil && addr.Is6() && addr.Zone() == ""
		if got := isIPv6([]byte(s)); got != want {
			t.Errorf("%q: got %t, want %t", s, got, want)
		}
	}
}
