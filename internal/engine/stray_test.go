package engine

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"math/big"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// impatient is a connection that counts its writes, and ends when there are more than any turn needs.
type impatient struct {
	net.Conn
	writes atomic.Int32
}

func (c *impatient) Write(p []byte) (int, error) {
	if c.writes.Add(1) > 100 {
		return 0, net.ErrClosed
	}
	return c.Conn.Write(p)
}

// The sweep ends a write that has taken too long by its deadline, and may come an instant too late: then the deadline meets a write that has
// only begun. That one is tried again. But crypto/tls reports the same error for ever: the turn is to hear of it, and not to try for ever.
func TestAWriteDeadlineThatComesTooLateIsLiftedOrReportedAtOnce(t *testing.T) {
	file, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, err := file.Write(pattern(100_000)); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name   string
		secure bool
		want   error
	}{
		{"plain", false, nil},
		{"TLS", true, ErrTimeout},
	} {
		for how, write := range map[string]func(t *Turn, p []byte) error{
			"Flush":                func(t *Turn, p []byte) error { t.Out = append(t.Out, p...); return t.Flush() },
			"Write":                func(t *Turn, p []byte) error { return t.Write(p) },
			"SendFile":             func(t *Turn, p []byte) error { return t.SendFile(file, 0, int64(len(p))) },
			"Write of what is big": func(t *Turn, p []byte) error { t.Out = append(t.Out, p[:1000]...); return t.Write(p[1000:]) },
		} {
			t.Run(test.name+" "+how, func(t *testing.T) {
				e := New(Config{WriteTimeout: time.Hour, Tick: byHand})
				defer e.Close()
				client, nc := net.Pipe()
				if test.secure {
					client, nc = secured(client, nc)
				}
				conn := &impatient{Conn: nc}
				wrote := make(chan error, 1)
				go e.ServeConn(conn, func(*Conn) Protocol {
					return &duplex{errs: make(chan error, 1), run: func(turn *Turn) Next {
						turn.In = nil
						conn.SetWriteDeadline(aLongTimeAgo) // the sweep, which has seen the deadline of a write that has ended since
						wrote <- write(turn, pattern(100_000))
						return Close
					}}
				})
				client.SetDeadline(time.Now().Add(patienceOfTests))
				client.Write([]byte("x"))
				got, _ := io.ReadAll(client)
				if err := await(t, wrote); err != test.want {
					t.Errorf("got %v after %d writes, want %v", err, conn.writes.Load(), test.want)
				}
				if test.want == nil && string(got) != string(pattern(100_000)) {
					t.Errorf("the peer got %d bytes, or others, want the 100000 that were written", len(got))
				}
			})
		}
	}
}

// secured puts TLS over both ends of a connection.
func secured(client, server net.Conn) (*tls.Conn, *tls.Conn) {
	return tls.Client(client, &tls.Config{InsecureSkipVerify: true}), tls.Server(server, &tls.Config{Certificates: []tls.Certificate{certificate()}})
}

// certificate is one that nobody should trust.
var certificate = sync.OnceValue(func() tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		panic(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
})
