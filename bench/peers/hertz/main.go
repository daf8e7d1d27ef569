// Command hertz is the benchmark server on cloudwego/hertz with its default
// transport (netpoll) and the standard JSON encoder.
package main

import (
	"context"
	"flag"
	"net/http"
	"strconv"
	"time"

	"github.com/cloudwego/hertz/pkg/app"
	"github.com/cloudwego/hertz/pkg/app/server"
	"github.com/cloudwego/hertz/pkg/app/server/render"
	"github.com/cloudwego/hertz/pkg/common/config"
	"github.com/cloudwego/hertz/pkg/common/hlog"

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

	hlog.SetLevel(hlog.LevelError)
	render.ResetStdJSONMarshal()
	h := server.New(server.WithHostPorts(*addr), config.Option{F: func(o *config.Options) {
		o.NoDefaultServerHeader = true
	}})
	h.Use(denyFrames, refuseBlocked)
	h.GET("/plaintext", func(_ context.Context, c *app.RequestContext) {
		c.String(http.StatusOK, "Hello, World!")
	})
	h.GET("/json", func(_ context.Context, c *app.RequestContext) {
		c.JSON(http.StatusOK, message{"Hello, World!", 42})
	})
	h.GET("/users/:id", func(_ context.Context, c *app.RequestContext) {
		c.String(http.StatusOK, c.Param("id"))
	})
	h.POST("/echo", func(_ context.Context, c *app.RequestContext) {
		c.Data(http.StatusOK, "application/octet-stream", c.Request.Body())
	})
	h.GET("/sleep/:ms", func(_ context.Context, c *app.RequestContext) {
		ms, err := strconv.Atoi(c.Param("ms"))
		if err != nil {
			c.String(http.StatusBadRequest, "not a number")
			return
		}
		time.Sleep(time.Duration(ms) * time.Millisecond)
		c.String(http.StatusOK, c.Param("ms"))
	})
	h.GET("/spin/:ms", func(_ context.Context, c *app.RequestContext) {
		ms, err := strconv.Atoi(c.Param("ms"))
		if err != nil {
			c.String(http.StatusBadRequest, "not a number")
			return
		}
		spin.For(time.Duration(ms) * time.Millisecond)
		c.String(http.StatusOK, c.Param("ms"))
	})
	for _, r := range router.Generate(*routes) {
		h.Handle(r.Method, r.Colon(), func(_ context.Context, c *app.RequestContext) { c.String(http.StatusOK, r.Pattern) })
	}
	h.Spin()
}

// refuseBlocked is the request middleware.
func refuseBlocked(ctx context.Context, c *app.RequestContext) {
	if string(c.GetHeader("X-Client")) == "blocked" {
		c.AbortWithStatus(http.StatusForbidden)
		return
	}
	c.Next(ctx)
}

// denyFrames is the response middleware.
func denyFrames(ctx context.Context, c *app.RequestContext) {
	c.Next(ctx)
	c.Header("X-Frame-Options", "DENY")
}
