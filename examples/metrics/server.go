package main

import (
	"embed"
	"encoding/json"
	"io/fs"
	"time"

	"github.com/hyperlane-go/hyperlane"
	"github.com/hyperlane-go/hyperlane/broadcast"
	"github.com/hyperlane-go/hyperlane/sse"
)

//go:embed page
var files embed.FS

// newServer serves the page, what was lately, and what is new.
func newServer(hub *broadcast.Hub) *hyperlane.Server {
	server := hyperlane.New(hyperlane.Config{})
	server.OnResponse(func(c *hyperlane.Context) error {
		c.Response.SetHeader("Content-Security-Policy", "default-src 'self'").SetHeader("X-Content-Type-Options", "nosniff")
		return nil
	})
	page, err := fs.Sub(files, "page")
	if err != nil {
		panic(err) // it is embedded
	}
	server.Static("/", page, hyperlane.StaticConfig{})
	source := sse.NewSource(hub, sse.Config{Retry: time.Second})
	server.Get("/samples", func(c *hyperlane.Context) error {
		return source.Subscribe(c, machine, broadcast.As{})
	})
	server.Get("/history", func(c *hyperlane.Context) error {
		messages, position, err := hub.History(c.Context(), machine, broadcast.As{})
		if err != nil {
			return err
		}
		samples := make([]json.RawMessage, len(messages))
		for i, m := range messages {
			samples[i] = m.Data
		}
		return c.JSON(map[string]any{"position": position, "samples": samples})
	})
	return server
}
