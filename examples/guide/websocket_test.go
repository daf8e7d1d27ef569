package guide

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/hyperlane-go/hyperlane"
	"github.com/hyperlane-go/hyperlane/hyperlanetest"
	"github.com/hyperlane-go/hyperlane/websocket"
)

func dial(t *testing.T, c *hyperlanetest.Client, path string) (*websocket.Conn, context.Context) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	t.Cleanup(cancel)
	conn, err := websocket.Dial(ctx, "ws://example.com"+path, websocket.DialConfig{
		DialContext: func(context.Context, string, string) (net.Conn, error) { return c.Dial(), nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(websocket.StatusNormal, "") })
	return conn, ctx
}

func TestEchoAndSum(t *testing.T) {
	register := func(s *hyperlane.Server) {
		s.Get("/echo", Echo.Serve)
		s.Get("/sum", Sum.Serve)
	}
	each(t, register, func(t *testing.T, c *hyperlanetest.Client) {
		echo, ctx := dial(t, c, "/echo")
		echo.SendText("hello")
		if text, err := echo.ReadText(ctx); err != nil || text != "hello" {
			t.Errorf("echo: %q, %v", text, err)
		}
		sum, ctx := dial(t, c, "/sum")
		for i, want := range []int{1, 3, 6} {
			sum.SendJSON(i + 1)
			var got int
			if err := sum.ReadJSON(ctx, &got); err != nil || got != want {
				t.Errorf("sum: %d, %v, want %d", got, err, want)
			}
		}
	})
}

func TestARoomHearsItsMembers(t *testing.T) {
	each(t, Rooms, func(t *testing.T, c *hyperlanetest.Client) {
		hears := func(conn *websocket.Conn, ctx context.Context, want string) {
			t.Helper()
			if text, err := conn.ReadText(ctx); err != nil || text != want {
				t.Errorf("heard %s, %v, want %s", text, err, want)
			}
		}
		ann, ctx := dial(t, c, "/rooms/a?user=ann")
		ann.SendText("anybody?") // when it comes back she is in the room
		hears(ann, ctx, `{"from":"ann","kind":"said","text":"anybody?"}`)
		bob, _ := dial(t, c, "/rooms/a?user=bob")
		hears(ann, ctx, `{"from":"bob","kind":"joined","text":""}`)
		bob.SendText("<b>hi</b>")
		hears(ann, ctx, `{"from":"bob","kind":"said","text":"\u003cb\u003ehi\u003c/b\u003e"}`)
		hears(bob, ctx, `{"from":"bob","kind":"said","text":"\u003cb\u003ehi\u003c/b\u003e"}`)
		bob.Close(websocket.StatusNormal, "")
		hears(ann, ctx, `{"from":"bob","kind":"left","text":""}`)
	})
}
