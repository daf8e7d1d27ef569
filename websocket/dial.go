package websocket

import (
	"bufio"
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hyperlane-go/hyperlane"
)

// DialConfig is for Dial. The zero value is ready to use.
type DialConfig struct {
	// Header is sent with the request, Cookie or Authorization say. The fields of the handshake itself are not its to set.
	Header http.Header

	// Protocols are the subprotocols to offer.
	Protocols []string

	// MessageLimit and Compression are as in Config. Off offers none.
	MessageLimit int64
	Compression  Compression

	// CloseTimeout is how long the peer has to answer a close frame. Zero: 5 s.
	CloseTimeout time.Duration

	// TLS is for wss. Nil: the default.
	TLS *tls.Config

	// DialContext makes the connection, to a unix socket or through a proxy say. Nil: by TCP.
	DialContext func(ctx context.Context, network, addr string) (net.Conn, error)
}

// HandshakeError is what Dial returns when the server has answered otherwise than by an upgrade.
type HandshakeError struct {
	Response *http.Response // Body holds the first KiB
	Reason   string
}

// Error tells the status.
func (e *HandshakeError) Error() string {
	return fmt.Sprintf("websocket: the server has answered %s: %s", e.Response.Status, e.Reason)
}

// Dial opens a connection to a "ws:" or "wss:" URL, in the blocking style. Ctx is for the handshake. The caller reads until there is an
// error, and closes the connection when it has had enough.
func Dial(ctx context.Context, rawURL string, d DialConfig) (*Conn, error) {
	config, err := (Config{MessageLimit: d.MessageLimit, Compression: d.Compression, CloseTimeout: d.CloseTimeout, Protocols: d.Protocols}).withDefaults()
	if err != nil {
		return nil, fmt.Errorf("websocket: %w", err)
	}
	u, err := url.Parse(rawURL)
	if err != nil {
		return nil, err
	}
	nc, err := d.connect(ctx, u)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { nc.SetDeadline(time.Unix(1, 0)) })
	r := bufio.NewReader(nc)
	protocol, terms, err := d.shake(nc, r, u, config)
	if !stop() && err == nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		nc.Close()
		return nil, err
	}
	c := newConn(&config, false, terms)
	t := &dialled{nc: nc, conn: c, wake: make(chan struct{}, 1)}
	c.protocol, c.inbox = protocol, newInbox()
	c.inbox.mayWait = t.MayWait
	c.opened(t)
	go t.write()
	go t.read(r)
	return c, nil
}

func (d *DialConfig) connect(ctx context.Context, u *url.URL) (net.Conn, error) {
	port := map[string]string{"ws": "80", "wss": "443"}[u.Scheme]
	if port == "" || u.Host == "" || u.Fragment != "" { // RFC 6455 section 3
		return nil, fmt.Errorf("websocket: %q is no ws or wss URL", u)
	}
	addr := u.Host
	if u.Port() == "" {
		addr = net.JoinHostPort(u.Hostname(), port)
	}
	dial := d.DialContext
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	nc, err := dial(ctx, "tcp", addr)
	if err != nil || u.Scheme == "ws" {
		return nc, err
	}
	config := d.TLS.Clone()
	if config == nil {
		config = new(tls.Config)
	}
	if config.ServerName == "" {
		config.ServerName = u.Hostname()
	}
	config.NextProtos = []string{"http/1.1"}
	secure := tls.Client(nc, config)
	if err := secure.HandshakeContext(ctx); err != nil {
		nc.Close()
		return nil, err
	}
	return secure, nil
}

