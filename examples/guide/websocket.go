package guide

import (
	"context"
	"encoding/json"
	"time"

	"github.com/hyperlane-go/hyperlane"
	"github.com/hyperlane-go/hyperlane/broadcast"
	"github.com/hyperlane-go/hyperlane/websocket"
)

// Echo sends each message back, in the style of events.
var Echo = websocket.New(websocket.Config{}, websocket.Events{
	Message: func(c *websocket.Conn, m websocket.Message) { c.Send(m.Type, m.Data) },
})

// Sum adds what it gets, in the blocking style.
var Sum = websocket.NewBlocking(websocket.Config{}, func(ctx context.Context, c *websocket.Conn) error {
	for total := 0; ; {
		var n int
		if err := c.ReadJSON(ctx, &n); err != nil {
			return err
		}
		total += n
		if err := c.SendJSON(total); err != nil {
			return err
		}
	}
})

// Rooms registers rooms in which everybody hears everybody.
func Rooms(server *hyperlane.Server) {
	hub := broadcast.NewHub(broadcast.HubConfig{Rules: func(broadcast.Topic) broadcast.Rules {
		return broadcast.Rules{History: broadcast.Retention{Count: 100, Age: time.Hour}, Presence: true}
	}})
	source := websocket.NewSource(hub, websocket.SourceConfig{Encode: func(m *broadcast.Message) (websocket.Type, []byte) {
		kind := map[broadcast.Kind]string{broadcast.Published: "said", broadcast.Joined: "joined", broadcast.Left: "left"}[m.Kind]
		line, _ := json.Marshal(map[string]string{"kind": kind, "from": m.From, "text": string(m.Data)})
		return websocket.Text, line
	}})
	roomOf := func(c *websocket.Conn) broadcast.Topic { return broadcast.TopicOf("room", c.Value("room").(string)) }
	room := websocket.New(websocket.Config{MessageLimit: 4 << 10}, websocket.Events{
		Open: func(c *websocket.Conn) {
			as := broadcast.As{Key: c.Value("user").(string)}
			if _, err := source.Subscribe(c.Context(), c, roomOf(c), as); err != nil {
				c.Close(websocket.StatusTryAgain, "the room is closed")
			}
		},
		Message: func(c *websocket.Conn, m websocket.Message) {
			p := broadcast.Publication{From: c.Value("user").(string), Data: append([]byte(nil), m.Data...)}
			if _, err := hub.Publish(c.Context(), roomOf(c), p); err != nil {
				c.Close(websocket.StatusInternalError, "")
			}
		},
	})
	server.Get("/rooms/{room}", func(c *hyperlane.Context) error {
		user := c.Query("user") // an application knows it by a session
		if user == "" {
			return hyperlane.Errorf(401, "who are you?")
		}
		c.Set("user", user)
		c.Set("room", c.Param("room"))
		return room.Serve(c)
	})
}
