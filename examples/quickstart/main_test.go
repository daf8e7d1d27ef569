package main

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/hyperlane-go/hyperlane"
	"github.com/hyperlane-go/hyperlane/hyperlanetest"
)

// each runs test on every driver, against a server of its own.
func each(t *testing.T, test func(t *testing.T, c *hyperlanetest.Client)) {
	t.Helper()
	hyperlanetest.Each(t, func(t *testing.T, d hyperlanetest.Driver) {
		test(t, d.Serve(t, hyperlane.Config{}, routes))
	})
}

func TestATodoIsMadeReadChangedAndDeleted(t *testing.T) {
	each(t, func(t *testing.T, c *hyperlanetest.Client) {
		c.Post("/api/todos", newTodo{"Buy milk"}).Status(201).Header("Location", "/api/todos/4").JSON(todo{4, "Buy milk", false})
		c.Get("/api/todos/4").Status(200).JSON(todo{4, "Buy milk", false})
		c.Request("PATCH", "/api/todos/4").JSON(map[string]bool{"done": true}).Send().Status(200).JSON(todo{4, "Buy milk", true})
		c.Get("/api/todos?done=true").Status(200).JSON([]todo{{4, "Buy milk", true}})
		c.Request("DELETE", "/api/todos/4").Send().Status(204).Body("")
		c.Get("/api/todos/4").Problem(404, "there is no such to-do")
		c.Get("/api/todos?done=true").Status(200).JSON([]todo{})
	})
}

func TestNonsenseIsRefusedWithAPointerToIt(t *testing.T) {
	each(t, func(t *testing.T, c *hyperlanetest.Client) {
		empty := c.Post("/api/todos", newTodo{" "}).Problem(422, "/title must not be empty")
		var problem struct{ Errors []hyperlane.FieldError }
		if err := json.Unmarshal([]byte(empty.Text()), &problem); err != nil {
			t.Fatal(err)
		}
		if len(problem.Errors) != 1 || problem.Errors[0].Pointer != "/title" {
			t.Errorf("got errors %v, want one that points to /title", problem.Errors)
		}
		c.Post("/api/todos", newTodo{strings.Repeat("x", 81)}).Problem(422, "/title must not be longer than 80 bytes")
		c.Request("POST", "/api/todos").Header("Content-Type", "application/json").Body("{").Send().Status(400)
		c.Get("/api/todos?done=perhaps").Status(400)
		c.Get("/api/todos/one").Status(404)
		c.Request("PUT", "/api/todos/1").Send().Status(405).Header("Allow", "DELETE, GET, HEAD, OPTIONS, PATCH")
	})
}

func TestTheFormWorksWithoutScript(t *testing.T) {
	each(t, func(t *testing.T, c *hyperlanetest.Client) {
		form := c.Request("POST", "/todos").Header("Content-Type", "application/x-www-form-urlencoded")
		form.Body("title=Fish+%26+chips").Send().Status(303).Header("Location", "/")
		c.Get("/").Status(200).Header("Content-Type", "text/html; charset=utf-8").BodyContains("Fish &amp; chips")
		c.Get("/static/app.css").Status(200).Header("Content-Type", "text/css; charset=utf-8")
	})
}

func TestWhatEveryAnswerHas(t *testing.T) {
	each(t, func(t *testing.T, c *hyperlanetest.Client) {
		for _, target := range []string{"/", "/api/todos", "/nowhere", "/panic"} {
			answer := c.Get(target).Header("X-Content-Type-Options", "nosniff")
			if answer.HTTP().Header.Get("X-Request-Id") == "" {
				t.Errorf("GET %s: no X-Request-Id", target)
			}
		}
		if timing := c.Get("/api/todos").HTTP().Header.Get("Server-Timing"); !strings.HasPrefix(timing, "handler;dur=") {
			t.Errorf("got Server-Timing %q", timing)
		}
		c.Get("/").Header("Server-Timing", "") // the group's alone
	})
}

func TestAPanicEndsNothingButItsRequest(t *testing.T) {
	each(t, func(t *testing.T, c *hyperlanetest.Client) {
		for range 3 {
			c.Get("/panic").Problem(500, "")
		}
		c.Get("/api/todos/1").Status(200)
	})
}

func TestTheCountdownComesLineByLineAndEndsWithItsClient(t *testing.T) {
	each(t, func(t *testing.T, c *hyperlanetest.Client) {
		c.Get("/countdown?from=3&every=1ms").Status(200).Body("3\n2\n1\nlift-off\n")
		c.Get("/countdown?every=0s").Status(400)

		ctx, leave := context.WithCancel(t.Context())
		defer leave()
		request, err := http.NewRequestWithContext(ctx, "GET", hyperlanetest.URL+"/countdown?every=1h", nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := c.HTTP().Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		if line, err := bufio.NewReader(response.Body).ReadString('\n'); line != "5\n" || err != nil {
			t.Errorf("got first line %q and %v, want 5 an hour before the second", line, err)
		}
		// The client goes. If the handler did not notice, the server could not end, which would fail this test.
		leave()
	})
}
