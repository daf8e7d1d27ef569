package hyperlane_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/hyperlane-go/hyperlane"
	"github.com/hyperlane-go/hyperlane/hyperlanetest"
)

func TestAPanicEndsNothingButItsRequest(t *testing.T) {
	each(t, hyperlane.Config{}, fillStations, func(t *testing.T, c *hyperlanetest.Client) {
		var all sync.WaitGroup
		for i := range 8 {
			all.Go(func() {
				nc := c.Dial()
				defer nc.Close()
				for _, place := range []string{"s1", "o", "w1(", "wi(", "x", "I1", "S2", "none"} {
					status := "500"
					if place == "none" {
						status = "200"
					}
					// The connection goes on after the answer.
					if _, err := fmt.Fprintf(nc, "GET /outer/inner/%d/x?panic=%s HTTP/1.1\r\nHost: x\r\n\r\n", i, place); err != nil {
						t.Error(err)
						return
					}
					if got, err := readMessage(nc); err != nil || !strings.HasPrefix(got, "HTTP/1.1 "+status) {
						t.Errorf("panic in %s: got %q, %v, want status %s", place, got, err, status)
						return
					}
				}
			})
		}
		all.Wait()
	})
}

// readMessage reads one response whose length is declared.
func readMessage(nc io.Reader) (string, error) {
	var got []byte
	one := make([]byte, 1)
	for !bytes.HasSuffix(got, []byte("\r\n\r\n")) {
		if _, err := nc.Read(one); err != nil {
			return string(got), err
		}
		got = append(got, one[0])
	}
	length := 0
	if _, after, ok := strings.Cut(string(got), "Content-Length: "); ok {
		fmt.Sscan(after, &length)
	}
	body := make([]byte, length)
	_, err := io.ReadFull(nc, body)
	return string(got) + string(body), err
}

func TestAHandlerThatCallsGoexitTakesNobodyAlong(t *testing.T) {
	ours(t, func(t *testing.T, d hyperlanetest.Driver) {
		c := d.Serve(t, hyperlane.Config{}, func(s *hyperlane.Server) {
			s.Get("/exit", func(*hyperlane.Context) error { runtime.Goexit(); return nil })
			s.Get("/ok", func(c *hyperlane.Context) error { return c.Text("ok") })
		})
		other := c.Dial()
		write(t, other, "GET /ok HTTP/1.1\r\nHost: x\r\n\r\n")
		readUntil(t, other, "ok")
		for range 3 * runtime.GOMAXPROCS(0) { // more than there are loops
			nc := c.Dial()
			write(t, nc, "GET /exit HTTP/1.1\r\nHost: x\r\n\r\n")
			if got, _ := io.ReadAll(nc); len(got) > 0 {
				t.Errorf("got %q from a handler that has exited", got)
			}
		}
		write(t, other, "GET /ok HTTP/1.1\r\nHost: x\r\n\r\n")
		readUntil(t, other, "\r\n\r\nok")
		c.Get("/ok").Body("ok")
	})
}

// exited is what a handler has begun before it calls runtime.Goexit.
type exited struct {
	ctx  context.Context
	file io.ReadSeeker // of a form, on disk
	feed chan error
}

func (e *exited) Drain(*hyperlane.Feed) {}

func (e *exited) Closed(_ *hyperlane.Feed, err error) { e.feed <- err }

func TestWhatARequestHasBegunEndsAlsoIfItsHandlerCallsGoexit(t *testing.T) {
	hyperlanetest.Each(t, func(t *testing.T, d hyperlanetest.Driver) {
		gone := make(chan *exited, 1)
		c := d.Serve(t, hyperlane.Config{Limits: hyperlane.Limits{MultipartMemory: 1 << 10}}, func(s *hyperlane.Server) {
			s.Post("/{how}", func(c *hyperlane.Context) error {
				e := &exited{ctx: c.Context(), feed: make(chan error, 1)}
				if c.Param("how") == "watched" {
					e.ctx.Done()
				}
				f, err := c.Request.File("file")
				if err != nil {
					return err
				}
				e.file = f.Open()
				if _, err = c.Feed(e); err != nil {
					return err
				}
				gone <- e
				if c.Param("how") == "hijacked" {
					nc, err := c.Hijack()
					if err != nil {
						return err
					}
					nc.Close()
				}
				runtime.Goexit()
				return nil
			})
		})
		for _, how := range []string{"watched", "unwatched", "hijacked"} {
			nc := c.Dial()
			body := "--b\r\nContent-Disposition: form-data; name=file; filename=f\r\n\r\n" + strings.Repeat("x", 8<<10) + "\r\n--b--\r\n"
			write(t, nc, fmt.Sprintf("POST /%s HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: %d\r\n\r\n%s",
				how, len(body), body))
			e := await(t, gone, "the handler")
			await(t, e.ctx.Done(), "the end of its context")
			if got, want := context.Cause(e.ctx), hyperlane.ErrFinished; how != "hijacked" && !errors.Is(got, want) {
				t.Errorf("%s: the context ends with %v, want %v", how, got, want)
			}
			if err := await(t, e.feed, "the end of its feed"); !errors.Is(err, hyperlane.ErrDisconnected) {
				t.Errorf("%s: the feed ends with %v, want %v", how, err, hyperlane.ErrDisconnected)
			}
			eventually(t, "the files of its form are gone", func() bool {
				e.file.Seek(0, io.SeekStart)
				_, err := e.file.Read(make([]byte, 1))
				return err != nil
			})
			eventually(t, "nothing is in flight", func() bool { return c.Server().Stats().Total.InFlight == 0 })
		}
	})
}
