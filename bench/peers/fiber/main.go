// Command fiber is the benchmark server on gofiber/fiber.
package main

import (
	"flag"
	"log"
	"strconv"
	"time"

	"github.com/gofiber/fiber/v3"

	"github.com/hyperlane-go/hyperlane/bench/router"
	"github.com/hyperlane-go/hyperlane/bench/spin"
)

type message struct {
	Message string `json:"message"`
	ID      int    `json:"id"`
}

func main() {
	addr := flag.String("addr", "127.0.0.1:8080", "address to listen on")
	routes := flag.Int("routes", 0, "how many further routes there are")
	flag.Parse()

	app := fiber.New()
	app.Use(denyFrames, refuseBlocked)
	app.Get("/plaintext", func(c fiber.Ctx) error {
		return c.SendString("Hello, World!")
	})
	app.Get("/json", func(c fiber.Ctx) error {
		return c.JSON(message{"Hello, World!", 42})
	})
	app.Get("/users/:id", func(c fiber.Ctx) error {
		return c.SendString(c.Params("id"))
	})
	app.Post("/echo", func(c fiber.Ctx) error {
		c.Set(fiber.HeaderContentType, fiber.MIMEOctetStream)
		return c.Send(c.Body())
	})
	app.Get("/sleep/:ms", func(c fiber.Ctx) error {
		ms, err := strconv.Atoi(c.Params("ms"))
		if err != nil {
			return fiber.NewError(fiber.StatusBadRequest, "not a number")
		}
		time.Sleep(time.Duration(ms) * time.Millisecond)
		return c.SendString(c.Params("ms"))
	})
	app.Get("/spin/:ms", func(c fiber.Ctx) error {
		ms, err := strconv.Atoi(c.Params("ms"))
		if err != nil {
			return fiber.NewError(fiber.StatusBadRequest, "not a number")
		}
		spin.For(time.Duration(ms) * time.Millisecond)
		return c.SendString(c.Params("ms"))
	})
	for _, r := range router.Generate(*routes) {
		app.Add([]string{r.Method}, r.Colon(), func(c fiber.Ctx) error { return c.SendString(r.Pattern) })
	}
	log.Fatal(app.Listen(*addr, fiber.ListenConfig{DisableStartupMessage: true}))
}

// refuseBlocked is the request middleware.
func refuseBlocked(c fiber.Ctx) error {
	if c.Get("X-Client") == "blocked" {
		c.Status(fiber.StatusForbidden)
		return nil
	}
	return c.Next()
}

// denyFrames is the response middleware.
func denyFrames(c fiber.Ctx) error {
	err := c.Next()
	c.Set("X-Frame-Options", "DENY")
	return err
}
