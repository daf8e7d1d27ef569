package main

import (
	"context"
	"net"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/hyperlane-go/hyperlane"
	"github.com/hyperlane-go/hyperlane/broadcast"
	"github.com/hyperlane-go/hyperlane/hyperlanetest"
	"github.com/hyperlane-go/hyperlane/websocket"
)

// serve returns a client of a chat of its own, or of one with a hub that others share.
func serve(t *testing.T, d hyperlanetest.Driver, hub *broadcast.Hub) *hyperlanetest.Client {
	t.Helper()
	if hub == nil {
		hub = broadcast.NewHub(broadcast.HubConfig{Rules: rules})
		t.Cleanup(func() {
			if err := hub.Close(context.Background()); err != nil {
				t.Error(err)
			}
		})
	}
	key, err := cookieKey("a secret")
	if err != nil {
		t.Fatal(err)
	}
	return d.Serve(t, hyperlane.Config{CookieKeys: [][]byte{key}}, func(server *hyperlane.Server) { routes(server, hub) })
}

// told is everything that a page can be told.
type told struct {
	event
	Room     string
	Here     []string
	Resumed  bool
	Messages []event
}

// visitor is a page, without a browser.
type visitor struct {
	*testing.T
	ctx     context.Context
	conn    *websocket.Conn
	welcome told
}

// enter opens a room as user, and reads the welcome.
func enter(t *testing.T, c *hyperlanetest.Client, user, room, since string) *visitor {
	t.Helper()
	return enterWith(t, c, room, since, http.Header{"X-User-Id": {user}})
}

func enterWith(t *testing.T, c *hyperlanetest.Client, room, since string, header http.Header) *visitor {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	conn, err := websocket.Dial(ctx, "ws://example.com/rooms/"+room+"?since="+since, websocket.DialConfig{Header: header,
		DialContext: func(context.Context, string, string) (net.Conn, error) { return c.Dial(), nil }})
	if err != nil {
		t.Fatal(err)
	}
	v := &visitor{T: t, ctx: ctx, conn: conn}
	t.Cleanup(v.leave)
	v.welcome = v.next("welcome")
	return v
}

// leave closes the connection; a second time does nothing.
func (v *visitor) leave() { v.conn.Close(websocket.StatusNormal, "") }

// next reads the next event, which is to be of one of these types.
func (v *visitor) next(types ...string) told {
	v.Helper()
	var e told
	if err := v.conn.ReadJSON(v.ctx, &e); err != nil {
		v.Fatalf("%s waits for %q: %v", v.welcome.User, types, err)
	}
	if !slices.Contains(types, e.Type) {
		v.Fatalf("%s was told %+v, and waits for %q", v.welcome.User, e, types)
	}
	return e
}

// say says text and returns its id.
func (v *visitor) say(text, to string) string {
	v.Helper()
	id := uuid.NewString()
	v.send(request{Type: "say", ID: id, Text: text, To: to})
	return id
}

func (v *visitor) send(r any) {
	v.Helper()
	if err := v.conn.SendJSON(r); err != nil {
		v.Fatal(err)
	}
}

// hears checks that the next event is this message.
func (v *visitor) hears(from, to, text string) told {
	v.Helper()
	e := v.next("message")
	if e.User != from || e.To != to || e.Text != text || e.Time == 0 || e.Position == (broadcast.Position{}) {
		v.Errorf("%s heard %+v, want %q from %s to %q", v.welcome.User, e, text, from, to)
	}
	return e
}

// sees checks that the next event is that somebody joined, left or is typing.
func (v *visitor) sees(what, user string) {
	v.Helper()
	if e := v.next(what); e.User != user {
		v.Errorf("%s saw %+v, want %s of %s", v.welcome.User, e, what, user)
	}
}

// texts returns the texts of messages.
func texts(messages []event) []string {
	list := []string{}
	for _, m := range messages {
		list = append(list, m.Text)
	}
	return list
}

// waitsFor reads until somebody's event of this type, past others coming in: another node is told a moment later.
func (v *visitor) waitsFor(what, user string) told {
	v.Helper()
	for {
		if e := v.next(what, "joined"); e.Type == what && e.User == user {
			return e
		}
	}
}
