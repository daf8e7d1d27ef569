package hyperlane_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/hyperlane-go/hyperlane"
	"github.com/hyperlane-go/hyperlane/hyperlanetest"
)

// notesKey is the key of the names of all code that a request went through, in order.
type notesKey struct{}

func note(c *hyperlane.Context, name string) {
	notes, _ := c.Value(notesKey{}).([]string)
	c.Set(notesKey{}, append(notes, name))
}

func notes(c *hyperlane.Context) string {
	notes, _ := c.Value(notesKey{}).([]string)
	return strings.Join(notes, " ")
}

// station is a handler that notes its name, and then does what the query asks of it: ?abort=name, ?error=name, ?panic=name.
func station(name string) hyperlane.Handler {
	return func(c *hyperlane.Context) error {
		note(c, name)
		switch name {
		case c.Query("abort"):
			c.Abort()
		case c.Query("error"):
			return hyperlane.Errorf(418, "by %s", name)
		case c.Query("panic"):
			panic("by " + name)
		}
		return nil
	}
}

// tunnel is middleware that notes its name at both ends.
func tunnel(name string) hyperlane.Middleware {
	return func(next hyperlane.Handler) hyperlane.Handler {
		return func(c *hyperlane.Context) error {
			if err := station(name + "(")(c); err != nil {
				return err
			}
			err := next(c)
			note(c, ")"+name)
			return err
		}
	}
}

func fillStations(s *hyperlane.Server) {
	s.OnRequest(station("s1"))
	s.OnRequest(station("s2"))
	s.OnResponse(station("S1"))
	s.OnResponse(station("S2"))
	s.Use(tunnel("w1"), tunnel("w2"))
	outer := s.Group("/outer")
	outer.OnRequest(station("o"))
	outer.OnResponse(station("O"))
	inner := outer.Group("/inner/{id}")
	inner.OnRequest(station("i1"))
	inner.OnRequest(station("i2"))
	inner.OnResponse(station("I1"))
	inner.OnResponse(station("I2"))
	inner.Use(tunnel("wi"))
	inner.Get("/x", station("x"))
	outer.Use(tunnel("wo")) // holds for the route above, too
	s.Get("/plain", station("x"))
	s.Get("/stream", func(c *hyperlane.Context) error {
		return c.Stream(func(w *hyperlane.Stream) error {
			w.WriteString("one ")
			note(c, "wrote")
			if err := w.Flush(); err != nil {
				return err
			}
			note(c, "flushed")
			w.WriteString("two")
			return nil
		})
	})
	s.OnResponse(func(c *hyperlane.Context) error {
		c.Response.SetHeader("Notes", notes(c))
		return nil
	})
}

