package main

import (
	"testing"

	"github.com/hyperlane-go/hyperlane"
	"github.com/hyperlane-go/hyperlane/hyperlanetest"
)

func TestTheExampleOfTheReadmeDoesWhatItSays(t *testing.T) {
	hyperlanetest.Each(t, func(t *testing.T, d hyperlanetest.Driver) {
		c := d.Serve(t, hyperlane.Config{}, routes)
		c.Get("/hello/world").Status(200).Body("Hello, world!\n").Header("X-Content-Type-Options", "nosniff")
		c.Get("/nowhere").Problem(404, "").Header("X-Content-Type-Options", "nosniff")
		c.Post("/api/customers/7/orders", map[string]any{"item": "tea"}).Status(201).Body("1 x tea for customer 7\n")
		c.Post("/api/customers/7/orders", map[string]any{"item": "tea", "count": 0}).Problem(422, "/count must be from 1 to 100")
		c.Post("/api/customers/7/orders", map[string]any{"count": 2}).Problem(400, "/item is missing")
		c.Post("/api/customers/seven/orders", map[string]any{"item": "tea"}).Problem(404, "")
	})
}
