package main

import (
	"github.com/hyperlane-go/hyperlane"
	"github.com/hyperlane-go/hyperlane/broadcast"
	"github.com/hyperlane-go/hyperlane/websocket"
)

// serveWebSockets adds what sends each message back, with a large and a small limit, and the members of the topic. Pages of any origin may
// connect.
func serveWebSockets(s *hyperlane.Server, hub *broadcast.Hub) {
	echo := websocket.Events{Message: func(c *websocket.Conn, m websocket.Message) {
		c.Write(c.Context(), m.Type, m.Data) // waits for who sends and does not read
	}}
	anyone := []string{"*"}
	s.Get("/ws/echo", websocket.New(websocket.Config{Origins: anyone, MessageLimit: 16 << 20}, echo).Serve)
	s.Get("/ws/limit", websocket.New(websocket.Config{Origins: anyone, MessageLimit: 64 << 10}, echo).Serve)
	source := websocket.NewSource(hub, websocket.SourceConfig{})
	s.Get("/ws/topic", websocket.New(websocket.Config{Origins: anyone}, websocket.Events{Open: func(c *websocket.Conn) {
		if _, err := source.Subscribe(c.Context(), c, topic, broadcast.As{}); err != nil {
			c.Close(websocket.StatusTryAgain, "")
		}
	}}).Serve)
}
