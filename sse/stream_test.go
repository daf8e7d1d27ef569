package sse_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/hyperlane-go/hyperlane"
	"github.com/hyperlane-go/hyperlane/hyperlanetest"
	"github.com/hyperlane-go/hyperlane/sse"
)

func TestAHandlerSendsEvents(t *testing.T) {
	hyperlanetest.Each(t, func(t *testing.T, d hyperlanetest.Driver) {
		proceed := make(chan struct{})
		ended := make(chan *sse.Stream, 10)
		c := d.Serve(t, hyperlane.Config{}, func(s *hyperlane.Server) {
			s.Any("/", func(c *hyperlane.Context) error {
				return sse.Serve(c, sse.Config{Retry: time.Second}, func(s *sse.Stream) error {
					ended <- s
					<-proceed
					if err := s.Send(sse.Event{ID: "1", Data: "one\r\ntwo"}); err != nil {
						return err
					}
					<-proceed
					if err := s.SendJSON(sse.Event{Name: "json"}, map[string]int{"n": 1}); err != nil {
						return err
					}
					if s.Send(sse.Event{Name: "a\nb"}) == nil || s.SendJSON(sse.Event{}, func() {}) == nil || s.Comment("\xff") == nil {
						t.Error("got no error for what cannot be sent")
					}
					return s.Comment("that was\nall")
				})
			})
		})
		for _, method := range []string{"GET", "POST"} {
			cl := connect(t, c, method, "/", "") // the head is there before the first event
			proceed <- struct{}{}
			cl.want(sse.Event{ID: "1", Data: "one\ntwo"})
			if r := cl.Retry(); r < time.Second || r > 1500*time.Millisecond {
				t.Errorf("got retry %v", r)
			}
			proceed <- struct{}{} // the first event has come before the second is sent
			cl.want(sse.Event{ID: "1", Name: "json", Data: `{"n":1}`})
			cl.wantEnd()
			contains(t, cl.comments, "that was")
			contains(t, cl.comments, "all")
			s := await(t, ended, "the stream")
			if err := s.Send(sse.Event{}); err != sse.ErrEnded {
				t.Errorf("got %v from Send after the end, want %v", err, sse.ErrEnded)
			}
		}
		c.Request("HEAD", "/").Send().Status(200).Header("Content-Type", "text/event-stream").Body("")
	})
}

func TestAClientThatGoesEndsTheContextOfItsStream(t *testing.T) {
	hyperlanetest.Each(t, func(t *testing.T, d hyperlanetest.Driver) {
		ended := make(chan error, 1)
		c := d.Serve(t, hyperlane.Config{}, func(s *hyperlane.Server) {
			s.Get("/", func(c *hyperlane.Context) error {
				return sse.Serve(c, sse.Config{}, func(s *sse.Stream) error {
					s.Send(sse.Event{Data: "hello"})
					<-s.Context().Done()
					ended <- context.Cause(s.Context())
					return s.Context().Err()
				})
			})
		})
		cl := connect(t, c, "GET", "/", "")
		cl.want(sse.Event{Data: "hello"})
		cl.close()
		if err := await(t, ended, "the end of the context"); !errors.Is(err, hyperlane.ErrDisconnected) {
			t.Errorf("got %v, want %v", err, hyperlane.ErrDisconnected)
		}
	})
}

func TestAShutdownEndsStreamsInAnOrderlyWay(t *testing.T) {
	hyperlanetest.Each(t, func(t *testing.T, d hyperlanetest.Driver) {
		c := d.Serve(t, hyperlane.Config{}, func(s *hyperlane.Server) {
			s.Get("/{how}", func(c *hyperlane.Context) error {
				return sse.Serve(c, sse.Config{}, func(s *sse.Stream) error {
					s.Send(sse.Event{Data: "hello"})
					<-s.Context().Done()
					switch c.Param("how") {
					case "err":
						return s.Context().Err()
					case "cause":
						return context.Cause(s.Context())
					}
					return s.Send(sse.Event{Data: "goodbye"})
				})
			})
		})
		var clients []*client
		for _, how := range []string{"/err", "/cause", "/goodbye"} {
			cl := connect(t, c, "GET", how, "")
			cl.want(sse.Event{Data: "hello"})
			clients = append(clients, cl)
		}
		if err := c.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
		clients[2].want(sse.Event{Data: "goodbye"})
		for _, cl := range clients {
			cl.wantEnd()
		}
	})
}

