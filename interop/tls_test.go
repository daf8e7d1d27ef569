package interop

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hyperlane-go/hyperlane"
)

// certificate returns a certificate for name and 127.0.0.1 that signs itself, and its two files in PEM.
func certificate(t *testing.T, name string) (cert tls.Certificate, certPEM, keyPEM []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name},
		DNSNames: []string{name}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certPEM = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	keyPEM = pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})
	cert, err = tls.X509KeyPair(certPEM, keyPEM)
	if err != nil {
		t.Fatal(err)
	}
	return cert, certPEM, keyPEM
}

// serveTLS serves server over TLS on a port of its own, until the test ends.
func serveTLS(t *testing.T, server *hyperlane.Server, config *tls.Config) (addr string) {
	t.Helper()
	if err := server.Validate(); err != nil {
		t.Fatal(err)
	}
	ln := listen(t)
	ended := make(chan error, 1)
	go func() { ended <- server.ServeTLS(ln, config) }()
	t.Cleanup(func() {
		server.Close()
		if err := <-ended; !errors.Is(err, hyperlane.ErrServerClosed) {
			t.Errorf("ServeTLS returned %v", err)
		}
	})
	return ln.Addr().String()
}

// tlsClient returns a client that trusts certs and speaks HTTP/2 or not.
func tlsClient(t *testing.T, h2 bool, certs ...tls.Certificate) *http.Client {
	t.Helper()
	roots := x509.NewCertPool()
	for _, cert := range certs {
		roots.AddCert(cert.Leaf)
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, Protocols: new(http.Protocols)}
	transport.Protocols.SetHTTP1(!h2)
	transport.Protocols.SetHTTP2(h2)
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// tellProto answers with what is known of the connection.
func tellProto(s *hyperlane.Server) {
	s.Get("/", func(c *hyperlane.Context) error {
		state := c.Request.TLS()
		if state == nil {
			return c.Text(c.Request.Proto() + " without TLS")
		}
		peer := "nobody"
		if len(state.PeerCertificates) > 0 {
			peer = state.PeerCertificates[0].Subject.CommonName
		}
		return c.Text(fmt.Sprint(c.Request.Proto(), " ", state.NegotiatedProtocol, " ", peer))
	})
}

func TestHTTP2AndHTTP11ShareATLSPort(t *testing.T) {
	cert, _, _ := certificate(t, "localhost")
	server := hyperlane.New(configOf("auto"))
	tellProto(server)
	addr := serveTLS(t, server, &tls.Config{Certificates: []tls.Certificate{cert}})
	for h2, answer := range map[bool]string{false: "HTTP/1.1  nobody", true: "HTTP/2.0 h2 nobody"} {
		resp := do(t, tlsClient(t, h2, cert), request(t, "GET", "https://"+addr+"/", nil))
		want(t, "answer", text(t, resp.Body), answer)
	}
	t.Run("curl", func(t *testing.T) {
		curl := need(t, "curl")
		for flag, answer := range map[string]string{"--http1.1": "HTTP/1.1 http/1.1 nobody", "--http2": "HTTP/2.0 h2 nobody"} {
			out, err := exec.CommandContext(t.Context(), curl, "-sS", "-k", "--noproxy", "*", flag, "https://"+addr+"/").CombinedOutput()
			if err != nil || string(out) != answer {
				t.Errorf("curl %s: got %q, %v; want %q", flag, out, err, answer)
			}
		}
	})
	t.Run("no protocol named", func(t *testing.T) {
		conn, err := tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true})
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
		if answer := text(t, conn); !strings.HasSuffix(answer, "HTTP/1.1  nobody") {
			t.Errorf("got %q", answer)
		}
	})
	t.Run("HTTP/2 that was not negotiated is refused", func(t *testing.T) {
		conn, err := tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true})
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		io.WriteString(conn, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
		if answer := text(t, conn); !strings.HasPrefix(answer, "HTTP/1.1 ") {
			t.Errorf("got %q", answer)
		}
	})
}

