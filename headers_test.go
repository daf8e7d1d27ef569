package hyperlane_test

import (
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/hyperlane-go/hyperlane"
	"github.com/hyperlane-go/hyperlane/hyperlanetest"
)

func TestAFieldThatWouldBreakTheMessageIsRefused(t *testing.T) {
	type setter func(r *hyperlane.Response)
	bad := map[string]setter{
		"/value":   func(r *hyperlane.Response) { r.SetHeader("X-Name", "a\r\nX-Injected: 1") },
		"/lf":      func(r *hyperlane.Response) { r.AddHeader("X-Name", "a\nX-Injected: 1") },
		"/cr":      func(r *hyperlane.Response) { r.AddHeader("X-Name", "a\rX-Injected: 1") },
		"/nul":     func(r *hyperlane.Response) { r.SetHeader("X-Name", "a\x00b") },
		"/name":    func(r *hyperlane.Response) { r.SetHeader("X-Name: 1\r\nX-Injected", "1") },
		"/space":   func(r *hyperlane.Response) { r.SetHeader("X Name", "1") },
		"/empty":   func(r *hyperlane.Response) { r.SetHeader("", "1") },
		"/status":  func(r *hyperlane.Response) { r.SetStatus(99) },
		"/trailer": func(r *hyperlane.Response) { r.SetTrailer("X-Name", "a\r\nX-Injected: 1") },
		"/cookie":  func(r *hyperlane.Response) { r.SetCookie(&http.Cookie{Name: "a b", Value: "1"}) },
	}
	hyperlanetest.Each(t, func(t *testing.T, d hyperlanetest.Driver) {
		var book logbook
		c := d.Serve(t, hyperlane.Config{Logger: book.logger()}, func(s *hyperlane.Server) {
			for path, set := range bad {
				s.Get(path, func(c *hyperlane.Context) error {
					set(&c.Response)
					c.Response.SetHeader("X-Good", "1")
					return c.Text("fine")
				})
			}
			s.Get("/after", func(c *hyperlane.Context) error {
				return c.Stream(func(w *hyperlane.Stream) error {
					w.Flush()
					c.Response.SetHeader("X-Late", "1")
					_, err := w.WriteString("fine")
					return err
				})
			})
			s.Get("/response-phase", func(c *hyperlane.Context) error { return c.Text("fine") })
			s.OnResponse(func(c *hyperlane.Context) error {
				if c.Request.Path() == "/response-phase" {
					c.Response.SetHeader("X-Name", "a\r\nX-Injected: 1")
				}
				return nil
			})
		})
		for path := range bad {
			c.Get(path).Problem(500, "").Header("X-Injected", "").Header("X-Good", "1")
			contains(t, book.String(), "path="+path)
		}
		c.Get("/response-phase").Problem(500, "").Header("X-Injected", "")
		c.Get("/after").Status(200).Header("X-Late", "").Body("fine")
	})
}

func TestFieldsAreSetAddedAndRemovedWhateverTheirCase(t *testing.T) {
	each(t, hyperlane.Config{ServerName: "test"}, func(s *hyperlane.Server) {
		s.Get("/", func(c *hyperlane.Context) error {
			c.Response.SetStatus(201).
				AddHeader("X-Many", "1").AddHeader("x-many", "2").
				AddHeader("X-One", "1").AddHeader("X-ONE", "2").SetHeader("x-one", "3").
				SetHeader("X-None", "1").AddHeader("X-NONE", "2").DelHeader("x-none").
				SetHeader("Connection", "X-Many").SetHeader("Keep-Alive", "timeout=1").
				SetHeader("Transfer-Encoding", "gzip").SetHeader("Content-Length", "1").
				SetCookie(&http.Cookie{Name: "a", Value: "1"}).SetCookie(&http.Cookie{Name: "b", Value: "2"}).
				SetBody([]byte("12345"))
			if got := c.Response.Header("X-MANY"); got != "1" {
				return errors.New("the first value of X-Many is " + got)
			}
			return nil
		})
	}, func(t *testing.T, c *hyperlanetest.Client) {
		c.Get("/").Status(201).Body("12345").
			Header("X-Many", "1, 2").Header("X-One", "3").Header("X-None", "").Header("Set-Cookie", "a=1, b=2").
			Header("Transfer-Encoding", "").Header("Content-Length", "5").Header("Keep-Alive", "").
			Header("Content-Type", "application/octet-stream").Header("Server", "test")
	})
}

