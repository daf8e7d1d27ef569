package guide

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/hyperlane-go/hyperlane"
	"github.com/hyperlane-go/hyperlane/hyperlanetest"
)

// each runs test on every driver, against a server that fill has filled.
func each(t *testing.T, fill func(*hyperlane.Server), test func(t *testing.T, c *hyperlanetest.Client)) {
	t.Helper()
	hyperlanetest.Each(t, func(t *testing.T, d hyperlanetest.Driver) {
		test(t, d.Serve(t, hyperlane.Config{}, fill))
	})
}

func TestTheMostSpecificPatternWins(t *testing.T) {
	each(t, Specific, func(t *testing.T, c *hyperlanetest.Client) {
		c.Get("/users/me").Body("/users/me")
		c.Get("/users/42").Body("/users/{id:int} id=42")
		c.Get("/users/ab").Body("/users/{id:[a-z]{2}} id=ab")
		c.Get("/users/a%2Fb").Body("/users/{id} id=a/b")
		c.Get("/users/").Status(404)
		c.Get("/files/").Body("/files/{path...}")
		c.Get("/files/a/b").Body("/files/{path...} path=a/b")
		c.Get("/reports/june.pdf").Body("/reports/{name}.pdf name=june")
		c.Request("POST", "/users/me").Send().Status(405).Header("Allow", "GET, HEAD, OPTIONS")
		c.Request("HEAD", "/users/me").Send().Status(200).Body("")
	})
}

func TestConstraintsAndNames(t *testing.T) {
	each(t, Constrained, func(t *testing.T, c *hyperlanetest.Client) {
		c.Get("/numbers/42").Status(200)
		c.Get("/numbers/43").Status(404)
		c.Get("/link").Body("/numbers/42")
	})
}

func TestGroupsAndHosts(t *testing.T) {
	each(t, Grouped, func(t *testing.T, c *hyperlanetest.Client) {
		c.Get("/api/v2/users/7").Problem(401, "a key is needed")
		c.Request("GET", "/api/v2/users/7").Header("X-Key", "k").Send().Body("/api/{version:v[0-9]+}/users/{id:int} id=7 version=v2")
		c.Request("DELETE", "/api/v2/admin/users/7").Send().Status(401)
		c.Get("/api/two/users/7").Status(404)
		c.Request("GET", "/").Header("Host", "acme.example.com").Send().Body("/ tenant=acme")
		c.Get("/").Status(404)
	})
}

func TestTheOrderIsThatOfTheGuide(t *testing.T) {
	var mu sync.Mutex
	var marks []string
	fill := func(server *hyperlane.Server) {
		Ordered(server, func(mark string) {
			mu.Lock()
			defer mu.Unlock()
			marks = append(marks, mark)
		})
	}
	each(t, fill, func(t *testing.T, c *hyperlanetest.Client) {
		for _, step := range []struct {
			target string
			want   []string
		}{
			{"/group/x", []string{"server OnRequest", "group OnRequest", "server Use before", "group Use before", "handler",
				"group Use after", "server Use after", "group OnResponse", "server OnResponse"}},
			{"/nowhere", []string{"server OnRequest", "server OnResponse"}},
		} {
			c.Get(step.target)
			mu.Lock()
			if !slices.Equal(marks, step.want) {
				t.Errorf("%s: got %q, want %q", step.target, marks, step.want)
			}
			marks = nil
			mu.Unlock()
		}
	})
}

func TestValuesAreTyped(t *testing.T) {
	each(t, Values, func(t *testing.T, c *hyperlanetest.Client) {
		c.Get("/users/7/posts?page=2&tag=a&tag=b").JSON(map[string]any{"user": 7, "page": 2, "since": nil, "tags": []string{"a", "b"}})
		c.Get("/users/7/posts?page=two").Problem(400, "query page must be a whole number")
	})
}

func TestAWholeRequestIsBound(t *testing.T) {
	each(t, Bound, func(t *testing.T, c *hyperlanetest.Client) {
		items := []Item{{"tea", 3}}
		c.Post("/customers/7/orders", map[string]any{"title": "", "items": items}).Status(201).JSON(items)
		c.Post("/customers/7/orders", map[string]any{"items": items}).Problem(400, "/title is missing")
		c.Post("/customers/7/orders?notify=perhaps", map[string]any{}).Status(400)
		c.Post("/customers/7/orders", map[string]any{"title": "x", "items": []Item{{"tea", -3}}}).
			Problem(422, "/items/0/price must not be negative")
		c.Request("POST", "/customers/7/orders").Body("title=x").Send().Status(415)
	})
}

