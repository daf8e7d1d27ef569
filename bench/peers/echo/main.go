// Command echo is the benchmark server on labstack/echo.
package main

import (
	"flag"
	"io"
	"log"
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v5"

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

	e := echo.New()
	e.Use(denyFrames, refuseBlocked)
	e.GET("/plaintext", func(c *echo.Context) error {
		return c.String(http.StatusOK, "Hello, World!")
	})
	e.GET("/json", func(c *echo.Context) error {
		return c.JSON(http.StatusOK, message{"Hello, World!", 42})
	})
	e.GET("/users/:id", func(c *echo.Context) error {
		return c.String(http.StatusOK, c.Param("id"))
	})
	e.POST("/echo", func(c *echo.Context) error {
		body, err := io.ReadAll(c.Request().Body)
		if err != nil {
			return echo.NewHTTPError(http.StatusBadRequest, err.Error())
		}
		c.Response().Header().Set("Content-Length", strconv.Itoa(len(body)))
		return c.Blob(http.StatusOK, "application/octet-stream", body)
	})
	e.GET("/sleep/:ms", func(c *echo.Context) error {
		ms, err := strconv.Atoi(c.Param("ms"))
		if err != nil {
			return echo.NewHTTPError(http.StatusBadRequest, "not a number")
		}
		time.Sleep(time.Duration(ms) * time.Millisecond)
		return c.String(http.StatusOK, c.Param("ms"))
	})
	e.GET("/spin/:ms", func(c *echo.Context) error {
		ms, err := strconv.Atoi(c.Param("ms"))
		if err != nil {
			return echo.NewHTTPError(http.StatusBadRequest, "not a number")
		}
		spin.For(time.Duration(ms) * time.Millisecond)
		return c.String(http.StatusOK, c.Param("ms"))
	})
	for _, r := range router.Generate(*routes) {
		e.Add(r.Method, r.Colon(), func(c *echo.Context) error { return c.String(http.StatusOK, r.Pattern) })
	}
	log.Fatal(http.ListenAndServe(*addr, e))
}

// refuseBlocked is the request middleware.
func refuseBlocked(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c *echo.Context) error {
		if c.Request().Header.Get("X-Client") == "blocked" {
			return c.NoContent(http.StatusForbidden)
		}
		return next(c)
	}
}

// denyFrames is the response middleware. It sets its field before the handler
// runs, because afterwards echo may have sent the head.
func denyFrames(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c *echo.Context) error {
		c.Response().Header().Set("X-Frame-Options", "DENY")
		return next(c)
	}
}
