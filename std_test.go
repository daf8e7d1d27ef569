package hyperlane_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/hyperlane-go/hyperlane"
	"github.com/hyperlane-go/hyperlane/hyperlanetest"
)

// interop holds handlers of other people's; here is what every handler of net/http's kind relies on.
func TestAHandlerOfNetHTTPAnswersUnchanged(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("/std/echo", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		w.Header().Set("X-Asked", fmt.Sprint(r.Method, " ", r.URL, " ", r.Host, " ", r.Header.Get("X-Name"), " ", r.ContentLength))
		w.WriteHeader(http.StatusCreated)
		w.Write(body)
	})
	mux.HandleFunc("/std/stream", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Trailer", "X-Sum")
		for range 3 {
			io.WriteString(w, "piece ")
			http.NewResponseController(w).Flush()
		}
		w.Header().Set("X-Sum", "3")
	})
	mux.HandleFunc("/std/panic", func(http.ResponseWriter, *http.Request) { panic("in net/http's kind") })
	mux.HandleFunc("/std/nothing", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("/std/page", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "<html><body>page") })
	each(t, hyperlane.Config{}, func(s *hyperlane.Server) {
		s.OnResponse(func(c *hyperlane.Context) error { c.Response.SetHeader("X-Phase", "1"); return nil })
		s.Any("/std/{path...}", hyperlane.FromHTTP(mux))
		s.Any("/values/{id}", hyperlane.FromHTTP(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, r.PathValue("id"))
		})))
	}, func(t *testing.T, c *hyperlanetest.Client) {
		for _, n := range []int{3, 200_000} {
			body := strings.Repeat("x", n)
			c.Request("POST", "/std/echo?q=1").Header("X-Name", "name").Body(body).Send().
				Status(201).Body(body).Header("X-Asked", fmt.Sprintf("POST /std/echo?q=1 hyperlane.test name %d", n)).Header("X-Phase", "1")
		}
		c.Get("/std/stream").Status(200).Body("piece piece piece ").Trailer("X-Sum", "3").Header("X-Phase", "1")
		c.Get("/std/panic").Problem(500, "").Header("X-Phase", "1")
		c.Get("/std/nothing").Status(200).Body("").Header("X-Phase", "1")
		c.Get("/std/page").Status(200).Header("Content-Type", "text/html; charset=utf-8")
		c.Get("/std/nowhere").Status(404).Header("X-Content-Type-Options", "nosniff")
		c.Request("HEAD", "/std/page").Send().Status(200).Body("")
		c.Get("/values/a%20b").Body("a b")
	})
}

func TestMiddlewareOfNetHTTPStandsAroundAHandler(t *testing.T) {
	type key struct{}
	around := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Around", "1")
			if r.URL.Query().Get("stop") != "" {
				http.Error(w, "stopped", http.StatusForbidden)
				return
			}
			r.Header.Set("X-Name", "by middleware")
			next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), key{}, "value")))
		})
	}
	each(t, hyperlane.Config{}, func(s *hyperlane.Server) {
		s.OnResponse(func(c *hyperlane.Context) error { c.Response.SetHeader("X-Phase", "1"); return nil })
		s.Use(hyperlane.FromHTTPMiddleware(around))
		s.Any("/{id}", func(c *hyperlane.Context) error {
			body, err := c.Request.Body()
			if err != nil {
				return err
			}
			c.Response.SetHeader("X-Inner", c.Param("id"))
			return c.Status(201).Text(fmt.Sprint(c.Request.Header("X-Name"), " ", c.Context().Value(key{}), " ", string(body)))
		})
		s.Get("/error", func(c *hyperlane.Context) error { return hyperlane.Errorf(409, "busy") })
		s.Get("/panic", func(c *hyperlane.Context) error { panic("inside") })
		s.Get("/stream", func(c *hyperlane.Context) error {
			return c.Stream(func(w *hyperlane.Stream) error {
				for range 3 {
					w.WriteString("piece ")
					if err := w.Flush(); err != nil {
						return err
					}
				}
				return nil
			})
		})
	}, func(t *testing.T, c *hyperlanetest.Client) {
		c.Request("POST", "/7").Header("X-Name", "by client").Body("body").Send().Status(201).
			Body("by middleware value body").Header("X-Inner", "7").Header("X-Around", "1").Header("X-Phase", "1")
		c.Get("/7?stop=1").Status(403).Body("stopped\n").Header("X-Around", "1").Header("X-Phase", "1")
		c.Get("/error").Problem(409, "busy").Header("X-Around", "1").Header("X-Phase", "1")
		c.Get("/panic").Problem(500, "").Header("X-Around", "1").Header("X-Phase", "1")
		c.Get("/stream").Status(200).Body("piece piece piece ").Header("X-Around", "1")
	})
}

func TestAnInterimResponseHasNothingOfTheFinalMessage(t *testing.T) {
	each(t, hyperlane.Config{}, func(s *hyperlane.Server) {
		s.Get("/hints", hyperlane.FromHTTP(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Link", "</style.css>")
			w.Header().Set("Content-Length", "5")
			w.WriteHeader(http.StatusEarlyHints)
			io.WriteString(w, "final")
		})))
	}, func(t *testing.T, c *hyperlanetest.Client) {
		nc := c.Dial()
		write(t, nc, "GET /hints HTTP/1.1\r\nHost: x\r\n\r\n")
		hints := readUntil(t, nc, "\r\n\r\n")
		if !strings.HasPrefix(hints, "HTTP/1.1 103 ") || !strings.Contains(hints, "Link: </style.css>") || strings.Contains(hints, "Content-Length") {
			t.Errorf("got %q", hints)
		}
		if answer, err := readMessage(nc); err != nil || !strings.HasSuffix(answer, "final") || !strings.Contains(answer, "Content-Length: 5\r\n") {
			t.Errorf("got %q, %v", answer, err)
		}
	})
}
