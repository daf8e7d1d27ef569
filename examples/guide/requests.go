package guide

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/hyperlane-go/hyperlane"
)

// Values reads single values.
func Values(server *hyperlane.Server) {
	server.Get("/users/{id:int}/posts", func(c *hyperlane.Context) error {
		id, err := hyperlane.Param[int64](c, "id")
		if err != nil {
			return err
		}
		page, err := hyperlane.QueryOr(c, "page", 1) // 1 if there is none; 400 if it is no number
		if err != nil {
			return err
		}
		since, err := hyperlane.Query[*time.Time](c, "since") // nil if there is none
		if err != nil {
			return err
		}
		tags, err := hyperlane.Query[[]string](c, "tag") // all of that name
		if err != nil {
			return err
		}
		return c.JSON(map[string]any{"user": id, "page": page, "since": since, "tags": tags})
	})
}

// CreateOrder says where each of its fields comes from.
type CreateOrder struct {
	Customer int64   `path:"customer"`
	Notify   bool    `query:"notify" default:"true"`
	Trace    *string `header:"X-Trace"`
	Title    string  `json:"title" bind:"required"`
	Items    []Item  `json:"items"`
}

// Item is one line of an order.
type Item struct {
	Name  string `json:"name"`
	Price int    `json:"price"`
}

// Validate is called by Bind when everything is there and of the right type.
func (o CreateOrder) Validate() error {
	var wrong hyperlane.FieldErrors
	if len(o.Items) == 0 {
		wrong.Add("/items", "must not be empty")
	}
	for i, item := range o.Items {
		if item.Price < 0 {
			wrong.Add(fmt.Sprintf("/items/%d/price", i), "must not be negative")
		}
	}
	return wrong.Err()
}

// Bound reads a whole request into one struct.
func Bound(server *hyperlane.Server) {
	server.Post("/customers/{customer:int}/orders", func(c *hyperlane.Context) error {
		order, err := hyperlane.Bind[CreateOrder](c)
		if err != nil {
			return err
		}
		return c.Status(http.StatusCreated).JSON(order.Items)
	}, hyperlane.Binds[CreateOrder]()) // Run reports a struct that does not fit the pattern
}

// Bodies reads bodies as bytes and as streams.
func Bodies(server *hyperlane.Server) {
	server.Put("/notes/{id}", func(c *hyperlane.Context) error {
		body, err := c.Request.Body() // the whole body: 413 over the limit
		if err != nil {
			return err
		}
		return c.Text(fmt.Sprintf("note %s has %d bytes\n", c.Param("id"), len(body)))
	}, hyperlane.MaxBody(64<<10))

	server.Post("/digest", func(c *hyperlane.Context) error {
		digest := sha256.New()
		if _, err := io.Copy(digest, c.Request.BodyReader()); err != nil { // as it comes, whatever its size
			return err
		}
		return c.Text(hex.EncodeToString(digest.Sum(nil)) + "\n")
	})
}

// Uploads keeps files that a form brings in root.
func Uploads(server *hyperlane.Server, root *os.Root) {
	server.Post("/upload", func(c *hyperlane.Context) error {
		title, err := hyperlane.Form[string](c, "title")
		if err != nil {
			return err
		}
		file, err := c.Request.File("file") // 400 if there is none; it lasts until the request ends
		if err != nil {
			return err
		}
		if err := file.Save(root, "upload-1"); err != nil { // the name is ours, never the client's
			return err
		}
		return c.Text(fmt.Sprintf("%s: %s has %d bytes\n", title, file.Filename, file.Size))
	})
}

// Background answers at once and goes on working.
func Background(server *hyperlane.Server, work func(ctx context.Context, path string)) {
	server.Post("/jobs/{name}", func(c *hyperlane.Context) error {
		later := c.Detach() // a copy that stays valid after the handler; its context ends with the server
		go func() { work(later.Context(), later.Request.Path()) }()
		c.Response.SetStatus(http.StatusAccepted)
		return nil
	})
}

// Patient waits for something that may take long, or for the end of the request, whichever comes first.
func Patient(server *hyperlane.Server, events <-chan string) {
	server.Get("/next", func(c *hyperlane.Context) error {
		ctx := c.Context()
		select {
		case event := <-events:
			return c.Text(event)
		case <-ctx.Done():
			if errors.Is(context.Cause(ctx), hyperlane.ErrDisconnected) {
				return nil // nobody is left to be told
			}
			return context.Cause(ctx)
		}
	})
}
