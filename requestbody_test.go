package hyperlane_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/hyperlane-go/hyperlane"
	"github.com/hyperlane-go/hyperlane/hyperlanetest"
)

func fillBodies(s *hyperlane.Server) {
	s.Post("/body", func(c *hyperlane.Context) error {
		body, err := c.Request.Body()
		if err != nil {
			return err
		}
		again, err := c.Request.Body() // is the same
		if !bytes.Equal(body, again) {
			return errors.New("the second Body differs")
		}
		c.Response.SetHeader("X-Declared", fmt.Sprint(c.Request.ContentLength()))
		return errors.Join(err, c.Bytes("a/b", body))
	})
	s.Post("/reader", func(c *hyperlane.Context) error {
		var body bytes.Buffer
		if _, err := io.Copy(&body, c.Request.BodyReader()); err != nil {
			return err
		}
		return c.Bytes("a/b", body.Bytes())
	})
	s.Post("/both", func(c *hyperlane.Context) error {
		if _, err := c.Request.Body(); err != nil {
			return err
		}
		body, err := io.ReadAll(c.Request.BodyReader()) // what was read for someone else is there again
		return errors.Join(err, c.Bytes("a/b", body))
	})
	s.Post("/trailer", func(c *hyperlane.Context) error {
		body, err := c.Request.Body()
		return errors.Join(err, c.Text(fmt.Sprintf("%d bytes, sum %q, other %q", len(body), c.Request.Trailer("x-sum"), c.Request.Trailer("X-Other"))))
	})
	s.Post("/ignore", func(c *hyperlane.Context) error { return c.Text("ignored") })
	s.Post("/small", func(c *hyperlane.Context) error {
		body, err := c.Request.Body()
		if err != nil {
			return err
		}
		return c.Bytes("a/b", body)
	}, hyperlane.MaxBody(10))
	s.Get("/next", func(c *hyperlane.Context) error { return c.Text("next") })
}

func TestABodyOfAnySizeAndFramingReachesItsHandler(t *testing.T) {
	each(t, hyperlane.Config{}, fillBodies, func(t *testing.T, c *hyperlanetest.Client) {
		for _, path := range []string{"/body", "/reader", "/both"} {
			for _, n := range []int{0, 1, 1000, 64 << 10, 64<<10 + 1, 1 << 20, 4 << 20} {
				body := strings.Repeat("x", n/2) + strings.Repeat("y", n-n/2)
				r := c.Request("POST", path).Body(body).Send().Status(200)
				if r.Text() != body {
					t.Errorf("%s: got %d other bytes, want the %d that were sent", path, len(r.Text()), n)
				}
				if path == "/body" {
					r.Header("X-Declared", fmt.Sprint(n))
				}
				r = c.Request("POST", path).Stream(strings.NewReader(body)).Send().Status(200)
				if r.Text() != body {
					t.Errorf("%s: got %d other bytes, want the %d that were sent in chunks", path, len(r.Text()), n)
				}
				if path == "/body" {
					r.Header("X-Declared", "-1")
				}
			}
		}
	})
}

func TestFieldsBehindABodyAreThereOnceItWasRead(t *testing.T) {
	each(t, hyperlane.Config{}, fillBodies, func(t *testing.T, c *hyperlanetest.Client) {
		for _, n := range []int{10, 1 << 20} { // one that is there before the handler runs, one that streams
			body := strings.Repeat("x", n)
			c.Request("POST", "/trailer").Stream(strings.NewReader(body)).Trailer("X-Sum", "7").Send().
				Status(200).Body(fmt.Sprintf(`%d bytes, sum "7", other ""`, n))
			c.Request("POST", "/trailer").Body(body).Send().Status(200).Body(fmt.Sprintf(`%d bytes, sum "", other ""`, n))
		}
	})
}

func TestABodyOverItsLimitIsRefused(t *testing.T) {
	each(t, hyperlane.Config{Limits: hyperlane.Limits{Body: 100_000}}, fillBodies, func(t *testing.T, c *hyperlanetest.Client) {
		for _, test := range []struct {
			path    string
			n       int
			chunked bool
			status  int
		}{
			{"/body", 100_000, false, 200},
			{"/body", 100_001, false, 413},
			{"/body", 100_000, true, 200},
			{"/body", 100_001, true, 413},
			{"/reader", 100_001, true, 413},
			{"/small", 10, false, 200},
			{"/small", 11, false, 413},
			{"/small", 10, true, 200},
			{"/small", 11, true, 413},
			{"/small", 100_000, true, 413},
		} {
			request := c.Request("POST", test.path).Body(strings.Repeat("x", test.n))
			if test.chunked {
				request = c.Request("POST", test.path).Stream(strings.NewReader(strings.Repeat("x", test.n)))
			}
			r := request.Send().Status(test.status)
			if test.status == 413 {
				r.Problem(413, "")
			}
			c.Get("/next").Body("next")
		}
	})
}

func TestABodyThatNobodyReadNeverBecomesTheNextRequest(t *testing.T) {
	const evil = "GET /next?evil HTTP/1.1\r\nHost: x\r\n\r\n"
	each(t, hyperlane.Config{}, fillBodies, func(t *testing.T, c *hyperlanetest.Client) {
		for _, n := range []int{1, 100, 3000, 100_000} {
			body := strings.Repeat(evil, n)
			for name, framed := range map[string]string{
				"length": fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(body), body),
				"chunks": fmt.Sprintf("Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", len(body), body),
			} {
				nc := c.Dial()
				wrote := make(chan struct{})
				go func() {
					defer close(wrote)
					io.WriteString(nc, "POST /ignore HTTP/1.1\r\nHost: x\r\n"+framed+"GET /next HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
				}()
				got, _ := io.ReadAll(nc) // the server may close, and reset what comes on
				nc.Close()
				<-wrote
				answers := strings.Count(string(got), "HTTP/1.1 ")
				if !strings.HasPrefix(string(got), "HTTP/1.1 ") || answers > 2 || answers == 2 && !strings.HasSuffix(string(got), "next") {
					t.Errorf("%s, %d bytes: got %q", name, len(body), got[:min(len(got), 1000)])
				}
			}
		}
	})
}