func TestAMistakeWithACertificateIsOneClearError(t *testing.T) {
	_, certPEM, keyPEM := certificate(t, "a")
	_, _, otherKey := certificate(t, "b")
	dir := t.TempDir()
	for name, data := range map[string][]byte{"cert": certPEM, "key": keyPEM, "other": otherKey, "junk": []byte("junk")} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct{ cert, key, says string }{
		{"missing", "key", "no such file"},
		{"cert", "missing", "no such file"},
		{"junk", "key", "failed to find any PEM data"},
		{"cert", "other", "private key does not match public key"},
		{"key", "cert", "failed to find"},
	} {
		cert, key := filepath.Join(dir, test.cert), filepath.Join(dir, test.key)
		err := hyperlane.New(configOf("auto")).RunTLS(t.Context(), "127.0.0.1:0", cert, key)
		if err == nil || !strings.Contains(err.Error(), test.says) || !strings.Contains(err.Error(), cert) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s with %s: got %v, want one line that names the files and says %q", test.cert, test.key, err, test.says)
		}
	}
	for name, config := range map[string]*tls.Config{
		"nil":                 nil,
		"no certificate":      {},
		"an empty one":        {Certificates: []tls.Certificate{{}}},
		"no version possible": {Certificates: []tls.Certificate{{Certificate: [][]byte{{}}, PrivateKey: 1}}, MinVersion: tls.VersionTLS13, MaxVersion: tls.VersionTLS12},
	} {
		if err := hyperlane.New(configOf("auto")).ServeTLS(listen(t), config); err == nil || !strings.HasPrefix(err.Error(), "serve TLS: ") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestAHandshakeThatStopsHoldsNobodyUp(t *testing.T) {
	cert, _, _ := certificate(t, "localhost")
	config := configOf("auto")
	config.HeadTimeout = 500 * time.Millisecond
	server := hyperlane.New(config)
	tellProto(server)
	addr := serveTLS(t, server, &tls.Config{Certificates: []tls.Certificate{cert}})
	var silent []net.Conn
	for i := range 8 {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if i%2 == 0 {
			conn.Write([]byte{22, 3, 1, 2, 0, 1}) // the begin of a ClientHello
		}
		silent = append(silent, conn)
	}
	resp := do(t, tlsClient(t, true, cert), request(t, "GET", "https://"+addr+"/", nil))
	want(t, "status", resp.StatusCode, 200)
	for _, conn := range silent {
		conn.SetReadDeadline(time.Now().Add(within))
		if _, err := io.Copy(io.Discard, conn); errors.Is(err, os.ErrDeadlineExceeded) {
			t.Error("a handshake that stopped is not ended by Config.HeadTimeout")
		}
	}
}

func TestAShutdownWaitsForNoHandshake(t *testing.T) {
	cert, _, _ := certificate(t, "localhost")
	server := hyperlane.New(configOf("auto"))
	tellProto(server)
	admitted := make(chan struct{}, 1)
	server.OnConnect(func(net.Addr) error { admitted <- struct{}{}; return nil })
	addr := serveTLS(t, server, &tls.Config{Certificates: []tls.Certificate{cert}})
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	await(t, "the connection is accepted", admitted)
	ctx, cancel := context.WithTimeout(t.Context(), within/2)
	defer cancel()
	if err := server.Shutdown(ctx); err != nil {
		t.Errorf("Shutdown: %v", err)
	}
}

func TestPlainHTTPOnATLSPortIsTold(t *testing.T) {
	cert, _, _ := certificate(t, "localhost")
	addr := serveTLS(t, hyperlane.New(configOf("auto")), &tls.Config{Certificates: []tls.Certificate{cert}})
	resp, body := get(t, "http://"+addr+"/")
	want(t, "status", resp.StatusCode, 400)
	if !strings.Contains(body, "HTTPS") {
		t.Errorf("got %q", body)
	}
}

func TestMutualTLSIsSeenByHandlers(t *testing.T) {
	cert, _, _ := certificate(t, "localhost")
	mine, _, _ := certificate(t, "me")
	trusted := x509.NewCertPool()
	trusted.AddCert(mine.Leaf)
	server := hyperlane.New(configOf("auto"))
	tellProto(server)
	addr := serveTLS(t, server, &tls.Config{
		Certificates: []tls.Certificate{cert}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: trusted,
	})
	for h2, answer := range map[bool]string{false: "HTTP/1.1  me", true: "HTTP/2.0 h2 me"} {
		c := tlsClient(t, h2, cert)
		if _, err := c.Do(request(t, "GET", "https://"+addr+"/", nil)); err == nil {
			t.Error("a client without a certificate is served")
		}
		c.Transport.(*http.Transport).TLSClientConfig.Certificates = []tls.Certificate{mine}
		resp := do(t, c, request(t, "GET", "https://"+addr+"/", nil))
		want(t, "answer", text(t, resp.Body), answer)
	}
}

func TestACertificateIsReplacedWithoutARestart(t *testing.T) {
	first, _, _ := certificate(t, "first")
	second, _, _ := certificate(t, "second")
	var current atomic.Pointer[tls.Certificate]
	current.Store(&first)
	server := hyperlane.New(configOf("auto"))
	tellProto(server)
	addr := serveTLS(t, server, &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
		if cert := current.Load(); cert != nil {
			return cert, nil
		}
		panic("no certificate") // ends this connection and nothing else
	}})
	for _, cert := range []*tls.Certificate{&first, nil, &second} {
		current.Store(cert)
		c := tlsClient(t, false, first, second)
		resp, err := c.Do(request(t, "GET", "https://"+addr+"/", nil))
		switch {
		case cert == nil && err == nil:
			t.Error("served without a certificate")
		case cert != nil && err != nil:
			t.Fatal(err)
		case cert != nil:
			want(t, "name", resp.TLS.PeerCertificates[0].Subject.CommonName, cert.Leaf.Subject.CommonName)
		}
	}
}