func TestARequestGoesThroughThePhasesAndTheMiddlewareInTheirOrder(t *testing.T) {
	each(t, hyperlane.Config{}, fillStations, func(t *testing.T, c *hyperlanetest.Client) {
		for _, test := range []struct {
			method, target string
			status         int
			notes          string // when the head leaves
		}{
			{"GET", "/plain", 200, "s1 s2 w1( w2( x )w2 )w1 S1 S2"},
			{"HEAD", "/plain", 200, "s1 s2 w1( w2( x )w2 )w1 S1 S2"},
			{"GET", "/outer/inner/7/x", 200, "s1 s2 o i1 i2 w1( w2( wo( wi( x )wi )wo )w2 )w1 I1 I2 O S1 S2"},
			// A request without a route goes through the server's phases.
			{"GET", "/nowhere", 404, "s1 s2 S1 S2"},
			{"POST", "/plain", 405, "s1 s2 S1 S2"},
			{"OPTIONS", "/plain", 204, "s1 s2 S1 S2"},
			// An abort ends the request phase and skips the handler.
			{"GET", "/plain?abort=s1", 200, "s1 S1 S2"},
			{"GET", "/nowhere?abort=s1", 200, "s1 S1 S2"},
			{"GET", "/outer/inner/7/x?abort=s2", 200, "s1 s2 I1 I2 O S1 S2"},
			{"GET", "/outer/inner/7/x?abort=o", 200, "s1 s2 o I1 I2 O S1 S2"},
			{"GET", "/outer/inner/7/x?abort=i2", 200, "s1 s2 o i1 i2 I1 I2 O S1 S2"},
			{"GET", "/plain?abort=x", 200, "s1 s2 w1( w2( x )w2 )w1 S1 S2"},
			// An error does so, too; middleware sees it pass.
			{"GET", "/plain?error=s1", 418, "s1 S1 S2"},
			{"GET", "/outer/inner/7/x?error=i1", 418, "s1 s2 o i1 I1 I2 O S1 S2"},
			{"GET", "/plain?error=w2(", 418, "s1 s2 w1( w2( )w1 S1 S2"},
			{"GET", "/plain?error=x", 418, "s1 s2 w1( w2( x )w2 )w1 S1 S2"},
			// One in the response phase replaces the answer, but skips nothing.
			{"GET", "/outer/inner/7/x?error=I1&abort=o", 418, "s1 s2 o I1 I2 O S1 S2"},
			{"GET", "/plain?error=S1", 418, "s1 s2 w1( w2( x )w2 )w1 S1 S2"},
			{"GET", "/nowhere?error=S1", 418, "s1 s2 S1 S2"},
			// A panic is an error that middleware does not see.
			{"GET", "/plain?panic=s2", 500, "s1 s2 S1 S2"},
			{"GET", "/plain?panic=w1(", 500, "s1 s2 w1( S1 S2"},
			{"GET", "/outer/inner/7/x?panic=x", 500, "s1 s2 o i1 i2 w1( w2( wo( wi( x I1 I2 O S1 S2"},
			{"GET", "/plain?panic=S1", 500, "s1 s2 w1( w2( x )w2 )w1 S1 S2"},
			// For a stream the response phase runs before the first byte leaves.
			{"GET", "/stream", 200, "s1 s2 w1( w2( wrote S1 S2"},
		} {
			c.Request(test.method, test.target).Send().Status(test.status).Header("Notes", test.notes)
		}
		c.Get("/stream").Body("one two")
	})
}

func TestAnAbortLeavesTheAnswerThatWasSet(t *testing.T) {
	each(t, hyperlane.Config{}, func(s *hyperlane.Server) {
		s.OnRequest(func(c *hyperlane.Context) error {
			c.Abort()
			return c.Status(http.StatusUnauthorized).Text("who are you?")
		})
		s.OnResponse(func(c *hyperlane.Context) error {
			if c.Aborted() {
				c.Response.SetHeader("WWW-Authenticate", "Basic")
			}
			return nil
		})
		s.Get("/", func(c *hyperlane.Context) error { return errors.New("not reached") })
	}, func(t *testing.T, c *hyperlanetest.Client) {
		c.Get("/").Status(401).Body("who are you?").Header("WWW-Authenticate", "Basic")
	})
}

func TestResponseMiddlewareMayChangeTheWholeAnswer(t *testing.T) {
	each(t, hyperlane.Config{}, func(s *hyperlane.Server) {
		s.Get("/text", func(c *hyperlane.Context) error { return c.Status(201).Text("hello") })
		s.Get("/stream", func(c *hyperlane.Context) error {
			return c.Stream(func(w *hyperlane.Stream) error { _, err := w.WriteString("hello"); return err })
		})
		s.OnResponse(func(c *hyperlane.Context) error {
			body := strings.ToUpper(string(c.Response.Body()))
			c.Response.SetStatus(c.Response.Status()+1).SetHeader("Status", http.StatusText(c.Response.Status())).SetBodyString(body)
			return nil
		})
	}, func(t *testing.T, c *hyperlanetest.Client) {
		c.Get("/text").Status(202).Body("HELLO").Header("Status", "Accepted")
	})
}

func TestValuesGoFromOnePhaseToTheNextAndNoFurther(t *testing.T) {
	type key struct{}
	each(t, hyperlane.Config{}, func(s *hyperlane.Server) {
		s.OnRequest(func(c *hyperlane.Context) error {
			if v := c.Value(key{}); v != nil {
				return hyperlane.Errorf(409, "a value of another request: %v", v)
			}
			c.Set(key{}, "first")
			c.Set(key{}, c.Query("v"))
			return nil
		})
		s.Get("/", func(c *hyperlane.Context) error { return c.Text(c.Value(key{}).(string)) })
	}, func(t *testing.T, c *hyperlanetest.Client) {
		for _, v := range []string{"a", "b", "c"} {
			c.Get("/?v=" + v).Status(200).Body(v)
		}
	})
}