func TestAnErrorBreaksAStreamOff(t *testing.T) {
	hyperlanetest.Each(t, func(t *testing.T, d hyperlanetest.Driver) {
		c := d.Serve(t, hyperlane.Config{}, func(s *hyperlane.Server) {
			s.Get("/", func(c *hyperlane.Context) error {
				return sse.Serve(c, sse.Config{}, func(s *sse.Stream) error {
					s.Send(sse.Event{Data: "hello"})
					return errors.New("the source is gone")
				})
			})
			s.Get("/before", func(c *hyperlane.Context) error { return hyperlane.Errorf(401, "who are you") })
		})
		cl := connect(t, c, "GET", "/", "")
		cl.want(sse.Event{Data: "hello"})
		for e, err := range cl.All() {
			if err == nil {
				t.Errorf("got %q", e)
			}
			return
		}
		t.Error("got an orderly end")
	})
}

func TestASilentStreamHasAHeartbeat(t *testing.T) {
	hyperlanetest.Each(t, func(t *testing.T, d hyperlanetest.Driver) {
		proceed := make(chan struct{})
		c := d.Serve(t, hyperlane.Config{}, func(s *hyperlane.Server) {
			s.Get("/", func(c *hyperlane.Context) error {
				return sse.Serve(c, sse.Config{Heartbeat: 5 * time.Millisecond}, func(s *sse.Stream) error {
					<-proceed
					return nil
				})
			})
			s.Get("/never", func(c *hyperlane.Context) error {
				return sse.Serve(c, sse.Config{Heartbeat: -1}, func(s *sse.Stream) error {
					<-proceed
					return s.Send(sse.Event{Data: "first"})
				})
			})
		})
		never := connect(t, c, "GET", "/never", "")
		cl := connect(t, c, "GET", "/", "")
		beats := 0
		cl.OnComment(func(text string) {
			if beats++; beats == 3 {
				close(proceed)
			}
		})
		cl.wantEnd()
		if beats < 3 {
			t.Errorf("got %d heartbeats", beats)
		}
		never.want(sse.Event{Data: "first"})
		if len(never.comments) > 0 {
			t.Errorf("got %q from a stream without heartbeats", never.comments)
		}
	})
}

func TestManyGoroutinesMaySend(t *testing.T) {
	hyperlanetest.Each(t, func(t *testing.T, d hyperlanetest.Driver) {
		const senders, each = 8, 50
		c := d.Serve(t, hyperlane.Config{}, func(s *hyperlane.Server) {
			s.Get("/", func(c *hyperlane.Context) error {
				return sse.Serve(c, sse.Config{Heartbeat: time.Millisecond}, func(s *sse.Stream) error {
					var all sync.WaitGroup
					for i := range senders {
						all.Go(func() {
							for j := range each {
								if err := s.Send(sse.Event{Name: fmt.Sprint(i), Data: fmt.Sprint(j)}); err != nil {
									t.Error(err)
								}
							}
						})
					}
					all.Wait()
					return nil
				})
			})
		})
		cl := connect(t, c, "GET", "/", "")
		next := make(map[string]int)
		for e, err := range cl.All() {
			if err != nil {
				t.Fatal(err)
			}
			if e.Data != fmt.Sprint(next[e.Name]) {
				t.Fatalf("got %q, want number %d of its sender", e, next[e.Name])
			}
			next[e.Name]++
		}
		for i := range senders {
			if n := next[fmt.Sprint(i)]; n != each {
				t.Errorf("got %d events of sender %d, want %d", n, i, each)
			}
		}
	})
}

// A blocking stream waits for its client, and not for ever.
func TestAClientOfAHandlerThatNeverReadsIsGivenUp(t *testing.T) {
	ours(t, func(t *testing.T, d hyperlanetest.Driver) {
		ended := make(chan error, 1)
		c := d.Serve(t, hyperlane.Config{WriteTimeout: 200 * time.Millisecond}, func(s *hyperlane.Server) {
			s.Get("/", func(c *hyperlane.Context) error {
				return sse.Serve(c, sse.Config{Heartbeat: 10 * time.Millisecond}, func(s *sse.Stream) error {
					for event := (sse.Event{Data: string(make([]byte, 16<<10))}); ; {
						if err := s.Send(event); err != nil {
							ended <- err
							return err
						}
					}
				})
			})
		})
		nc := c.Dial()
		fmt.Fprintf(nc, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		if err := await(t, ended, "the end"); !errors.Is(err, hyperlane.ErrDisconnected) {
			t.Errorf("got %v", err)
		}
	})
}

func TestTheLastEventIDIsThatOfTheFieldOrOfTheQuery(t *testing.T) {
	hyperlanetest.Each(t, func(t *testing.T, d hyperlanetest.Driver) {
		c := d.Serve(t, hyperlane.Config{}, func(s *hyperlane.Server) {
			s.Get("/", func(c *hyperlane.Context) error { return c.Text(sse.LastEventID(c)) })
		})
		c.Get("/").Body("")
		c.Get("/?lastEventId=a%20b").Body("a b")
		c.Request("GET", "/?lastEventId=old").Header("Last-Event-ID", "new").Send().Body("new")
	})
}
