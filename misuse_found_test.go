//go:build race || hyperlanedebug

package hyperlane_test

import (
	"fmt"
	"testing"

	"github.com/hyperlane-go/hyperlane"
	"github.com/hyperlane-go/hyperlane/hyperlanetest"
)

func TestAContextThatIsUsedAfterItsHandlerHasReturnedPanics(t *testing.T) {
	uses := map[string]func(c *hyperlane.Context){
		"Param":          func(c *hyperlane.Context) { c.Param("id") },
		"Set":            func(c *hyperlane.Context) { c.Set(1, 2) },
		"Value":          func(c *hyperlane.Context) { c.Value(1) },
		"Context":        func(c *hyperlane.Context) { c.Context() },
		"Detach":         func(c *hyperlane.Context) { c.Detach() },
		"Text":           func(c *hyperlane.Context) { c.Text("late") },
		"JSON":           func(c *hyperlane.Context) { c.JSON("late") },
		"Stream":         func(c *hyperlane.Context) { c.Stream(nil) },
		"Abort":          func(c *hyperlane.Context) { c.Abort() },
		"Aborted":        func(c *hyperlane.Context) { c.Aborted() },
		"Redirect":       func(c *hyperlane.Context) { c.Redirect(302, "/") },
		"Upgrade":        func(c *hyperlane.Context) { c.Upgrade("x", nil) },
		"Hijack":         func(c *hyperlane.Context) { c.Hijack() },
		"Query":          func(c *hyperlane.Context) { c.Query("q") },
		"Request.Path":   func(c *hyperlane.Context) { c.Request.Path() },
		"Request.Header": func(c *hyperlane.Context) { c.Request.Header("Host") },
		"Request.Cookie": func(c *hyperlane.Context) { c.Request.Cookie("a") },
		"Request.Body":   func(c *hyperlane.Context) { c.Request.Body() },
		"SetStatus":      func(c *hyperlane.Context) { c.Response.SetStatus(200) },
		"SetHeader":      func(c *hyperlane.Context) { c.Response.SetHeader("a", "b") },
		"SetBody":        func(c *hyperlane.Context) { c.Response.SetBody(nil) },
		"Status":         func(c *hyperlane.Context) { c.Response.Status() },
		"Size":           func(c *hyperlane.Context) { c.Response.Size() },
		"Committed":      func(c *hyperlane.Context) { c.Response.Committed() },
	}
	hyperlanetest.Each(t, func(t *testing.T, d hyperlanetest.Driver) {
		escaped := make(chan *hyperlane.Context, 1)
		finished := make(chan struct{}, 1)
		c := d.Serve(t, hyperlane.Config{}, func(s *hyperlane.Server) {
			s.Get("/{id}", func(c *hyperlane.Context) error {
				escaped <- c
				return nil
			})
			s.OnFinish(func(*hyperlane.Context) { finished <- struct{}{} })
		})
		c.Get("/1").Status(200)
		late := await(t, escaped, "the context")
		await(t, finished, "the end of the request")
		c.Get("/2").Status(200) // the first request is over by now
		if again := await(t, escaped, "another context"); again == late {
			t.Error("got the same Context for two requests")
		}
		for name, use := range uses {
			func() {
				defer func() {
					if v := recover(); v == nil {
						t.Errorf("%s: got no panic", name)
					} else {
						contains(t, fmt.Sprint(v), "after its handler had returned", "Detach")
					}
				}()
				use(late)
			}()
		}
	})
}
