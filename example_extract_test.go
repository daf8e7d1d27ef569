package hyperlane_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/hyperlane-go/hyperlane"
)

type newOrder struct {
	Customer int64  `path:"customer"`
	Notify   bool   `query:"notify" default:"true"`
	Title    string `json:"title" bind:"required"`
	Count    int    `json:"count" default:"1"`
}

func (o newOrder) Validate() error {
	var errs hyperlane.FieldErrors
	if o.Title == "" {
		errs.Add("/title", "must not be empty")
	}
	if o.Count < 1 {
		errs.Add("/count", "must be at least %d", 1)
	}
	return errs.Err()
}

func ExampleBind() {
	server := hyperlane.New(hyperlane.Config{})
	server.Post("/customers/{customer}/orders", func(c *hyperlane.Context) error {
		order, err := hyperlane.Bind[newOrder](c)
		if err != nil {
			return err
		}
		return c.Text(fmt.Sprintf("%+v", order))
	}, hyperlane.Binds[newOrder]())

	for _, body := range []string{`{"title": "tea"}`, `{"count": "two"}`, `{"title": "", "count": 0}`} {
		r := httptest.NewRequest(http.MethodPost, "/customers/7/orders", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Accept", "text/plain") // without it errors are problem documents
		w := httptest.NewRecorder()
		server.ServeHTTP(w, r)
		fmt.Println(w.Code, strings.TrimSpace(w.Body.String()))
	}
	// Output:
	// 200 {Customer:7 Notify:true Title:tea Count:1}
	// 400 Bad Request: /count must be a whole number, at byte 15; /title is missing
	// 422 Unprocessable Entity: /title must not be empty; /count must be at least 1
}

func ExampleParam() {
	server := hyperlane.New(hyperlane.Config{})
	server.Get("/users/{id}", func(c *hyperlane.Context) error {
		id, err := hyperlane.Param[uint64](c, "id")
		if err != nil {
			return err
		}
		page, err := hyperlane.QueryOr(c, "page", 1)
		if err != nil {
			return err
		}
		return c.Text(fmt.Sprintf("user %d, page %d", id, page))
	})

	for _, target := range []string{"/users/7", "/users/7?page=3", "/users/me", "/users/7?page=last"} {
		r := httptest.NewRequest(http.MethodGet, target, nil)
		r.Header.Set("Accept", "text/plain")
		w := httptest.NewRecorder()
		server.ServeHTTP(w, r)
		fmt.Println(w.Code, strings.TrimSpace(w.Body.String()))
	}
	// Output:
	// 200 user 7, page 1
	// 200 user 7, page 3
	// 400 Bad Request: path id must be a whole number from 0
	// 400 Bad Request: query page must be a whole number
}
