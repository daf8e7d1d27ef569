package hyperlane

import (
	"crypto/tls"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"

	"github.com/hyperlane-go/hyperlane/internal/engine"
	"github.com/hyperlane-go/hyperlane/internal/http1"
)

// Request is what a client asks. Its strings and slices belong to the caller, but for those of methods whose name ends in View. It
// belongs to its Context.
type Request struct {
	c    *Context
	info peer

	body      []byte // a body that was read before the handler ran
	buffered  bool   // the whole body is in body
	streaming bool   // the rest of the body is to be read from the wire
	read      int64  // bytes of a streamed body that were read
	maxBody   int64
	bodyErr   error       // sticky
	failed    atomic.Bool // bodyErr says that the body cannot be read to its end; who answers may be another goroutine than who reads
	query     url.Values
	parsed    bool // query is set
	form      *form
}

// peer is what a request knows of its connection. Most requests never ask for an address, which is a system call the first time.
type peer struct {
	handle *engine.Conn  // or nil
	std    *http.Request // of the net/http bridge, or nil
	tls    *tls.ConnectionState
}

func (p *peer) remote() net.Addr {
	if p.std != nil {
		return remoteAddr(p.std.RemoteAddr)
	}
	_, remote := p.handle.Addrs()
	return remote
}

// local returns nil where net/http does not know it.
func (p *peer) local() net.Addr {
	if p.std != nil {
		return localAddr(p.std)
	}
	local, _ := p.handle.Addrs()
	return local
}

// LogValue is for the log.
func (p *peer) LogValue() slog.Value { return slog.AnyValue(p.remote()) }

func (r *Request) reset() {
	r.body, r.buffered, r.streaming, r.read, r.maxBody = nil, false, false, 0, 0
	if r.bodyErr != nil {
		r.bodyErr = nil
		r.failed.Store(false)
	}
	r.query, r.parsed = nil, false
	if r.form != nil {
		r.form.remove()
		r.form = nil
	}
}

func (r *Request) head() *http1.Head { return &r.c.exchange.head }

func (r *Request) view(s http1.Span) []byte { return s.Of(r.c.exchange.raw) }

func (r *Request) methodView() []byte { return r.view(r.head().Method) }

func (r *Request) hostView() []byte { return r.view(r.head().Host) }

// rawPath returns the path as it came, never empty.
func (r *Request) rawPath() []byte {
	if p := r.view(r.head().Path); len(p) > 0 {
		return p
	}
	return slash
}

var slash = []byte("/")

// Method returns the method, such as "GET". Methods are case-sensitive.
func (r *Request) Method() string {
	r.c.inUse()
	m := r.methodView()
	switch string(m) {
	case http.MethodGet:
		return http.MethodGet
	case http.MethodPost:
		return http.MethodPost
	case http.MethodHead:
		return http.MethodHead
	case http.MethodPut:
		return http.MethodPut
	case http.MethodDelete:
		return http.MethodDelete
	case http.MethodPatch:
		return http.MethodPatch
	case http.MethodOptions:
		return http.MethodOptions
	}
	return string(m)
}

// Path returns the path, decoded. An escaped slash cannot be told from a slash here: params know, and so does Target.
func (r *Request) Path() string {
	r.c.inUse()
	raw := string(r.rawPath())
	if p, err := url.PathUnescape(raw); err == nil {
		return p
	}
	return raw
}

// Target returns the request target as it came: path and query, still encoded.
func (r *Request) Target() string {
	r.c.inUse()
	return string(r.view(r.head().Target))
}

// Host returns the host that was asked for, with its port if it has one. It is the client's word.
func (r *Request) Host() string {
	r.c.inUse()
	return string(r.hostView())
}

// Proto returns "HTTP/1.1", "HTTP/1.0" or "HTTP/2.0".
func (r *Request) Proto() string {
	r.c.inUse()
	if r.info.std != nil {
		return r.info.std.Proto
	}
	if r.head().Minor == 0 {
		return "HTTP/1.0"
	}
	return "HTTP/1.1"
}

// Header returns the value of the first field with that name, or "". Case does not matter.
func (r *Request) Header(name string) string {
	r.c.inUse()
	s, _ := r.head().Find(r.c.exchange.raw, name)
	return string(r.view(s))
}

// HeaderView returns what Header does, as a view that ends with the handler.
func (r *Request) HeaderView(name string) []byte {
	r.c.inUse()
	s, _ := r.head().Find(r.c.exchange.raw, name)
	return r.view(s)
}

