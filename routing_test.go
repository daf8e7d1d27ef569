package hyperlane_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/hyperlane-go/hyperlane"
	"github.com/hyperlane-go/hyperlane/hyperlanetest"
)

func say(text string) hyperlane.Handler {
	return func(c *hyperlane.Context) error { return c.Text(text) }
}

// pattern answers with the pattern that was found, and the params.
func pattern(c *hyperlane.Context) error {
	return c.Text(fmt.Sprint(c.Pattern(), " ", c.Params()))
}

func TestTheMostSpecificPatternAnswersWhateverTheOrderOfRegistration(t *testing.T) {
	patterns := []string{
		"/users/{rest...}", "/users/{id}", "/users/{id:[a-f]+}", "/users/{id:int}", "/users/new", "/users/{id}/posts/{post}",
		"/{any}/new", "/", "/v{version:int}/x", "/even/{n:even}",
	}
	asks := map[string]string{
		"/":                    "/ map[]",
		"/users/new":           "/users/new map[]",
		"/users/7":             "/users/{id:int} map[id:7]",
		"/users/abc":           "/users/{id:[a-f]+} map[id:abc]",
		"/users/xyz":           "/users/{id} map[id:xyz]",
		"/users/x/posts/y":     "/users/{id}/posts/{post} map[id:x post:y]",
		"/users/x/y/z":         "/users/{rest...} map[rest:x/y/z]",
		"/users/a%2Fb":         "/users/{id} map[id:a/b]",
		"/users/%E4%B8%96%20x": "/users/{id} map[id:世 x]",
		"/others/new":          "/{any}/new map[any:others]",
		"/v2/x":                "/v{version:int}/x map[version:2]",
		"/even/4":              "/even/{n:even} map[n:4]",
	}
	for _, reversed := range []bool{false, true} {
		each(t, hyperlane.Config{}, func(s *hyperlane.Server) {
			s.Constraint("even", func(segment string) bool { return strings.ContainsAny(segment[len(segment)-1:], "02468") })
			for i := range patterns {
				p := patterns[i]
				if reversed {
					p = patterns[len(patterns)-1-i]
				}
				s.Get(p, pattern)
			}
		}, func(t *testing.T, c *hyperlanetest.Client) {
			for target, want := range asks {
				c.Get(target).Status(200).Body(want)
			}
			c.Get("/v2x/x").Problem(404, "")
			c.Get("/even/5").Problem(404, "")
		})
	}
}

func TestMethodsAreAnsweredAsHTTPWantsIt(t *testing.T) {
	each(t, hyperlane.Config{}, func(s *hyperlane.Server) {
		s.Get("/a", say("get"))
		s.Post("/a", say("post"))
		s.Put("/a", say("put"))
		s.Patch("/a", say("patch"))
		s.Delete("/a", say("delete"))
		s.Handle("QUERY", "/a", say("query"))
		s.Get("/get", say("get"))
		s.Any("/any", say("any"))
		s.Post("/any", say("post"))
		s.Handle("HEAD", "/head", func(c *hyperlane.Context) error { c.Response.SetHeader("X-Head", "own"); return nil })
		s.Get("/head", say("get"))
		s.Handle("OPTIONS", "/options", say("options"))
	}, func(t *testing.T, c *hyperlanetest.Client) {
		for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE", "QUERY"} {
			c.Request(method, "/a").Send().Status(200).Body(strings.ToLower(method))
		}
		c.Request("HEAD", "/a").Send().Status(200).Body("").Header("Content-Length", "3").Header("Content-Type", "text/plain; charset=utf-8")
		c.Request("TRACE", "/a").Send().Problem(405, "").Header("Allow", "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT, QUERY")
		c.Request("OPTIONS", "/a").Send().Status(204).Header("Allow", "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT, QUERY").Body("")
		c.Request("POST", "/get").Send().Problem(405, "").Header("Allow", "GET, HEAD, OPTIONS")
		c.Request("get", "/get").Send().Problem(405, "") // methods are case-sensitive
		for _, method := range []string{"GET", "DELETE", "BREW", "OPTIONS"} {
			c.Request(method, "/any").Send().Status(200).Body("any")
		}
		c.Request("POST", "/any").Send().Body("post")
		c.Request("HEAD", "/head").Send().Status(200).Header("X-Head", "own")
		c.Request("OPTIONS", "/options").Send().Status(200).Body("options")
		c.Request("OPTIONS", "/nowhere").Send().Problem(404, "")
		if got := talk(t, c, "OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"); !strings.HasPrefix(got, "HTTP/1.1 20") {
			t.Errorf("OPTIONS *: got %q, want success", got)
		}
	})
}

