package hyperlane_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/hyperlane-go/hyperlane"
	"github.com/hyperlane-go/hyperlane/hyperlanetest"
)

// Anybody can write X-Forwarded-For. What stands in it counts only as far as it was written by a proxy that is trusted.
func TestNoProxyIsTrustedUnlessConfigured(t *testing.T) {
	trusted := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("2001:db8::/32")}
	for _, test := range []struct {
		name    string
		trusted []netip.Prefix
		fields  string // of the request
		want    string
	}{
		{"nobody is trusted", nil, "X-Forwarded-For: 192.0.2.7\r\n", "127.0.0.1"},
		{"nor for any other field", nil, "X-Real-IP: 192.0.2.7\r\nTrue-Client-IP: 192.0.2.7\r\nForwarded: for=192.0.2.7\r\nCF-Connecting-IP: 192.0.2.7\r\n", "127.0.0.1"},
		{"somebody else is trusted", []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, "X-Forwarded-For: 10.0.0.1\r\n", "127.0.0.1"},
		{"the proxy is trusted", trusted, "X-Forwarded-For: 192.0.2.7\r\n", "192.0.2.7"},
		{"what the client wrote stands to the left of it", trusted, "X-Forwarded-For: 10.9.9.9, 192.0.2.7\r\n", "192.0.2.7"},
		{"or in a field of its own", trusted, "X-Forwarded-For: 10.9.9.9\r\nX-Forwarded-For: 192.0.2.7\r\n", "192.0.2.7"},
		{"several proxies", trusted, "X-Forwarded-For: 10.9.9.9, 192.0.2.7, 2001:db8::1,127.0.0.9\r\n", "192.0.2.7"},
		{"an address in IPv6 that is one of IPv4", trusted, "X-Forwarded-For: 192.0.2.7, ::ffff:127.0.0.9\r\n", "192.0.2.7"},
		{"what is no address hides what is left of it", trusted, "X-Forwarded-For: 192.0.2.7, nonsense\r\n", "127.0.0.1"},
		{"other fields are not asked even of a proxy", trusted, "X-Real-IP: 192.0.2.7\r\nTrue-Client-IP: 192.0.2.7\r\n", "127.0.0.1"},
		{"nothing", trusted, "", "127.0.0.1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			hyperlanetest.Each(t, func(t *testing.T, d hyperlanetest.Driver) {
				want := test.want
				if d == hyperlanetest.LoopUnix { // where the peer has no address, so it is in no network
					want = netip.Addr{}.String()
				}
				c := d.Serve(t, hyperlane.Config{TrustedProxies: test.trusted}, func(s *hyperlane.Server) {
					s.Get("/", func(c *hyperlane.Context) error {
						return c.Text(c.Request.ClientIP().String() + " " + c.Request.Host())
					})
				})
				got := talk(t, c, "GET / HTTP/1.1\r\nHost: here\r\nConnection: close\r\nX-Forwarded-Host: there\r\n"+test.fields+"\r\n")
				if !strings.HasSuffix(got, "\r\n\r\n"+want+" here") {
					t.Errorf("got %q, want %q", got, want)
				}
			})
		})
	}
}
