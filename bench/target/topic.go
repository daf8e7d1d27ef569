package main

import (
	"github.com/hyperlane-go/hyperlane"
	"github.com/hyperlane-go/hyperlane/broadcast"
	"github.com/hyperlane-go/hyperlane/sse"
)

// topic is the one topic of the target.
var topic = broadcast.TopicOf("bench")

// serveTopic adds the members of the topic, and the way to publish to it. Who is slow loses the oldest messages.
func serveTopic(s *hyperlane.Server, hub *broadcast.Hub) {
	source := sse.NewSource(hub, sse.Config{})
	s.Get("/sse/topic", func(c *hyperlane.Context) error {
		return source.Subscribe(c, topic, broadcast.As{})
	})
	s.Post("/publish", func(c *hyperlane.Context) error {
		body, err := c.Request.Body()
		if err != nil {
			return err
		}
		if _, err := hub.Publish(c.Context(), topic, broadcast.Publication{Data: body}); err != nil {
			return err
		}
		return c.NoContent()
	})
}