func TestAPathMayLeadToAnotherOneIfThatIsConfigured(t *testing.T) {
	fill := func(s *hyperlane.Server) {
		s.Get("/a", say("a"))
		s.Get("/b/", say("b"))
		s.Post("/a", say("posted"))
		s.Get("/c/{id}", pattern)
	}
	for _, test := range []struct {
		slash, clean   string
		method, target string
		status         int
		there          string // Location, or the body
	}{
		{"", "", "GET", "/a/", 404, ""},
		{"", "", "GET", "/b", 404, ""},
		{"", "", "GET", "//a", 404, ""},
		{"redirect", "", "GET", "/a/?q=1&r=%20", 308, "/a?q=1&r=%20"},
		{"redirect", "", "POST", "/a/", 308, "/a"},
		{"redirect", "", "GET", "/b", 308, "/b/"},
		{"redirect", "", "GET", "/c/x%20y/", 308, "/c/x%20y"},
		{"redirect", "", "GET", "/nowhere/", 404, ""},
		{"redirect", "", "POST", "/b", 404, ""},
		{"ignore", "", "GET", "/a/", 200, "a"},
		{"ignore", "", "GET", "/b", 200, "b"},
		{"ignore", "", "GET", "/c/7/", 200, "/c/{id} map[id:7]"},
		{"", "redirect", "GET", "//a", 308, "/a"},
		{"", "redirect", "GET", "/x/../a?q=1", 308, "/a?q=1"},
		{"", "redirect", "GET", "/./a", 308, "/a"},
		// What begins with two slashes names another host.
		{"", "redirect", "GET", "//evil.example/..//a", 308, "/a"},
		{"redirect", "", "GET", "//evil.example/", 404, ""},
	} {
		t.Run(strings.ReplaceAll(test.slash+" "+test.clean+" "+test.target, "/", "|"), func(t *testing.T) {
			each(t, hyperlane.Config{TrailingSlash: test.slash, CleanPath: test.clean}, fill, func(t *testing.T, c *hyperlanetest.Client) {
				got := talk(t, c, test.method+" "+test.target+" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
				want := fmt.Sprintf("HTTP/1.1 %d ", test.status)
				switch test.status {
				case 308:
					contains(t, got, want, "\r\nLocation: "+test.there+"\r\n")
				default:
					contains(t, got, want, test.there)
				}
			})
		})
	}
}

func TestAPathThatIsNotWellFormedIsRefused(t *testing.T) {
	ours(t, func(t *testing.T, d hyperlanetest.Driver) {
		c := d.Serve(t, hyperlane.Config{}, func(s *hyperlane.Server) { s.Get("/{rest...}", say("found")) })
		for _, path := range []string{"/%", "/%zz", "/a%2"} {
			contains(t, talk(t, c, "GET "+path+" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"), "HTTP/1.1 400 ")
		}
	})
}

func TestAHostMayHaveRoutesOfItsOwn(t *testing.T) {
	each(t, hyperlane.Config{}, func(s *hyperlane.Server) {
		s.Get("/", say("everywhere"))
		s.Get("/common", say("everywhere"))
		api := s.Host("api.example.com")
		api.OnResponse(func(c *hyperlane.Context) error { c.Response.SetHeader("X-Api", "1"); return nil })
		api.Get("/", say("api"))
		s.Host("{tenant}.example.com").Group("/t").Get("/{id}", pattern)
	}, func(t *testing.T, c *hyperlanetest.Client) {
		for _, test := range []struct{ host, target, want, api string }{
			{"other.org", "/", "everywhere", ""},
			{"api.example.com", "/", "api", "1"},
			{"API.Example.COM:8080", "/", "api", "1"},
			{"acme.example.com", "/t/7", "/t/{id} map[id:7 tenant:acme]", ""},
			{"acme.example.com", "/", "everywhere", ""},
			{"api.example.com", "/common", "everywhere", ""},
		} {
			c.Request("GET", test.target).Header("Host", test.host).Send().Status(200).Body(test.want).Header("X-Api", test.api)
		}
		c.Request("GET", "/t/7").Header("Host", "example.com").Send().Problem(404, "")
	})
}
