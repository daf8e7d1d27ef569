package hyperlanetest_test

import (
	"fmt"
	"testing"

	"github.com/hyperlane-go/hyperlane"
	"github.com/hyperlane-go/hyperlane/hyperlanetest"
)

type greeting struct {
	Text string `json:"text"`
}

func newServer() *hyperlane.Server {
	server := hyperlane.New(hyperlane.Config{})
	server.Get("/hello/{name}", func(c *hyperlane.Context) error {
		return c.Text("Hello, " + c.Param("name") + "!")
	})
	server.Post("/greetings", func(c *hyperlane.Context) error {
		return c.Status(201).JSON(greeting{"Hi"})
	})
	return server
}

func Example() {
	t := newT() // what a test function gets
	defer t.end()

	c := hyperlanetest.New(t, newServer())
	c.Get("/hello/world").Status(200).Header("Content-Type", "text/plain; charset=utf-8").Body("Hello, world!")
	c.Post("/greetings", greeting{"Hello"}).Status(201).JSON(greeting{"Hi"})
	c.Get("/nowhere").Problem(404, "")

	// A check that fails says what was asked, what came, and what was wanted.
	c.Get("/hello/you").Body("Good bye!")
	// Output:
	// GET /hello/you: got body "Hello, you!", want "Good bye!"
}

func ExampleClient_Request() {
	t := newT()
	defer t.end()

	server := hyperlane.New(hyperlane.Config{})
	server.Put("/notes/{id}", func(c *hyperlane.Context) error {
		body, err := c.Request.Body()
		if err != nil {
			return err
		}
		return c.Text(c.Request.Header("X-Author") + " wrote: " + string(body))
	})
	c := hyperlanetest.New(t, server)
	answer := c.Request("PUT", "/notes/7").Header("X-Author", "Ada").Body("a note").Send().Status(200)
	fmt.Println(answer.Text())
	// Output: Ada wrote: a note
}

func ExampleClient_Dial() {
	t := newT()
	defer t.end()

	nc := hyperlanetest.New(t, newServer()).Dial()
	fmt.Fprint(nc, "GET /hello/wire HTTP/1.1\r\n\r\n") // no Host
	status := make([]byte, len("HTTP/1.1 400 Bad Request"))
	nc.Read(status)
	fmt.Println(string(status))
	// Output: HTTP/1.1 400 Bad Request
}

// exampleT is a testing.TB outside of a test.
type exampleT struct {
	testing.TB
	cleanups []func()
}

func newT() *exampleT { return new(exampleT) }

func (t *exampleT) Name() string     { return "Example" }
func (t *exampleT) Helper()          {}
func (t *exampleT) Cleanup(f func()) { t.cleanups = append(t.cleanups, f) }

func (t *exampleT) Errorf(format string, args ...any) { fmt.Printf(format+"\n", args...) }

func (t *exampleT) Fatalf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }

func (t *exampleT) Fatal(args ...any) { panic(fmt.Sprint(args...)) }

func (t *exampleT) end() {
	for i := len(t.cleanups) - 1; i >= 0; i-- {
		t.cleanups[i]()
	}
}