func TestAClientThatExpectsAContinueGetsOneWhenItsBodyIsWanted(t *testing.T) {
	each(t, hyperlane.Config{Limits: hyperlane.Limits{Body: 200_000}}, fillBodies, func(t *testing.T, c *hyperlanetest.Client) {
		for _, n := range []int{10, 150_000} {
			body := strings.Repeat("x", n)
			c.Request("POST", "/body").Header("Expect", "100-continue").Body(body).Send().Status(200).Body(body)
		}
		nc := c.Dial()
		write(t, nc, "POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: 150000\r\nExpect: 100-continue\r\n\r\n")
		readUntil(t, nc, "HTTP/1.1 100 Continue\r\n\r\n")
		write(t, nc, strings.Repeat("x", 150_000))
		contains(t, readUntil(t, nc, "\r\n\r\n"), "HTTP/1.1 200 OK")

		// Nobody wants this one.
		nc = c.Dial()
		write(t, nc, "POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: 150000\r\nExpect: 100-continue\r\n\r\n")
		got := readUntil(t, nc, "\r\n\r\n")
		if !strings.HasPrefix(got, "HTTP/1.1 404") {
			t.Errorf("got %q, want 404 and no 100", got)
		}
		nc = c.Dial()
		write(t, nc, "POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: 200001\r\nExpect: 100-continue\r\n\r\n")
		if got := readUntil(t, nc, "\r\n\r\n"); !strings.HasPrefix(got, "HTTP/1.1 413") {
			t.Errorf("got %q, want 413 and no 100", got)
		}
	})
}

func TestABodyThatBreaksOffIsAnError(t *testing.T) {
	hyperlanetest.Each(t, func(t *testing.T, d hyperlanetest.Driver) {
		read := make(chan error, 1)
		c := d.Serve(t, hyperlane.Config{}, func(s *hyperlane.Server) {
			s.Post("/", func(c *hyperlane.Context) error {
				_, err := io.Copy(io.Discard, c.Request.BodyReader())
				read <- err
				return err
			})
		})
		for name, half := range map[string]string{
			"length": "Content-Length: 100000\r\n\r\nhalf",
			"chunks": "Transfer-Encoding: chunked\r\n\r\nfffff\r\nhalf",
		} {
			nc := c.Dial()
			write(t, nc, "POST / HTTP/1.1\r\nHost: x\r\n"+half)
			halfClose(t, nc)
			got, _ := io.ReadAll(nc)
			if err := await(t, read, "the end of the body"); err == nil {
				t.Errorf("%s: got no error from a body that broke off", name)
			}
			if !strings.HasPrefix(string(got), "HTTP/1.1 400") && len(got) > 0 {
				t.Errorf("%s: got %q, want 400 or nothing", name, got)
			}
		}
		nc := c.Dial()
		write(t, nc, "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\nnonsense\r\n")
		if got := readUntil(t, nc, "\r\n"); !strings.HasPrefix(got, "HTTP/1.1 400") {
			t.Errorf("got %q for a chunk that is none, want 400", got)
		}
		if err := await(t, read, "the end of the body"); err == nil {
			t.Error("got no error from a malformed body")
		}
	})
}

func TestABodyIsStreamedWhileItComes(t *testing.T) {
	hyperlanetest.Each(t, func(t *testing.T, d hyperlanetest.Driver) {
		pieces := make(chan string)
		c := d.Serve(t, hyperlane.Config{}, func(s *hyperlane.Server) {
			s.Post("/", func(c *hyperlane.Context) error {
				buf := make([]byte, 100)
				for {
					n, err := c.Request.BodyReader().Read(buf)
					if n > 0 {
						pieces <- string(buf[:n])
					}
					if err == io.EOF {
						return c.Text("thanks")
					}
					if err != nil {
						return err
					}
				}
			})
		})
		r, w := io.Pipe()
		answered := make(chan *http.Response, 1)
		go func() {
			answer, err := c.HTTP().Post(hyperlanetest.URL+"/", "a/b", r)
			if err != nil {
				t.Error(err)
			}
			answered <- answer
		}()
		for _, piece := range []string{"one", "two", "three"} {
			io.WriteString(w, piece)
			if got := await(t, pieces, "a piece of the body"); got != piece {
				t.Errorf("got %q, want %q before the rest is sent", got, piece)
			}
		}
		w.Close()
		if answer := await(t, answered, "the answer"); answer != nil {
			answer.Body.Close()
		}
	})
}

func TestABodyThatComesTooSlowlyIsRefused(t *testing.T) {
	ours(t, func(t *testing.T, d hyperlanetest.Driver) {
		c := d.Serve(t, hyperlane.Config{BodyTimeout: 200 * time.Millisecond, MinBodyRate: -1}, fillBodies)
		for _, declared := range []int{100, 100_000} { // read before the handler, and by it
			nc := c.Dial()
			write(t, nc, fmt.Sprintf("POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\nhalf", declared))
			got := readAll(t, nc)
			if !strings.HasPrefix(got, "HTTP/1.1 408 ") {
				t.Errorf("length %d: got %q, want 408 and the end", declared, got)
			}
			contains(t, got, "Connection: close")
		}
		c.Get("/next").Body("next")
	})
}
