package hyperlane

import (
	"bytes"
	"context"
	"html/template"
	"io"
	"net/http"
)

// The methods in this file answer a request with one call. They set the content type and the body, leave the status as it was
// set, 200 if it was not, and return an error for the handler to return.

// Status sets the status of the response and returns c, for a chain: return c.Status(201).JSON(order).
func (c *Context) Status(status int) *Context {
	c.Response.SetStatus(status)
	return c
}

// JSON answers with v as JSON, by Config.JSON.
func (c *Context) JSON(v any) error {
	c.inUse()
	body, err := c.server.config.JSON.Append(c.Response.buffer[:0], v)
	if err != nil {
		return err
	}
	c.Response.buffer = body
	c.Response.set("Content-Type", "application/json")
	c.Response.setBuffer(body)
	return nil
}

// Text answers with text/plain in UTF-8.
func (c *Context) Text(text string) error {
	c.inUse()
	c.Response.set("Content-Type", "text/plain; charset=utf-8")
	c.Response.SetBodyString(text)
	return nil
}

// HTML answers with text/html in UTF-8, sent as it is given: escaping is the caller's. See Template for the safe way.
func (c *Context) HTML(html string) error {
	c.inUse()
	c.Response.set("Content-Type", "text/html; charset=utf-8")
	c.Response.SetBodyString(html)
	return nil
}

// Bytes answers with body, which must not be changed afterwards.
func (c *Context) Bytes(contentType string, body []byte) error {
	c.inUse()
	c.Response.SetHeader("Content-Type", contentType).SetBody(body)
	return nil
}

// NoContent answers 204.
func (c *Context) NoContent() error {
	c.Response.SetStatus(http.StatusNoContent).SetBody(nil)
	return nil
}

// Template answers with what t, of html/template, makes of data. Nothing is sent if t fails.
func (c *Context) Template(t *template.Template, data any) error {
	return c.Render(templated{t, data})
}

// Renderer is a component that writes itself as HTML, such as templ's.
type Renderer interface {
	Render(ctx context.Context, w io.Writer) error
}

// Render answers with what r writes, as HTML. Nothing is sent if r fails.
func (c *Context) Render(r Renderer) error {
	var page bytes.Buffer
	if err := r.Render(c.Context(), &page); err != nil {
		return err
	}
	return c.HTML(page.String())
}

type templated struct {
	*template.Template
	data any
}

func (t templated) Render(_ context.Context, w io.Writer) error { return t.Execute(w, t.data) }
