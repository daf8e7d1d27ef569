// Command target is the server that the benchmarks and the outside test suites run against: an ordinary application with one request
// middleware and one response middleware.
package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"log"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/hyperlane-go/hyperlane"
	"github.com/hyperlane-go/hyperlane/bench/router"
	"github.com/hyperlane-go/hyperlane/bench/spin"
	"github.com/hyperlane-go/hyperlane/broadcast"
)

func main() {
	log.SetFlags(0)
	var config hyperlane.Config
	addr := flag.String("addr", "127.0.0.1:8080", "address to listen on")
	driver := flag.String("driver", "auto", "auto, loop, blocking or nethttp")
	flag.DurationVar(&config.HeadTimeout, "header-timeout", 0, "for a whole message head; 0 is the default")
	flag.DurationVar(&config.IdleTimeout, "idle-timeout", 0, "between requests; 0 is the default")
	flag.IntVar(&config.Limits.Head, "max-header", 0, "bytes of a message head; 0 is the default")
	flag.Int64Var(&config.Limits.Body, "max-body", 0, "bytes of a message body; 0 is the default")
	flag.IntVar(&config.Loops, "loops", 0, "event loops; 0 is one for each core")
	routes := flag.Int("routes", 0, "how many further routes there are")
	flag.Parse()

	file, err := writeFile()
	if err != nil {
		log.Fatal(err)
	}
	defer os.Remove(file)
	if *driver == "nethttp" {
		err = serveNetHTTP(*addr, config, newServer(config, file, *routes))
	} else {
		config.Driver = *driver
		err = newServer(config, file, *routes).Run(context.Background(), *addr)
	}
	if err != nil {
		os.Remove(file)
		log.Fatal(err)
	}
}

// serveNetHTTP serves by net/http, with its own framing and timeouts.
func serveNetHTTP(addr string, config hyperlane.Config, server *hyperlane.Server) error {
	if err := server.Validate(); err != nil {
		return err
	}
	std := &http.Server{
		Addr: addr, Handler: server, MaxHeaderBytes: config.Limits.Head,
		ReadHeaderTimeout: config.HeadTimeout, IdleTimeout: config.IdleTimeout,
	}
	return std.ListenAndServe()
}

// writeFile makes the file of GET /file: 1 MiB.
func writeFile() (path string, err error) {
	f, err := os.CreateTemp("", "hyperlane-target-")
	if err != nil {
		return "", err
	}
	if _, err := f.Write(bytes.Repeat([]byte("0123456789abcde\n"), 64<<10)); err != nil {
		return "", err
	}
	return f.Name(), f.Close()
}

type message struct {
	Message string `json:"message"`
	ID      int    `json:"id"`
}

// newServer returns the application, with so many further routes.
func newServer(config hyperlane.Config, file string, routes int) *hyperlane.Server {
	s := hyperlane.New(config)
	s.OnRequest(func(c *hyperlane.Context) error {
		if string(c.Request.HeaderView("X-Client")) == "blocked" {
			return hyperlane.Errorf(http.StatusForbidden, "")
		}
		return nil
	})
	s.OnResponse(func(c *hyperlane.Context) error {
		c.Response.SetHeader("X-Frame-Options", "DENY")
		return nil
	})
	s.Get("/plaintext", func(c *hyperlane.Context) error {
		c.Response.SetHeader("Content-Type", "text/plain").SetBodyString("Hello, World!")
		return nil
	})
	s.Get("/json", func(c *hyperlane.Context) error {
		return c.JSON(message{"Hello, World!", 42})
	})
	s.Get("/users/{id}", func(c *hyperlane.Context) error {
		return c.Text(c.Param("id"))
	})
	s.Post("/echo", func(c *hyperlane.Context) error {
		body, err := c.Request.BodyView()
		if err != nil {
			return err
		}
		return c.Bytes("application/octet-stream", body)
	})
	s.Get("/headers", func(c *hyperlane.Context) error {
		fields := make(map[string][]string)
		for name, value := range c.Request.Headers() {
			fields[http.CanonicalHeaderKey(name)] = append(fields[http.CanonicalHeaderKey(name)], value)
		}
		return c.JSON(fields)
	})
	s.Get("/sleep/{ms:uint}", func(c *hyperlane.Context) error {
		ms, err := hyperlane.Param[uint32](c, "ms")
		if err != nil {
			return err
		}
		time.Sleep(time.Duration(ms) * time.Millisecond)
		return c.Text(fmt.Sprintf("slept %d ms\n", ms))
	})
	s.Get("/spin/{ms:uint}", func(c *hyperlane.Context) error {
		ms, err := hyperlane.Param[uint32](c, "ms")
		if err != nil {
			return err
		}
		spin.For(time.Duration(ms) * time.Millisecond)
		return c.Text(fmt.Sprintf("computed for %d ms\n", ms))
	})
	s.Get("/stream/{n:uint}", stream)
	s.Get("/status/{code:uint}", func(c *hyperlane.Context) error {
		code, err := strconv.Atoi(c.Param("code"))
		if err != nil || code < 200 || code > 599 {
			return hyperlane.Errorf(http.StatusBadRequest, "no such status")
		}
		c.Response.SetStatus(code)
		return nil
	})
	s.Get("/panic", func(*hyperlane.Context) error { panic("asked to") })
	s.Get("/file", func(c *hyperlane.Context) error { return c.File(file) })
	for _, r := range router.Generate(routes) {
		s.Handle(r.Method, r.Pattern, func(c *hyperlane.Context) error { return c.Text(r.Pattern) })
	}
	hub := broadcast.NewHub(broadcast.HubConfig{})
	serveTopic(s, hub)
	serveWebSockets(s, hub)
	return s
}

// stream sends n chunks of 1024 bytes, each flushed.
func stream(c *hyperlane.Context) error {
	n, err := hyperlane.Param[uint32](c, "n")
	if err != nil {
		return err
	}
	chunk := bytes.Repeat([]byte("x"), 1024)
	chunk[1023] = '\n'
	c.Response.SetHeader("Content-Type", "text/plain")
	return c.Stream(func(w *hyperlane.Stream) error {
		for range n {
			if _, err := w.Write(chunk); err != nil {
				return err
			}
			if err := w.Flush(); err != nil {
				return err
			}
		}
		return nil
	})
}
