// Command gin is the benchmark server on gin-gonic/gin, in release mode and
// without the logger and recovery of gin.Default.
package main

import (
	"flag"
	"io"
	"log"
	"net/http"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

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

	gin.SetMode(gin.ReleaseMode)
	engine := gin.New()
	engine.Use(denyFrames, refuseBlocked)
	engine.GET("/plaintext", func(c *gin.Context) {
		c.String(http.StatusOK, "Hello, World!")
	})
	engine.GET("/json", func(c *gin.Context) {
		c.JSON(http.StatusOK, message{"Hello, World!", 42})
	})
	engine.GET("/users/:id", func(c *gin.Context) {
		c.String(http.StatusOK, c.Param("id"))
	})
	engine.POST("/echo", func(c *gin.Context) {
		body, err := io.ReadAll(c.Request.Body)
		if err != nil {
			c.String(http.StatusBadRequest, err.Error())
			return
		}
		c.Header("Content-Length", strconv.Itoa(len(body)))
		c.Data(http.StatusOK, "application/octet-stream", body)
	})
	engine.GET("/sleep/:ms", func(c *gin.Context) {
		ms, err := strconv.Atoi(c.Param("ms"))
		if err != nil {
			c.String(http.StatusBadRequest, "not a number")
			return
		}
		time.Sleep(time.Duration(ms) * time.Millisecond)
		c.String(http.StatusOK, c.Param("ms"))
	})
	engine.GET("/spin/:ms", func(c *gin.Context) {
		ms, err := strconv.Atoi(c.Param("ms"))
		if err != nil {
			c.String(http.StatusBadRequest, "not a number")
			return
		}
		spin.For(time.Duration(ms) * time.Millisecond)
		c.String(http.StatusOK, c.Param("ms"))
	})
	for _, r := range router.Generate(*routes) {
		engine.Handle(r.Method, r.Colon(), func(c *gin.Context) { c.String(http.StatusOK, r.Pattern) })
	}
	log.Fatal(engine.Run(*addr))
}

// refuseBlocked is the request middleware.
func refuseBlocked(c *gin.Context) {
	if c.GetHeader("X-Client") == "blocked" {
		c.AbortWithStatus(http.StatusForbidden)
		return
	}
	c.Next()
}

// denyFrames is the response middleware. It sets its field before the handler
// runs, because afterwards gin may have sent the head.
func denyFrames(c *gin.Context) {
	c.Header("X-Frame-Options", "DENY")
	c.Next()
}