// shake sends the opening handshake and checks the answer (RFC 6455 section 4.1).
func (d *DialConfig) shake(nc net.Conn, r *bufio.Reader, u *url.URL, config Config) (protocol string, terms deflateTerms, err error) {
	nonce := make([]byte, 16)
	rand.Read(nonce) // never fails
	key := base64.StdEncoding.EncodeToString(nonce)
	request := &http.Request{Method: http.MethodGet, URL: u, Host: u.Host, Header: d.Header.Clone(), ProtoMajor: 1, ProtoMinor: 1}
	if request.Header == nil {
		request.Header = make(http.Header)
	}
	for name, value := range map[string]string{
		"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": key,
		"Sec-WebSocket-Protocol": strings.Join(config.Protocols, ", "), "Sec-WebSocket-Extensions": offer(config.Compression),
	} {
		request.Header.Del(name)
		if value != "" {
			request.Header[name] = []string{value}
		}
	}
	if err := request.Write(nc); err != nil {
		return "", terms, err
	}
	resp, err := http.ReadResponse(r, request)
	if err != nil {
		return "", terms, err
	}
	wrong := func(reason string) error {
		body, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<10))
		resp.Body = io.NopCloser(strings.NewReader(string(body)))
		return &HandshakeError{resp, reason}
	}
	get := func(name string) []string { return resp.Header[http.CanonicalHeaderKey(name)] }
	switch {
	case resp.StatusCode != http.StatusSwitchingProtocols:
		return "", terms, wrong("no upgrade")
	case !hasToken(get("Upgrade"), "websocket"), !hasToken(get("Connection"), "upgrade"):
		return "", terms, wrong("an upgrade to something else")
	case len(get("Sec-WebSocket-Accept")) != 1 || get("Sec-WebSocket-Accept")[0] != acceptOf(key):
		return "", terms, wrong("Sec-WebSocket-Accept is wrong")
	}
	if chosen := get("Sec-WebSocket-Protocol"); len(chosen) > 0 {
		if protocol = chosen[0]; len(chosen) > 1 || !slices.Contains(config.Protocols, protocol) {
			return "", terms, wrong("a subprotocol that was not offered")
		}
	}
	if answer := strings.Join(get("Sec-WebSocket-Extensions"), ","); answer != "" {
		var ok bool
		if terms, ok = parseDeflate(answer, false); !ok || config.Compression.Off || !fits(terms, config.Compression) {
			return "", terms, wrong("an extension that was not offered")
		}
		terms.clientNoContext = terms.clientNoContext || !config.Compression.ContextTakeover
	}
	return protocol, terms, nil
}

// offer returns the extension that a client asks for.
func offer(c Compression) string {
	if c.Off {
		return ""
	}
	text := deflateName + "; client_max_window_bits"
	if !c.ContextTakeover {
		text += "; server_no_context_takeover; client_no_context_takeover"
	}
	return text
}

// fits reports whether an answer is one to our offer (RFC 7692 section 7.1).
func fits(d deflateTerms, c Compression) bool { return c.ContextTakeover || d.serverNoContext }

// dialled is the transport of a connection that was dialled. It has two goroutines: one reads, the other writes.
type dialled struct {
	nc   net.Conn
	conn *Conn
	wake chan struct{}

	mu       sync.Mutex // guards what follows
	waiting  []byte
	finishes bool
	closed   bool
}

// dialledRoom is how much may wait for a slow server.
const dialledRoom = 1 << 20

func (t *dialled) MayWait() {} // it has a goroutine to itself

func (t *dialled) RemoteAddr() net.Addr { return t.nc.RemoteAddr() }

func (t *dialled) Send(p []byte) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed || t.finishes {
		return ErrClosed
	}
	if len(t.waiting) > 0 && len(t.waiting)+len(p) > dialledRoom {
		return hyperlane.ErrOutboxFull
	}
	t.waiting = append(t.waiting, p...)
	t.tell()
	return nil
}

func (t *dialled) Waiting() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.waiting)
}

func (t *dialled) Finish() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.finishes = true
	t.tell()
}

func (t *dialled) Close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.closed = true
	t.nc.Close()
	t.tell()
}

// tell wakes the goroutine that writes. The caller holds mu.
func (t *dialled) tell() {
	select {
	case t.wake <- struct{}{}:
	default:
	}
}

// write sends what waits, until the connection has ended.
func (t *dialled) write() {
	for range t.wake {
		t.mu.Lock()
		out, finishes, closed := t.waiting, t.finishes, t.closed
		t.waiting = nil
		t.mu.Unlock()
		if _, err := t.nc.Write(out); err != nil || closed {
			t.nc.Close()
			return
		}
		if finishes {
			// RFC 6455 section 7.1.1: the server closes first. One that does not has CloseTimeout.
			t.nc.SetReadDeadline(time.Now().Add(t.conn.config.CloseTimeout))
			if half, ok := t.nc.(interface{ CloseWrite() error }); ok {
				half.CloseWrite()
			}
		}
	}
}

// read gives what comes to the connection, until that has ended.
func (t *dialled) read(r *bufio.Reader) {
	var err error
	in := make([]byte, 0, 4<<10)
	for over := false; err == nil; {
		if len(in) == cap(in) {
			in = append(in, 0)[:len(in)]
		}
		var n int
		n, err = r.Read(in[len(in):cap(in)])
		in = in[:len(in)+n]
		if over || n == 0 {
			in = in[:0]
			continue
		}
		used, receiveErr := t.conn.receive(in)
		if over = receiveErr != nil; over {
			t.Finish()
		}
		in = in[:copy(in, in[used:])]
	}
	if err == io.EOF {
		err = nil
	}
	t.Close()
	t.conn.over(err)
}
