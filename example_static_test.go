package hyperlane_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing/fstest"
	"time"

	"github.com/hyperlane-go/hyperlane"
)

// get returns what server answers.
func get(server http.Handler, target string, fields ...string) *http.Response {
	request := httptest.NewRequest("GET", target, nil)
	for i := 0; i < len(fields); i += 2 {
		request.Header.Set(fields[i], fields[i+1])
	}
	w := httptest.NewRecorder()
	server.ServeHTTP(w, request)
	return w.Result()
}

func ExampleGroup_Static() {
	// In a program: //go:embed all:dist, or hyperlane.Dir("/srv/www").
	site := fstest.MapFS{
		"index.html":    {Data: []byte("<!doctype html><title>Shop</title>")},
		"assets/app.js": {Data: []byte("let shop")},
		".env":          {Data: []byte("PASSWORD=1234")},
	}
	server := hyperlane.New(hyperlane.Config{})
	server.Static("/", site, hyperlane.StaticConfig{
		Fallback:     "index.html", // its router shows /orders/7
		CacheControl: "public, max-age=31536000, immutable",
	})

	for _, target := range []string{"/", "/assets/app.js", "/orders/7", "/none.js", "/.env"} {
		response := get(server, target, "Accept", "text/html")
		fmt.Printf("%d %s %q\n", response.StatusCode, target, response.Header.Get("Cache-Control"))
	}
	// Output:
	// 200 / "no-cache"
	// 200 /assets/app.js "public, max-age=31536000, immutable"
	// 200 /orders/7 "no-cache"
	// 404 /none.js ""
	// 404 /.env ""
}

func ExampleContext_Content() {
	server := hyperlane.New(hyperlane.Config{})
	server.Get("/report", func(c *hyperlane.Context) error {
		modified := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
		return c.Content("report.csv", modified, strings.NewReader("id,total\n7,49.90\n"))
	})

	response := get(server, "/report", "Range", "bytes=9-")
	fmt.Println(response.Status, response.Header.Get("Content-Range"), response.Header.Get("Content-Type"))
	response = get(server, "/report", "If-Modified-Since", "Fri, 02 Jan 2026 03:04:05 GMT")
	fmt.Println(response.Status)
	// Output:
	// 206 Partial Content bytes 9-16/17 text/csv; charset=utf-8
	// 304 Not Modified
}

func ExampleResponse_SetAttachment() {
	server := hyperlane.New(hyperlane.Config{})
	server.Get("/invoice", func(c *hyperlane.Context) error {
		c.Response.SetAttachment(c.Query("as"))
		return c.Content("invoice.pdf", time.Time{}, strings.NewReader("%PDF-1.7"))
	})

	fmt.Println(get(server, "/invoice?as=Rechnung+für+Zoë.pdf").Header.Get("Content-Disposition"))
	fmt.Println(get(server, "/invoice?as=../../evil%0d%0a.pdf").Header.Get("Content-Disposition"))
	// Output:
	// attachment; filename="Rechnung f_r Zo_.pdf"; filename*=UTF-8''Rechnung%20f%C3%BCr%20Zo%C3%AB.pdf
	// attachment; filename=".._.._evil__.pdf"
}