func TestARequestShowsItsFieldsWithoutRegardToCase(t *testing.T) {
	each(t, hyperlane.Config{}, func(s *hyperlane.Server) {
		s.Get("/fields", func(c *hyperlane.Context) error {
			r := &c.Request
			var names []string
			for name, value := range r.Headers() {
				if strings.HasPrefix(strings.ToLower(name), "x-") {
					names = append(names, strings.ToLower(name)+"="+value)
				}
			}
			slices.Sort(names) // net/http has forgotten their order
			cookie, ok := r.Cookie("b")
			return c.JSON([]any{
				r.Method(), r.Target(), r.Path(), r.RawQuery(), r.Host(), r.Proto(),
				r.Header("X-NAME"), string(r.HeaderView("x-name")), r.Headers().Values("x-many"), r.HeaderValues("x-many"), r.Header("x-none"),
				r.Headers().Get("x-many"), r.Headers().Get("x-none"), r.Headers().Has("X-name"), r.Headers().Has("x-none"),
				names, cookie, ok, len(r.Cookies()), c.Query("q"), c.Query("none"), r.QueryValues()["m"], r.TLS() == nil,
			})
		})
	}, func(t *testing.T, c *hyperlanetest.Client) {
		nc := c.Dial()
		write(t, nc, "GET /fields?q=a%20b+c&m=1&m=2&%zz HTTP/1.1\r\nHost: example.com:81\r\nx-name:   padded \t\r\n"+
			"X-Many: 1\r\nX-MANY: 2\r\nCookie: a=1; b=\"2\"\r\nConnection: close\r\n\r\n")
		got := readAll(t, nc)
		want := `["GET","/fields?q=a%20b+c\u0026m=1\u0026m=2\u0026%zz","/fields","q=a%20b+c\u0026m=1\u0026m=2\u0026%zz","example.com:81","HTTP/1.1",` +
			`"padded","padded",["1","2"],["1","2"],"","1","",true,false,["x-many=1","x-many=2","x-name=padded"],"2",true,2,"a b c","",["1","2"],true]`
		contains(t, got, "200 OK", want)
	})
}

func TestEveryKindOfAnswerHasItsContentType(t *testing.T) {
	each(t, hyperlane.Config{}, func(s *hyperlane.Server) {
		s.Get("/text", func(c *hyperlane.Context) error { return c.Text("<b>") })
		s.Get("/html", func(c *hyperlane.Context) error { return c.HTML("<b>") })
		s.Get("/json", func(c *hyperlane.Context) error { return c.JSON([]string{"<b>"}) })
		s.Get("/bytes", func(c *hyperlane.Context) error { return c.Bytes("image/png", []byte("png")) })
		s.Get("/string", func(c *hyperlane.Context) error { c.Response.SetBodyString("s"); return nil })
		s.Get("/slice", func(c *hyperlane.Context) error { c.Response.SetBody([]byte("<html>")); return nil })
		s.Get("/nothing", func(c *hyperlane.Context) error { return nil })
		s.Get("/none", func(c *hyperlane.Context) error { return c.NoContent() })
		s.Get("/redirect", func(c *hyperlane.Context) error { return c.Redirect(303, "/text?a=b") })
		s.Get("/badjson", func(c *hyperlane.Context) error { return c.JSON(func() {}) })
		s.Get("/badredirect", func(c *hyperlane.Context) error { return c.Redirect(200, "/") })
	}, func(t *testing.T, c *hyperlanetest.Client) {
		c.Get("/text").Header("Content-Type", "text/plain; charset=utf-8").Body("<b>").Header("Content-Length", "3")
		c.Get("/html").Header("Content-Type", "text/html; charset=utf-8").Body("<b>")
		c.Get("/json").JSON([]string{"<b>"})
		c.Get("/bytes").Header("Content-Type", "image/png").Body("png")
		c.Get("/string").Header("Content-Type", "text/plain; charset=utf-8").Body("s")
		c.Get("/slice").Header("Content-Type", "application/octet-stream").Body("<html>")
		c.Get("/nothing").Status(200).Header("Content-Type", "").Header("Content-Length", "0").Body("")
		c.Get("/none").Status(204).Header("Content-Type", "").Header("Content-Length", "").Body("")
		c.Get("/redirect").Status(303).Header("Location", "/text?a=b")
		c.Get("/badjson").Problem(500, "")
		c.Get("/badredirect").Problem(500, "")
		if date := c.Get("/text").HTTP().Header.Get("Date"); date == "" {
			t.Error("got an answer without a Date")
		}
	})
}

func TestAnAnswerThatSaysCloseIsTheLastOfItsConnection(t *testing.T) {
	each(t, hyperlane.Config{}, func(s *hyperlane.Server) {
		s.Get("/", func(c *hyperlane.Context) error {
			c.Response.SetHeader("Connection", "close")
			return c.Text("bye")
		})
	}, func(t *testing.T, c *hyperlanetest.Client) {
		nc := c.Dial()
		write(t, nc, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		got := readAll(t, nc)
		if strings.Count(got, "Connection: close") != 1 || !strings.HasSuffix(got, "\r\n\r\nbye") {
			t.Errorf("got %q, want one Connection: close", got)
		}
		if _, err := nc.Read(make([]byte, 1)); err != io.EOF {
			t.Errorf("got %v, want the connection closed", err)
		}
	})
}
