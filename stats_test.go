package hyperlane_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hyperlane-go/hyperlane"
	"github.com/hyperlane-go/hyperlane/hyperlanetest"
)

// eventually waits until ok, and fails the test if that takes too long.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain until %s", what)
		}
	}
}

func TestStatsCountWhatHasHappened(t *testing.T) {
	hyperlanetest.Each(t, func(t *testing.T, d hyperlanetest.Driver) {
		release := make(chan struct{})
		c := d.Serve(t, hyperlane.Config{}, func(s *hyperlane.Server) {
			s.Get("/ok", func(c *hyperlane.Context) error { return c.Text("ok") })
			s.Get("/panic", func(*hyperlane.Context) error { panic("asked to") })
			s.Get("/exit", func(*hyperlane.Context) error { runtime.Goexit(); return nil })
			s.Get("/wait", func(c *hyperlane.Context) error { <-release; return c.Text("waited") })
			s.Get("/half", func(c *hyperlane.Context) error {
				return c.Stream(func(w *hyperlane.Stream) error {
					w.WriteString("half")
					w.Flush()
					return hyperlane.Errorf(400, "no more")
				})
			})
		})
		server := c.Server()
		for range 40 {
			c.Get("/ok").Status(200)
		}
		c.Get("/nowhere").Status(404)
		c.Get("/panic").Status(500)
		for _, path := range []string{"/half", "/exit"} {
			nc := c.Dial()
			write(t, nc, "GET "+path+" HTTP/1.1\r\nHost: x\r\n\r\n")
			readAll(t, nc)
		}
		var waiting sync.WaitGroup
		for range 3 {
			waiting.Go(func() { c.Get("/wait").Status(200) })
		}
		eventually(t, "three requests are in flight", func() bool { return server.Stats().Total.InFlight == 3 })
		stats := server.Stats()
		if stats.Total.Connections < 3 && d != hyperlanetest.NetHTTP {
			t.Errorf("%d connections are open while three requests are in flight", stats.Total.Connections)
		}
		close(release)
		waiting.Wait()
		eventually(t, "nothing is in flight", func() bool { return server.Stats().Total.InFlight == 0 })

		stats = server.Stats()
		if stats.Total.Requests != 47 {
			t.Errorf("requests: got %d, want 47", stats.Total.Requests)
		}
		e := stats.Total.Errors
		if e.Client != 1 || e.Server != 1 || e.Panics != 1 || e.Broken != 2 {
			t.Errorf("errors: got %+v, want 1 of the client's, 1 of the server's, 1 panic, 2 broken", e)
		}
		if n := stats.Total.Latency.Count(); n == 0 {
			t.Error("no request was timed")
		}
		if d == hyperlanetest.NetHTTP {
			return
		}
		nc := c.Dial()
		write(t, nc, "GET / HTTP/1.1\r\nBad\r\n\r\n")
		readAll(t, nc)
		eventually(t, "a malformed message is counted", func() bool { return server.Stats().Total.Errors.Malformed == 1 })
		stats = server.Stats()
		if stats.Total.Accepted < 4 || stats.Total.BytesRead < 47*50 || stats.Total.BytesWritten < 47*50 {
			t.Errorf("got %d connections, %d and %d bytes", stats.Total.Accepted, stats.Total.BytesRead, stats.Total.BytesWritten)
		}
		loop := strings.HasPrefix(string(d), "loop")
		if loop != (len(stats.Loops) > 0) {
			t.Errorf("there are %d loops", len(stats.Loops))
		}
		var sum hyperlane.LoopStats
		for _, l := range stats.Loops {
			sum.Requests += l.Requests
			sum.Accepted += l.Accepted
			sum.BytesRead += l.BytesRead
			sum.HandOvers += l.HandOvers
		}
		if loop && (sum.Requests != stats.Total.Requests || sum.Accepted != stats.Total.Accepted || sum.BytesRead != stats.Total.BytesRead) {
			t.Errorf("the loops have %+v, in total there are %+v", sum, stats.Total)
		}
		if loop && (sum.HandOvers == 0 || !slowRoute(stats, "/wait")) {
			t.Errorf("after a handler that waits: %d hand-overs, slow routes %+v", sum.HandOvers, stats.SlowRoutes)
		}
		if text, err := json.Marshal(stats); err != nil || !strings.Contains(string(text), `"latency":{"count":`) {
			t.Errorf("as JSON: %s, %v", text, err)
		}
	})
}

func slowRoute(stats hyperlane.Stats, pattern string) bool {
	for _, r := range stats.SlowRoutes {
		if r.Pattern == pattern && r.Method == "GET" && r.Overstays > 0 {
			return true
		}
	}
	return false
}

func TestARequestTooManyIsShedAtOnce(t *testing.T) {
	hyperlanetest.Each(t, func(t *testing.T, d hyperlanetest.Driver) {
		release := make(chan struct{})
		var book logbook
		c := d.Serve(t, hyperlane.Config{MaxInFlight: 2, Logger: book.logger()}, func(s *hyperlane.Server) {
			s.OnRequest(func(c *hyperlane.Context) error { c.Response.SetHeader("Asked", "the database"); return nil })
			s.OnResponse(func(c *hyperlane.Context) error { c.Response.SetHeader("Phase", "response"); return nil })
			s.Get("/wait", func(c *hyperlane.Context) error { <-release; return c.Text("waited") })
			s.Get("/exit", func(*hyperlane.Context) error { runtime.Goexit(); return nil })
			s.Post("/", func(c *hyperlane.Context) error { return c.Text("ok") })
		})
		for range 3 { // they do not stay in flight for ever
			nc := c.Dial()
			write(t, nc, "GET /exit HTTP/1.1\r\nHost: x\r\n\r\n")
			readAll(t, nc)
		}
		var waiting sync.WaitGroup
		for range 2 {
			waiting.Go(func() { c.Get("/wait").Status(200).Body("waited").Header("Asked", "the database") })
		}
		eventually(t, "two requests are in flight", func() bool { return c.Server().Stats().Total.InFlight == 2 })
		for i := range 5 {
			body := strings.Repeat("x", i*100_000)
			c.Request("POST", "/").Body(body).Send().Problem(http.StatusServiceUnavailable, "").
				Header("Retry-After", "1").Header("Asked", "").Header("Phase", "response")
		}
		if n := c.Server().Stats().Shed; n != 5 {
			t.Errorf("got %d requests shed, want 5", n)
		}
		close(release)
		waiting.Wait()
		eventually(t, "nothing is in flight", func() bool { return c.Server().Stats().Total.InFlight == 0 })
		for i := range 3 {
			c.Request("POST", "/").Body(fmt.Sprint(i)).Send().Status(200).Body("ok")
		}
		if strings.Contains(book.String(), "level=ERROR msg=\"request failed\" method=POST") {
			t.Errorf("the log has a line for each request that was shed: %s", book.String())
		}
	})
}