func TestBodies(t *testing.T) {
	each(t, Bodies, func(t *testing.T, c *hyperlanetest.Client) {
		c.Request("PUT", "/notes/7").Body("hello").Send().Body("note 7 has 5 bytes\n")
		c.Request("PUT", "/notes/7").Body(strings.Repeat("x", 64<<10+1)).Send().Status(413)
		c.Request("POST", "/digest").Stream(strings.NewReader("hello")).Send().
			Body("2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824\n")
	})
}

func TestUploads(t *testing.T) {
	hyperlanetest.Each(t, func(t *testing.T, d hyperlanetest.Driver) {
		root, err := os.OpenRoot(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		defer root.Close()
		c := d.Serve(t, hyperlane.Config{}, func(server *hyperlane.Server) { Uploads(server, root) })
		form := "--b\r\nContent-Disposition: form-data; name=\"title\"\r\n\r\nNotes\r\n" +
			"--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"C:\\notes.txt\"\r\n\r\nhello\r\n--b--\r\n"
		c.Request("POST", "/upload").Header("Content-Type", "multipart/form-data; boundary=b").Body(form).Send().
			Body("Notes: notes.txt has 5 bytes\n")
		if data, err := root.ReadFile("upload-1"); string(data) != "hello" || err != nil {
			t.Errorf("got file %q and %v", data, err)
		}
		c.Request("POST", "/upload").Header("Content-Type", "application/x-www-form-urlencoded").Body("title=x").Send().Status(400)
	})
}

func TestWorkInTheBackgroundHasARequestOfItsOwn(t *testing.T) {
	worked := make(chan string, 1)
	fill := func(server *hyperlane.Server) {
		Background(server, func(_ context.Context, path string) { worked <- path })
	}
	each(t, fill, func(t *testing.T, c *hyperlanetest.Client) {
		c.Request("POST", "/jobs/tidy").Send().Status(202)
		if path := <-worked; path != "/jobs/tidy" {
			t.Errorf("the work got path %q", path)
		}
	})
}

func TestAWaitEndsWithItsClient(t *testing.T) {
	events := make(chan string)
	each(t, func(server *hyperlane.Server) { Patient(server, events) }, func(t *testing.T, c *hyperlanetest.Client) {
		go func() { events <- "rain" }()
		c.Get("/next").Body("rain")
		nc := c.Dial() // it asks and goes; the server could not end if the handler did not
		nc.Write([]byte("GET /next HTTP/1.1\r\nHost: test\r\n\r\n"))
		nc.Close()
	})
}

func TestAnswers(t *testing.T) {
	each(t, Answers, func(t *testing.T, c *hyperlanetest.Client) {
		c.Get("/text").Header("Content-Type", "text/plain; charset=utf-8").Body("hello\n")
		c.Get("/json").JSON(map[string]int{"answer": 42})
		c.Get("/page/%3Cb%3E").Header("Content-Type", "text/html; charset=utf-8").Body("<p>Hello, &lt;b&gt;!</p>\n")
		c.Get("/old").Status(301).Header("Location", "/text")
		c.Get("/nothing").Status(204).Body("")
		c.Get("/teapot").Status(418).Header("X-Kind", "oolong").Body("short and stout\n")
	})
}

func TestStreams(t *testing.T) {
	each(t, Streams, func(t *testing.T, c *hyperlanetest.Client) {
		c.Get("/squares").Status(200).Body("0\n1\n4\n")
	})
}

func TestFiles(t *testing.T) {
	each(t, Files, func(t *testing.T, c *hyperlanetest.Client) {
		tag := c.Get("/assets/terms.txt").Status(200).Header("Cache-Control", "max-age=3600").Body("Be kind.\n").HTTP().Header.Get("ETag")
		c.Request("GET", "/assets/terms.txt").Header("If-None-Match", tag).Send().Status(304).Body("")
		c.Request("GET", "/assets/terms.txt").Header("Range", "bytes=3-6").Send().Status(206).Body("kind")
		c.Get("/assets/../terms").Status(404)
		c.Get("/terms").Status(200).Body("Be kind.\n")
		c.Get("/download").Status(200).Header("Content-Disposition", `attachment; filename="terms of use.txt"`)
	})
}

func TestFailures(t *testing.T) {
	fill := func(server *hyperlane.Server) {
		Failures(server, func(id string) error {
			return map[string]error{"1": sql.ErrNoRows, "2": errArchived, "3": errors.New("the password is secret")}[id]
		})
	}
	each(t, fill, func(t *testing.T, c *hyperlanetest.Client) {
		c.Get("/orders/0").Problem(400, "0 is no order")
		c.Get("/orders/1").Problem(404, "there is no such order")
		c.Get("/orders/2").Problem(410, "").BodyContains("https://example.com/problems/archived").BodyContains("Order archived")
		c.Get("/orders/3").Problem(500, "")
		c.Get("/orders/4").Status(200)
		c.Request("GET", "/orders/1").Header("Accept", "text/html").Send().Status(404).Body("Not Found: there is no such order\n")
	})
}

func TestAHookMayAnswer(t *testing.T) {
	each(t, OwnAnswer, func(t *testing.T, c *hyperlanetest.Client) {
		c.Get("/nowhere").Status(404).Header("Content-Type", "text/html; charset=utf-8").Body("<h1>Nothing here</h1>\n")
	})
}

func TestRunEndsWithItsContext(t *testing.T) {
	ctx, end := context.WithCancel(t.Context())
	end()
	if err := Main(ctx, "127.0.0.1:0"); err != nil {
		t.Error(err)
	}
}

func TestTheCarefulServerServes(t *testing.T) {
	server := Careful(slog.New(slog.DiscardHandler))
	Answers(server)
	hyperlanetest.New(t, server).Get("/text").Status(200)
}

func TestHooksAreTold(t *testing.T) {
	var log strings.Builder
	server := hyperlane.New(hyperlane.Config{Logger: slog.New(slog.DiscardHandler)})
	Hooked(server, slog.New(slog.NewTextHandler(&log, nil)))
	server.Get("/panic", func(*hyperlane.Context) error { panic("ouch") })
	c := hyperlanetest.New(t, server)
	c.Get("/panic").Status(500)
	if err := c.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"msg=panic path=/panic value=ouch", "method=GET path=/panic status=500", "msg=draining"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("got log %q, want %q in it", log.String(), want)
		}
	}
}

