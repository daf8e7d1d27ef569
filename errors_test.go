package hyperlane_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"github.com/hyperlane-go/hyperlane"
	"github.com/hyperlane-go/hyperlane/hyperlanetest"
)

const secret = "the password is hunter2"

var errNoStock = errors.New("no stock")

func fillErrors(s *hyperlane.Server) {
	fail := func(path string, err error) {
		s.Get(path, func(c *hyperlane.Context) error {
			c.Response.SetHeader("Before", "kept").SetBodyString("half an answer, and " + secret)
			return err
		})
	}
	fail("/plain", errors.New(secret))
	fail("/status", hyperlane.Errorf(409, "order %d is closed", 7))
	fail("/server", hyperlane.Errorf(502, "upstream says: %s", secret))
	fail("/cause", &hyperlane.Error{Status: 403, Detail: "not yours", Cause: errors.New(secret)})
	fail("/wrapped", fmt.Errorf("%s: %w", secret, hyperlane.Errorf(404, "no such order")))
	fail("/joined", errors.Join(errors.New(secret), hyperlane.Errorf(410, "")))
	fail("/mapped", fmt.Errorf("%s: %w", secret, errNoStock))
	fail("/mapped/file", &fs.PathError{Op: "open", Path: secret, Err: fs.ErrNotExist})
	fail("/deadline", fmt.Errorf("%s: %w", secret, context.DeadlineExceeded))
	fail("/odd", hyperlane.Errorf(200, secret))
	fail("/full", &hyperlane.Error{
		Status: 422, Type: "https://example.com/problems/balance", Title: "Not enough credit", Detail: "30 are left",
		Extensions: map[string]any{"balance": 30, "status": "not this", "detail": "nor this"},
	})
	fail("/fields", fmt.Errorf("%s: %w", secret, hyperlane.FieldErrors{{Pointer: "/title", Detail: "must not be empty"}}))
	s.MapError(errNoStock, &hyperlane.Error{Status: 409, Detail: "sold out"})
	s.MapError(fs.ErrNotExist, &hyperlane.Error{Status: 404})
	s.Get("/text/{status:int}", func(c *hyperlane.Context) error {
		if c.Param("status") == "418" {
			return hyperlane.Errorf(418, "short <and> stout")
		}
		return errors.New(secret)
	})
}

func TestAnErrorIsAnsweredAsAProblemDocument(t *testing.T) {
	each(t, hyperlane.Config{}, fillErrors, func(t *testing.T, c *hyperlanetest.Client) {
		for _, test := range []struct {
			target string
			status int
			detail string
		}{
			{"/plain", 500, ""},
			{"/status", 409, "order 7 is closed"},
			{"/server", 502, ""},
			{"/cause", 403, "not yours"},
			{"/wrapped", 404, "no such order"},
			{"/joined", 410, ""},
			{"/mapped", 409, "sold out"},
			{"/mapped/file", 404, ""},
			{"/deadline", 503, ""},
			{"/odd", 500, ""},
			{"/full", 422, "30 are left"},
			{"/fields", 422, "/title must not be empty"},
			{"/nowhere", 404, ""},
		} {
			r := c.Get(test.target).Problem(test.status, test.detail)
			if strings.Contains(r.Text(), secret) {
				t.Errorf("%s: the client was told: %s", test.target, r.Text())
			}
		}
		c.Get("/status").Header("Before", "kept")
		c.Get("/full").Golden("problems/full.json")
		c.Get("/status").Golden("problems/status.json")
		c.Get("/plain").Golden("problems/plain.json")
	})
}

func TestAClientThatDoesNotAcceptJSONIsToldAnErrorAsText(t *testing.T) {
	each(t, hyperlane.Config{}, fillErrors, func(t *testing.T, c *hyperlanetest.Client) {
		for _, test := range []struct {
			accept string
			json   bool
		}{
			{"*/*", true},
			{"application/*", true},
			{"text/html, application/xhtml+xml, */*;q=0.8", true},
			{"text/html, Application/JSON ; q=0.1", true},
			{"application/problem+json", true},
			{"text/html", false},
			{"text/*, image/*", false},
			{"application/json;q=0", false},
			{"text/plain, application/json; q=0.0", false},
		} {
			r := c.Request("GET", "/text/418").Header("Accept", test.accept).Send().Status(418)
			if test.json {
				r.Problem(418, "short <and> stout")
			} else {
				r.Header("Content-Type", "text/plain; charset=utf-8").Body("I'm a teapot: short <and> stout\n")
			}
		}
		c.Request("GET", "/text/500").Header("Accept", "text/plain").Send().Status(500).Body("Internal Server Error\n")
	})
}

func TestWhatAnErrorSaysGoesToTheLog(t *testing.T) {
	hyperlanetest.Each(t, func(t *testing.T, d hyperlanetest.Driver) {
		var book logbook
		c := d.Serve(t, hyperlane.Config{Logger: book.logger()}, fillErrors)
		c.Get("/plain")
		contains(t, book.String(), "level=ERROR", "method=GET", "path=/plain", secret)
		c.Get("/server")
		contains(t, book.String(), "path=/server", "502 Bad Gateway", secret)
		c.Get("/cause")
		if strings.Contains(book.String(), "/cause") {
			t.Errorf("got %q, want nothing of an error that is the client's", book.String())
		}
	})
}

func TestAStatusThatIsNoErrorsIsLogged(t *testing.T) {
	hyperlanetest.Each(t, func(t *testing.T, d hyperlanetest.Driver) {
		var book logbook
		c := d.Serve(t, hyperlane.Config{Logger: book.logger()}, func(s *hyperlane.Server) {
			s.Get("/", func(*hyperlane.Context) error { return hyperlane.Errorf(200, "all is well") })
		})
		c.Get("/").Status(500)
		contains(t, book.String(), "level=ERROR", "all is well")
	})
}

func TestTheErrorOfAHeadRequestHasNoBody(t *testing.T) {
	each(t, hyperlane.Config{}, fillErrors, func(t *testing.T, c *hyperlanetest.Client) {
		c.Request("HEAD", "/status").Send().Status(409).Header("Content-Type", "application/problem+json").Body("")
	})
}

func TestAnErrorAfterTheFirstByteBreaksTheResponseOff(t *testing.T) {
	hyperlanetest.Each(t, func(t *testing.T, d hyperlanetest.Driver) {
		c := d.Serve(t, hyperlane.Config{}, func(s *hyperlane.Server) {
			s.Get("/{how}", func(c *hyperlane.Context) error {
				return c.Stream(func(w *hyperlane.Stream) error {
					w.WriteString("half")
					if err := w.Flush(); err != nil {
						return err
					}
					if c.Param("how") == "panic" {
						panic("in the middle")
					}
					return errors.New(secret)
				})
			})
		})
		for _, how := range []string{"error", "panic"} {
			r, err := c.HTTP().Get(hyperlanetest.URL + "/" + how)
			if err != nil {
				t.Fatal(err)
			}
			body := make([]byte, 100)
			n := 0
			for err == nil {
				var m int
				m, err = r.Body.Read(body[n:])
				n += m
			}
			r.Body.Close()
			if r.StatusCode != 200 || string(body[:n]) != "half" || !strings.Contains(err.Error(), "unexpected EOF") {
				t.Errorf("/%s: got %d, %q, %v; want 200, half, unexpected EOF", how, r.StatusCode, body[:n], err)
			}
		}
	})
}
