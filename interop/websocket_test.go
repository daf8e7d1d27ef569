package interop

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	coder "github.com/coder/websocket"

	"github.com/hyperlane-go/hyperlane"
	"github.com/hyperlane-go/hyperlane/hyperlanetest"
	"github.com/hyperlane-go/hyperlane/websocket"
)

var messages = []string{"", "hello", strings.Repeat("so it goes, ", 5000), strings.Repeat("x", 70_000)}

func TestCoderAsClient(t *testing.T) {
	modes := map[string]coder.CompressionMode{
		"uncompressed": coder.CompressionDisabled, "with context": coder.CompressionContextTakeover, "without context": coder.CompressionNoContextTakeover,
	}
	for name, mode := range modes {
		for _, takeover := range []bool{false, true} {
			echo := websocket.New(websocket.Config{Compression: websocket.Compression{ContextTakeover: takeover, MinSize: 1}}, websocket.Events{
				Message: func(c *websocket.Conn, m websocket.Message) { c.Send(m.Type, m.Data) },
			})
			t.Run(name, func(t *testing.T) {
				hyperlanetest.Each(t, func(t *testing.T, d hyperlanetest.Driver) {
					c := d.Serve(t, hyperlane.Config{}, func(s *hyperlane.Server) { s.Get("/", echo.Serve) })
					ctx, cancel := context.WithTimeout(t.Context(), within)
					defer cancel()
					dialer := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) { return c.Dial(), nil }}
					conn, _, err := coder.Dial(ctx, "ws://example.com/", &coder.DialOptions{CompressionMode: mode, HTTPClient: &http.Client{Transport: dialer}})
					if err != nil {
						t.Fatal(err)
					}
					defer conn.CloseNow()
					conn.SetReadLimit(1 << 20)
					for _, message := range append(messages, messages...) {
						if err := conn.Write(ctx, coder.MessageText, []byte(message)); err != nil {
							t.Fatal(err)
						}
						if kind, p, err := conn.Read(ctx); err != nil || kind != coder.MessageText || string(p) != message {
							t.Fatalf("%d bytes came back as %v, %d bytes, %v", len(message), kind, len(p), err)
						}
					}
					if err := conn.Close(coder.StatusNormalClosure, "bye"); err != nil {
						t.Errorf("close: %v", err)
					}
				})
			})
		}
	}
}

func TestCoderAsServer(t *testing.T) {
	for _, mode := range []coder.CompressionMode{coder.CompressionDisabled, coder.CompressionContextTakeover, coder.CompressionNoContextTakeover} {
		ts := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			conn, err := coder.Accept(w, r, &coder.AcceptOptions{CompressionMode: mode, CompressionThreshold: 1})
			if err != nil {
				t.Error(err)
				return
			}
			conn.SetReadLimit(1 << 20)
			for {
				kind, p, err := conn.Read(r.Context())
				if err != nil || conn.Write(r.Context(), kind, p) != nil {
					return
				}
			}
		}))
		defer ts.Close()
		ctx, cancel := context.WithTimeout(t.Context(), within)
		defer cancel()
		for _, takeover := range []bool{false, true} {
			conn, err := websocket.Dial(ctx, "ws"+strings.TrimPrefix(ts.URL, "http"), websocket.DialConfig{
				Compression: websocket.Compression{ContextTakeover: takeover, MinSize: 1},
			})
			if err != nil {
				t.Fatalf("mode %v, takeover %v: %v", mode, takeover, err)
			}
			for _, message := range append(messages, messages...) {
				if err := conn.SendText(message); err != nil {
					t.Fatal(err)
				}
				if text, err := conn.ReadText(ctx); err != nil || text != message {
					t.Fatalf("mode %v, takeover %v: %d bytes came back as %d, %v", mode, takeover, len(message), len(text), err)
				}
			}
			conn.Close(websocket.StatusNormal, "")
			if _, _, err := conn.Read(ctx); err == nil {
				t.Error("a message behind the end")
			}
		}
	}
}
