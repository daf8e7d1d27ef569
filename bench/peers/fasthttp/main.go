// Command fasthttp is the benchmark server on valyala/fasthttp. fasthttp has
// no router; a switch over method and path stands in for one, which is in its
// favour.
package main

import (
	"encoding/json"
	"flag"
	"log"
	"strconv"
	"strings"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/hyperlane-go/hyperlane/bench/spin"
)

type message struct {
	Message string `json:"message"`
	ID      int    `json:"id"`
}

func main() {
	addr := flag.String("addr", "127.0.0.1:8080", "address to listen on")
	flag.Parse()
	server := &fasthttp.Server{
		Handler:               denyFrames(refuseBlocked(route)),
		NoDefaultServerHeader: true,
	}
	log.Fatal(server.ListenAndServe(*addr))
}

func route(ctx *fasthttp.RequestCtx) {
	path := string(ctx.Path())
	switch {
	case ctx.IsGet() && path == "/plaintext":
		ctx.SetContentType("text/plain; charset=utf-8")
		ctx.SetBodyString("Hello, World!")
	case ctx.IsGet() && path == "/json":
		body, err := json.Marshal(message{"Hello, World!", 42})
		if err != nil {
			ctx.Error(err.Error(), fasthttp.StatusInternalServerError)
			return
		}
		ctx.SetContentType("application/json")
		ctx.SetBody(body)
	case ctx.IsGet() && strings.HasPrefix(path, "/users/"):
		ctx.SetContentType("text/plain; charset=utf-8")
		ctx.SetBodyString(strings.TrimPrefix(path, "/users/"))
	case ctx.IsPost() && path == "/echo":
		ctx.SetContentType("application/octet-stream")
		ctx.SetBody(ctx.PostBody())
	case ctx.IsGet() && strings.HasPrefix(path, "/sleep/"):
		text := strings.TrimPrefix(path, "/sleep/")
		ms, err := strconv.Atoi(text)
		if err != nil {
			ctx.Error("not a number", fasthttp.StatusBadRequest)
			return
		}
		time.Sleep(time.Duration(ms) * time.Millisecond)
		ctx.SetContentType("text/plain; charset=utf-8")
		ctx.SetBodyString(text)
	case ctx.IsGet() && strings.HasPrefix(path, "/spin/"):
		text := strings.TrimPrefix(path, "/spin/")
		ms, err := strconv.Atoi(text)
		if err != nil {
			ctx.Error("not a number", fasthttp.StatusBadRequest)
			return
		}
		spin.For(time.Duration(ms) * time.Millisecond)
		ctx.SetContentType("text/plain; charset=utf-8")
		ctx.SetBodyString(text)
	default:
		ctx.SetStatusCode(fasthttp.StatusNotFound)
	}
}

// refuseBlocked is the request middleware.
func refuseBlocked(next fasthttp.RequestHandler) fasthttp.RequestHandler {
	return func(ctx *fasthttp.RequestCtx) {
		if string(ctx.Request.Header.Peek("X-Client")) == "blocked" {
			ctx.SetStatusCode(fasthttp.StatusForbidden)
			return
		}
		next(ctx)
	}
}

// denyFrames is the response middleware.
func denyFrames(next fasthttp.RequestHandler) fasthttp.RequestHandler {
	return func(ctx *fasthttp.RequestCtx) {
		next(ctx)
		ctx.Response.Header.Set("X-Frame-Options", "DENY")
	}
}
