package websocket_test

import (
	"errors"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"

	"github.com/hyperlane-go/hyperlane"
	"github.com/hyperlane-go/hyperlane/hyperlanetest"
	"github.com/hyperlane-go/hyperlane/websocket"
)

// noise returns bytes that cannot be compressed.
func noise(n int) string {
	r := rand.New(rand.NewPCG(1, 2))
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return string(b)
}

func TestMessagesComeBackAsTheyWere(t *testing.T) {
	for name, compression := range map[string]websocket.Compression{
		"uncompressed":       {Off: true},
		"without context":    {MinSize: 1},
		"with context":       {ContextTakeover: true, MinSize: 1},
		"with a tiny window": {WindowBits: 8, MinSize: 1},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, echo(websocket.Config{MessageLimit: 16 << 20, Compression: compression}), func(t *testing.T, client *hyperlanetest.Client, _ *websocket.Endpoint) {
				c := dial(t, client, websocket.DialConfig{MessageLimit: 16 << 20, Compression: compression})
				ctx := within(t)
				for _, text := range []string{"", "a", "Hällo, 世界 🎉", strings.Repeat("again and again ", 10), strings.Repeat("x", 125), strings.Repeat("x", 126),
					strings.Repeat("x", 65535), strings.Repeat("x", 65536), strings.Repeat("0123456789", 300_000)} {
					for _, kind := range []websocket.Type{websocket.Text, websocket.Binary} {
						if err := c.Write(ctx, kind, []byte(text)); err != nil {
							t.Fatalf("write %d bytes: %v", len(text), err)
						}
						got, p, err := c.Read(ctx)
						if err != nil || got != kind || string(p) != text {
							t.Fatalf("%d bytes of %v: got %d bytes of %v, %v", len(text), kind, len(p), got, err)
						}
					}
				}
				for _, n := range []int{1, 1000, 40_000, 1_000_000} {
					want := noise(n)
					if err := c.Write(ctx, websocket.Binary, []byte(want)); err != nil {
						t.Fatal(err)
					}
					if _, p, err := c.Read(ctx); err != nil || string(p) != want {
						t.Fatalf("%d bytes of noise: got %d, %v", n, len(p), err)
					}
				}
				c.Close(websocket.StatusNormal, "enough")
				_, _, err := c.Read(ctx)
				var closed *websocket.CloseError
				if !errors.As(err, &closed) || closed.Status != websocket.StatusNormal {
					t.Errorf("end: got %v", err)
				}
			})
		})
	}
}

func TestTheRequestStaysReachable(t *testing.T) {
	type key struct{}
	heard := make(chan string, 1)
	endpoint := websocket.New(websocket.Config{}, websocket.Events{Message: func(c *websocket.Conn, m websocket.Message) {
		r := c.Request()
		c.Set(1, "mine")
		heard <- strings.Join([]string{
			r.Param("room"), r.Query("q"), r.Request.Header("X-Asked"), r.Value(key{}).(string), c.Value(key{}).(string), c.Value(1).(string),
		}, " ")
	}})
	hyperlanetest.Each(t, func(t *testing.T, d hyperlanetest.Driver) {
		client := d.Serve(t, hyperlane.Config{}, func(s *hyperlane.Server) {
			s.Get("/{room}", func(c *hyperlane.Context) error {
				c.Set(key{}, "ann")
				return endpoint.Serve(c)
			})
		})
		c := dialPath(t, client, "/lobby?q=1", websocket.DialConfig{Header: http.Header{"X-Asked": {"yes"}}})
		if err := c.SendText(""); err != nil {
			t.Fatal(err)
		}
		if got := await(t, "the message", heard); got != "lobby 1 yes ann ann mine" {
			t.Errorf("got %q", got)
		}
	})
}
