package guide

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"time"

	"github.com/hyperlane-go/hyperlane"
)

// Main is a main function that takes its configuration from a file and the environment.
func Main(ctx context.Context, addr string) error {
	config, err := hyperlane.LoadConfig("") // HYPERLANE_HEAD_TIMEOUT=5s, HYPERLANE_LIMITS=strict, ...
	if err != nil {
		return err // every mistake, with its place
	}
	server := hyperlane.New(config)
	Answers(server)
	return server.Run(ctx, addr) // until ctx ends, or SIGINT or SIGTERM comes; nil after an orderly shutdown
}

// Careful is a server for strangers.
func Careful(logger *slog.Logger) *hyperlane.Server {
	return hyperlane.New(hyperlane.Config{
		HeadTimeout:    5 * time.Second,
		HandlerTimeout: 10 * time.Second,
		MaxConns:       10_000,
		Limits:         hyperlane.StrictLimits(),
		Logger:         logger,
	})
}

// Hooked is told what happens.
func Hooked(server *hyperlane.Server, log *slog.Logger) {
	server.OnConnect(func(remote net.Addr) error {
		return nil // an error closes the connection before a byte of it is read
	})
	server.OnPanic(func(c *hyperlane.Context, p *hyperlane.PanicError) {
		log.Error("panic", "path", c.Request.Path(), "value", p.Value)
	})
	server.OnFinish(func(c *hyperlane.Context) { // after the last byte: a place for an access log
		log.Info("request", "method", c.Request.Method(), "path", c.Request.Path(),
			"status", c.Response.Status(), "bytes", c.Response.Size())
	})
	server.OnShutdown(func() { log.Info("draining") })
}

// ServeOn serves a listener of one's own until ctx ends.
func ServeOn(ctx context.Context, server *hyperlane.Server, ln net.Listener) error {
	served := make(chan error, 1)
	go func() { served <- server.Serve(ln) }()
	<-ctx.Done()
	limit, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	err := server.Shutdown(limit)
	if serveErr := <-served; !errors.Is(serveErr, hyperlane.ErrServerClosed) {
		err = errors.Join(err, serveErr)
	}
	return err
}

// Probed tells a load balancer when to send requests.
func Probed(server *hyperlane.Server) {
	server.Get("/ready", func(c *hyperlane.Context) error {
		if !c.Server().Ready() {
			return hyperlane.Errorf(503, "")
		}
		return c.Text("ready\n")
	})
}
