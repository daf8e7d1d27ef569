package guide

import (
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"

	"github.com/hyperlane-go/hyperlane"
)

//go:embed site
var site embed.FS

var greeting = template.Must(template.New("greeting").Parse("<p>Hello, {{.}}!</p>\n"))

// Answers answers in one call.
func Answers(server *hyperlane.Server) {
	server.Get("/text", func(c *hyperlane.Context) error { return c.Text("hello\n") })
	server.Get("/json", func(c *hyperlane.Context) error { return c.JSON(map[string]int{"answer": 42}) })
	server.Get("/page/{name}", func(c *hyperlane.Context) error { return c.Template(greeting, c.Param("name")) })
	server.Get("/old", func(c *hyperlane.Context) error { return c.Redirect(http.StatusMovedPermanently, "/text") })
	server.Get("/nothing", func(c *hyperlane.Context) error { return c.NoContent() })
	server.Get("/teapot", func(c *hyperlane.Context) error {
		c.Response.SetStatus(http.StatusTeapot).SetHeader("X-Kind", "oolong").SetBodyString("short and stout\n")
		return nil
	})
}

// Streams sends a body in pieces.
func Streams(server *hyperlane.Server) {
	server.Get("/squares", func(c *hyperlane.Context) error {
		c.Response.SetHeader("Content-Type", "text/plain; charset=utf-8")
		return c.Stream(func(w *hyperlane.Stream) error {
			for i := range 3 {
				fmt.Fprintf(w, "%d\n", i*i)
				if err := w.Flush(); err != nil { // the client has gone, or takes nothing
					return err
				}
			}
			return nil
		})
	})
}

// Files serves files.
func Files(server *hyperlane.Server) {
	assets, err := fs.Sub(site, "site")
	if err != nil {
		panic(err)
	}
	server.Static("/assets", assets, hyperlane.StaticConfig{CacheControl: "max-age=3600"})
	server.Get("/terms", func(c *hyperlane.Context) error { return c.FileFS(assets, "terms.txt") })
	server.Get("/download", func(c *hyperlane.Context) error {
		c.Response.SetAttachment("terms of use.txt")
		return c.FileFS(assets, "terms.txt")
	})
}

var errArchived = errors.New("order is archived")

// Failures shows what becomes of errors.
func Failures(server *hyperlane.Server, find func(id string) error) {
	server.MapError(sql.ErrNoRows, hyperlane.Errorf(http.StatusNotFound, "there is no such order"))
	server.MapError(errArchived, &hyperlane.Error{
		Status: http.StatusGone, Type: "https://example.com/problems/archived", Title: "Order archived",
	})
	server.Get("/orders/{id}", func(c *hyperlane.Context) error {
		if c.Param("id") == "0" {
			return hyperlane.Errorf(http.StatusBadRequest, "0 is no order")
		}
		if err := find(c.Param("id")); err != nil {
			return fmt.Errorf("find order %s: %w", c.Param("id"), err) // mapped, or a 500 whose text only the log sees
		}
		return c.Text("found\n")
	})
}

// OwnAnswer replaces the answer of every error by a page.
func OwnAnswer(server *hyperlane.Server) {
	server.OnError(func(c *hyperlane.Context, err error) error {
		var known *hyperlane.Error
		if !errors.As(err, &known) || known.Status != http.StatusNotFound {
			return err // the next hook, or the default answer
		}
		c.Response.SetStatus(known.Status)
		return c.HTML("<h1>Nothing here</h1>\n")
	})
}