func TestAHookRefusesATLSConnectionBeforeTheHandshake(t *testing.T) {
	cert, _, _ := certificate(t, "localhost")
	server := hyperlane.New(configOf("auto"))
	tellProto(server)
	var asked atomic.Int32
	server.OnConnect(func(net.Addr) error {
		if asked.Add(1) > 1 {
			return errors.New("once is enough")
		}
		return nil
	})
	addr := serveTLS(t, server, &tls.Config{Certificates: []tls.Certificate{cert}})
	do(t, tlsClient(t, true, cert), request(t, "GET", "https://"+addr+"/", nil))
	want(t, "asked", asked.Load(), 1)
	if _, err := tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true}); err == nil {
		t.Error("the handshake of a refused connection succeeds")
	}
}

func TestConnectionsOfHTTP2CountAgainstTheLimit(t *testing.T) {
	cert, _, _ := certificate(t, "localhost")
	config := configOf("auto")
	config.MaxConns = 1
	server := hyperlane.New(config)
	tellProto(server)
	addr := serveTLS(t, server, &tls.Config{Certificates: []tls.Certificate{cert}})
	first := tlsClient(t, true, cert)
	do(t, first, request(t, "GET", "https://"+addr+"/", nil))
	if _, err := tlsClient(t, true, cert).Do(request(t, "GET", "https://"+addr+"/", nil)); err == nil {
		t.Error("a second connection is served")
	}
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	for served := false; !served && ctx.Err() == nil; {
		first.CloseIdleConnections() // it may take the client a moment to see that its connection is idle
		r := request(t, "GET", "https://"+addr+"/", nil)
		resp, err := tlsClient(t, true, cert).Do(r.WithContext(ctx))
		if served = err == nil; served {
			resp.Body.Close()
		}
	}
	if ctx.Err() != nil {
		t.Error("the place of a connection that has ended is not free")
	}
}
