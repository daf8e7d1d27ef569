package main

import (
	"crypto/rand"
	"fmt"
	"log/slog"
	"time"

	"github.com/hyperlane-go/hyperlane"
)

type requestIDKey struct{}

// requestID is request middleware: it gives each request a name, for the client and for the log.
func requestID(c *hyperlane.Context) error {
	id := rand.Text()
	c.Set(requestIDKey{}, id)
	c.Response.SetHeader("X-Request-Id", id)
	return nil
}

// securityHeaders is response middleware: no handler can skip it, and no error, 404 or panic either.
func securityHeaders(c *hyperlane.Context) error {
	c.Response.
		SetHeader("Content-Security-Policy", "default-src 'self'").
		SetHeader("Referrer-Policy", "same-origin").
		SetHeader("X-Content-Type-Options", "nosniff")
	return nil
}

// reportPanic is a hook: the request is answered 500 and the server goes on, whatever it does.
func reportPanic(c *hyperlane.Context, p *hyperlane.PanicError) {
	slog.Warn("survived a panic", "request", c.Value(requestIDKey{}), "path", c.Request.Path(), "value", p.Value)
}

// serverTiming wraps handlers, because it needs both sides of the call: it tells the browser how long the handler took.
func serverTiming(next hyperlane.Handler) hyperlane.Handler {
	return func(c *hyperlane.Context) error {
		began := time.Now()
		err := next(c)
		took := time.Since(began)
		c.Response.SetHeader("Server-Timing", fmt.Sprintf("handler;dur=%.3f", float64(took.Microseconds())/1000))
		return err
	}
}
