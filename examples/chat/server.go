package main

import (
	"embed"
	"io/fs"

	"github.com/hyperlane-go/hyperlane"
	"github.com/hyperlane-go/hyperlane/broadcast"
)

//go:embed page
var files embed.FS

// routes registers the page and the rooms.
func routes(server *hyperlane.Server, hub *broadcast.Hub) {
	server.OnResponse(func(c *hyperlane.Context) error {
		c.Response.SetHeader("Content-Security-Policy", "default-src 'self'; frame-ancestors 'none'").
			SetHeader("X-Content-Type-Options", "nosniff").SetHeader("Referrer-Policy", "no-referrer")
		return nil
	})
	page, err := fs.Sub(files, "page")
	if err != nil {
		panic(err) // it is embedded
	}
	server.Static("/", page, hyperlane.StaticConfig{})
	server.Get("/rooms/{room:[a-z0-9-]{1,32}}", newRooms(hub).enter)
}