func TestServeOnServesUntilTheEnd(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := hyperlane.New(hyperlane.Config{})
	Probed(server)
	ctx, end := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- ServeOn(ctx, server, ln) }()
	response, err := http.Get("http://" + ln.Addr().String() + "/ready")
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != 200 {
		t.Errorf("got status %d, want 200", response.StatusCode)
	}
	end()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestNetHTTPInside(t *testing.T) {
	each(t, Mounted, func(t *testing.T, c *hyperlanetest.Client) {
		c.Get("/debug/vars").Status(200).BodyContains("memstats")
		c.Get("/old/friend").Body("old friend\n")
		c.Request("POST", "/forms").Send().Status(200).Body("from our own pages\n")
		c.Request("POST", "/forms").Header("Sec-Fetch-Site", "cross-site").Send().Status(403)
	})
}

func TestInsideNetHTTP(t *testing.T) {
	server := hyperlane.New(hyperlane.Config{})
	server.Get("/api/hello", func(c *hyperlane.Context) error { return c.Text("hello\n") })
	w := httptest.NewRecorder()
	Inside(server).ServeHTTP(w, httptest.NewRequest("GET", "/api/hello", nil))
	if w.Code != 200 || w.Body.String() != "hello\n" {
		t.Errorf("got %d %q", w.Code, w.Body)
	}
}

// TestOrders is the example of testing.md.
func TestOrders(t *testing.T) {
	server := hyperlane.New(hyperlane.Config{})
	Bound(server)
	c := hyperlanetest.New(t, server) // served in memory until the test ends

	c.Post("/customers/7/orders", map[string]any{"title": "Tea", "items": []Item{{"tea", 3}}}).
		Status(201).Header("Content-Type", "application/json").JSON([]Item{{"tea", 3}})
	c.Post("/customers/7/orders", map[string]any{"title": "Tea"}).Problem(422, "/items must not be empty")
	c.Get("/customers/7/orders").Status(405).Header("Allow", "OPTIONS, POST")
}

// TestSquaresOnEveryDriver is the second example of testing.md.
func TestSquaresOnEveryDriver(t *testing.T) {
	hyperlanetest.Each(t, func(t *testing.T, d hyperlanetest.Driver) {
		c := d.Serve(t, hyperlane.Config{}, Streams)
		c.Get("/squares").Status(200).Body("0\n1\n4\n")
	})
}
