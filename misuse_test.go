package hyperlane_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/hyperlane-go/hyperlane"
	"github.com/hyperlane-go/hyperlane/hyperlanetest"
)

// kept is all that a handler may keep of a request.
type kept struct {
	method, path, target, host, header, query, param, raw string
	body                                                  []byte
	params                                                map[string]string
	values                                                []string
}

func (k kept) String() string { return fmt.Sprintf("%+v", struct{ kept }{k}.kept.all()) }

func (k kept) all() []string {
	return append([]string{k.method, k.path, k.target, k.host, k.header, k.query, k.param, k.raw, string(k.body), fmt.Sprint(k.params)}, k.values...)
}

func TestStringsAndSlicesOfARequestAreTheHandlersToKeep(t *testing.T) {
	hyperlanetest.Each(t, func(t *testing.T, d hyperlanetest.Driver) {
		keeps := make(chan kept, 1)
		c := d.Serve(t, hyperlane.Config{}, func(s *hyperlane.Server) {
			s.Any("/{a}/{rest...}", func(c *hyperlane.Context) error {
				r := &c.Request
				k := kept{
					method: r.Method(), path: r.Path(), target: r.Target(), host: r.Host(), header: r.Header("X-Name"),
					query: c.Query("q"), param: c.Param("a"), raw: r.RawQuery(), params: c.Params(), values: r.Headers().Values("X-Name"),
				}
				var err error
				k.body, err = r.Body()
				keeps <- k
				return err
			})
		})
		nc := c.Dial()
		ask := func(fill string) kept {
			body := strings.Repeat(fill, 1000)
			write(t, nc, fmt.Sprintf("%s /%s/%s?q=%s HTTP/1.1\r\nHost: %s\r\nX-Name: %s\r\nContent-Length: %d\r\n\r\n%s",
				strings.ToUpper(fill), fill, fill, fill, fill, fill, len(body), body))
			k := await(t, keeps, "a request")
			if got, err := readMessage(nc); err != nil || !strings.HasPrefix(got, "HTTP/1.1 200") {
				t.Fatalf("got %q, %v", got, err)
			}
			return k
		}
		first := ask("aaaaaa")
		before := first.String()
		for range 20 {
			ask("bbbbbb")
		}
		if after := first.String(); after != before || strings.Contains(after, "b") {
			t.Errorf("got %s after other requests, want %s", after, before)
		}
	})
}

func TestADetachedContextStaysValid(t *testing.T) {
	type key struct{}
	hyperlanetest.Each(t, func(t *testing.T, d hyperlanetest.Driver) {
		said := make(chan string)
		proceed := make(chan struct{})
		var work sync.WaitGroup
		c := d.Serve(t, hyperlane.Config{}, func(s *hyperlane.Server) {
			s.Post("/jobs/{id}", func(c *hyperlane.Context) error {
				c.Set(key{}, "value")
				if _, err := c.Request.Body(); err != nil { // so that it is buffered behind net/http, too
					return err
				}
				job := c.Detach()
				work.Go(func() {
					<-proceed
					body, err := job.Request.Body()
					job.Response.SetHeader("X", "goes nowhere")
					said <- join(job.Param("id"), job.Params(), job.Pattern(), job.Request.Path(), job.Request.Header("X-Name"),
						string(body), err, job.Value(key{}), job.Context().Err())
				})
				return c.Status(202).Text("accepted")
			})
		})
		c.Request("POST", "/jobs/7").Header("X-Name", "name").Body("work").Send().Status(202)
		for i := range 10 {
			c.Request("POST", fmt.Sprint("/jobs/other", i)).Header("X-Name", "other").Body("play").Send().Status(202)
		}
		close(proceed)
		all := make(map[string]bool)
		for range 11 {
			all[await(t, said, "a job")] = true
		}
		if want := "7 map[id:7] /jobs/{id} /jobs/7 name work <nil> value <nil>"; !all[want] {
			t.Errorf("got %v, want %q among them", all, want)
		}
		work.Wait()
	})
}

func join(pieces ...any) string { return strings.TrimSuffix(fmt.Sprintln(pieces...), "\n") }