// HeaderValues returns the values of all fields with that name, in the order in which they came. Case does not matter. It is what
// Headers().Values returns, without making strings of the other fields.
func (r *Request) HeaderValues(name string) []string {
	r.c.inUse()
	var values []string
	for _, f := range r.head().Fields {
		if http1.EqualFold(r.view(f.Name), name) {
			values = append(values, string(r.view(f.Value)))
		}
	}
	return values
}

// Headers returns all fields as they came.
func (r *Request) Headers() Header {
	r.c.inUse()
	return func(yield func(string, string) bool) {
		for _, f := range r.head().Fields {
			if !yield(string(r.view(f.Name)), string(r.view(f.Value))) {
				return
			}
		}
	}
}

// Cookie returns the value of the cookie with that name, and whether there is one.
func (r *Request) Cookie(name string) (string, bool) {
	for _, line := range r.HeaderValues("Cookie") {
		for part := range strings.SplitSeq(line, ";") {
			n, v, ok := strings.Cut(strings.TrimSpace(part), "=")
			if ok && n == name {
				return strings.Trim(v, `"`), true
			}
		}
	}
	return "", false
}

// Cookies returns all cookies that are well-formed.
func (r *Request) Cookies() []*http.Cookie {
	h := http.Header{"Cookie": r.HeaderValues("Cookie")}
	return (&http.Request{Header: h}).Cookies()
}

// RawQuery returns the query as it came, without "?".
func (r *Request) RawQuery() string {
	r.c.inUse()
	return string(r.view(r.head().Query))
}

// maxQueryParams is how many parameters a query may have; the rest is ignored, as more would cost memory without use.
const maxQueryParams = 1000

// Query returns the first value of a query parameter, decoded, or "". What cannot be decoded is given as it came.
func (r *Request) Query(name string) string {
	r.c.inUse()
	scan := r.scanQuery()
	raw, _ := scan.next(name)
	return unescape(string(raw))
}

// QueryValues returns all query parameters, decoded. The map is the caller's.
func (r *Request) QueryValues() url.Values {
	values := url.Values{}
	rest := r.RawQuery()
	for range maxQueryParams {
		if rest == "" {
			break
		}
		var pair string
		pair, rest, _ = strings.Cut(rest, "&")
		if key, val, _ := strings.Cut(pair, "="); key != "" {
			values.Add(unescape(key), unescape(val))
		}
	}
	return values
}

func cut(b []byte, sep byte) (before, after []byte) {
	for i, x := range b {
		if x == sep {
			return b[:i], b[i+1:]
		}
	}
	return b, nil
}

// RemoteAddr returns the address of the peer, as the socket has it.
func (r *Request) RemoteAddr() net.Addr {
	r.c.inUse()
	return r.info.remote()
}

// LocalAddr returns the address that the peer has reached.
func (r *Request) LocalAddr() net.Addr {
	r.c.inUse()
	return r.info.local()
}

// TLS returns the state of the TLS connection, or nil without TLS.
func (r *Request) TLS() *tls.ConnectionState {
	r.c.inUse()
	return r.info.tls
}

// ClientIP returns the address of the client: the peer's, or, if the peer is one of Config.TrustedProxies, the last address in
// X-Forwarded-For that is not. It is not valid where the peer has no IP address.
func (r *Request) ClientIP() netip.Addr {
	r.c.inUse()
	ip := addrIP(r.info.remote())
	if !r.c.server.trusts(ip) {
		return ip
	}
	lines := r.HeaderValues("X-Forwarded-For")
	for i := len(lines) - 1; i >= 0; i-- {
		hops := strings.Split(lines[i], ",")
		for j := len(hops) - 1; j >= 0; j-- {
			hop, err := netip.ParseAddr(strings.TrimSpace(hops[j]))
			if err != nil {
				return ip // whatever stands before it is not to be trusted either
			}
			if ip = hop.Unmap(); !r.c.server.trusts(ip) {
				return ip
			}
		}
	}
	return ip
}

func addrIP(a net.Addr) netip.Addr {
	if a == nil {
		return netip.Addr{}
	}
	if t, ok := a.(*net.TCPAddr); ok {
		return t.AddrPort().Addr().Unmap()
	}
	p, _ := netip.ParseAddrPort(a.String())
	return p.Addr().Unmap()
}

func (s *Server) trusts(ip netip.Addr) bool {
	for _, p := range s.config.TrustedProxies {
		if p.Contains(ip) {
			return true
		}
	}
	return false
}
