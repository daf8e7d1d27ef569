package interop

import (
	"io"
	"log"
	"net"
	"net/http"
	"testing"
)

// startText is what the server of startH2C answers, on every path. Cases of h2spec need a body of some bytes.
const startText = "a body of more than some bytes"

// startH2C serves startText on every path, over HTTP/1.1 and over HTTP/2 with prior knowledge on one port, until the test
// ends.
func startH2C(t *testing.T) (addr string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		io.WriteString(w, startText)
	})
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true)
	server := &http.Server{Handler: handler, Protocols: &protocols, ErrorLog: log.New(io.Discard, "", 0)}
	t.Cleanup(func() { server.Close() })
	go server.Serve(listener)
	return listener.Addr().String()
}
