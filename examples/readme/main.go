// Command readme is the example of README.md.
package main

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"time"

	"github.com/hyperlane-go/hyperlane"
)

type order struct {
	Customer int    `path:"customer"`
	Item     string `json:"item" bind:"required"`
	Count    int    `json:"count" default:"1"`
}

func (o order) Validate() error {
	var wrong hyperlane.FieldErrors
	if o.Count < 1 || o.Count > 100 {
		wrong.Add("/count", "must be from 1 to 100")
	}
	return wrong.Err()
}

func routes(server *hyperlane.Server) {
	server.OnResponse(func(c *hyperlane.Context) error { // for every answer, also for a 404 and after a panic
		c.Response.SetHeader("X-Content-Type-Options", "nosniff")
		return nil
	})
	server.Get("/hello/{name}", func(c *hyperlane.Context) error {
		return c.Text("Hello, " + c.Param("name") + "!\n")
	})

	api := server.Group("/api")
	api.Use(hyperlane.Timeout(2 * time.Second))
	api.Post("/customers/{customer:int}/orders", func(c *hyperlane.Context) error {
		o, err := hyperlane.Bind[order](c)
		if err != nil {
			return err // 400 or 422: a problem document that points to every mistake
		}
		c.Response.SetStatus(http.StatusCreated)
		return c.Text(fmt.Sprintf("%d x %s for customer %d\n", o.Count, o.Item, o.Customer))
	})
}

func main() {
	server := hyperlane.New(hyperlane.Config{}) // the zero Config is a good default for production
	routes(server)
	if err := server.Run(context.Background(), "localhost:8080"); err != nil {
		log.Fatal(err)
	}
}
