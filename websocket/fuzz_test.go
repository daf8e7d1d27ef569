package websocket_test

import (
	"errors"
	"net"
	"os"
	"testing"
	"time"

	"github.com/hyperlane-go/hyperlane"
	"github.com/hyperlane-go/hyperlane/websocket"
)

// FuzzFrames sends anything to an echo that takes compressed messages, and demands valid frames and an end.
func FuzzFrames(f *testing.F) {
	for _, test := range strictCases() {
		all := ""
		for _, s := range test.send {
			all += s
		}
		if len(all) < 200 {
			f.Add([]byte(all))
		}
	}
	f.Add([]byte("\xc1\x87\x00\x00\x00\x00\xf2\x48\xcd\xc9\xc9\x07\x00"))
	e := echo(websocket.Config{MessageLimit: 4 << 10, Compression: websocket.Compression{MinSize: 1}})()
	server := hyperlane.New(hyperlane.Config{})
	server.Get("/ws", e.Serve)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		f.Fatal(err)
	}
	go server.Serve(ln)
	f.Cleanup(func() { server.Close() })
	f.Fuzz(func(t *testing.T, in []byte) {
		nc, err := net.Dial("tcp", ln.Addr().String())
		if err != nil {
			t.Skip(err) // no more ports, say: that is not the server's doing
		}
		defer nc.Close()
		nc.SetDeadline(time.Now().Add(soon))
		w, _ := shake(t, nc, "Sec-WebSocket-Extensions: permessage-deflate")
		go func() {
			nc.Write(in)
			nc.(*net.TCPConn).CloseWrite()
		}()
		closes := 0
		for {
			first, payload, err := w.frame()
			if err != nil {
				if errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, errBadFrame) {
					t.Fatalf("after %q: %v", in, err)
				}
				return
			}
			switch {
			case closes > 0:
				t.Fatalf("a frame behind the close frame: %#x %q", first, payload)
			case first == 0x88:
				closes++
			case first != 0x81 && first != 0x82 && first != 0xc1 && first != 0xc2 && first != 0x8a:
				t.Fatalf("a frame that begins with %#x", first)
			}
			if first&0x40 != 0 {
				if _, err := inflate(payload, ""); err != nil {
					t.Fatalf("%q does not expand: %v", payload, err)
				}
			}
		}
	})
}
