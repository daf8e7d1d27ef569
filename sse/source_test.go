package sse_test

import (
	"compress/gzip"
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/hyperlane-go/hyperlane"
	"github.com/hyperlane-go/hyperlane/broadcast"
	"github.com/hyperlane-go/hyperlane/hyperlanetest"
	"github.com/hyperlane-go/hyperlane/sse"
)

var kept = broadcast.Rules{History: broadcast.Retention{Count: 10}}

func TestWhatIsPublishedReachesEveryStreamOfItsTopic(t *testing.T) {
	hyperlanetest.Each(t, func(t *testing.T, d hyperlanetest.Driver) {
		ts := newTopics(t, kept, sse.Config{Retry: time.Second})
		c := d.Serve(t, hyperlane.Config{}, ts.fill)
		first, second := connect(t, c, "GET", "/news", ""), connect(t, c, "POST", "/news", "")
		other := connect(t, c, "GET", "/other", "")
		eventually(t, "all have subscribed", func() bool { return ts.source.Streams() == 3 })

		at := ts.publish(t, "news", "hello")
		r, err := ts.hub.Publish(t.Context(), broadcast.TopicOf("news"), broadcast.Publication{Name: "lines", Data: []byte("a\r\nb\xff")})
		if err != nil || r.Delivered != 2 {
			t.Fatalf("got %v, %v", r, err)
		}
		empty := ts.publish(t, "news", "")
		ts.publish(t, "other", "elsewhere")
		for _, cl := range []*client{first, second} {
			cl.want(sse.Event{ID: at.String(), Data: "hello"})
			cl.want(sse.Event{ID: r.Position.String(), Name: "lines", Data: "a\nb\uFFFD"})
			cl.want(sse.Event{ID: empty.String()})
			if r := cl.Retry(); r < time.Second || r > 1500*time.Millisecond {
				t.Errorf("got retry %v", r)
			}
		}
		other.want(sse.Event{Data: "elsewhere"})

		first.close()
		eventually(t, "the subscription has ended with its client", func() bool { return ts.source.Streams() == 2 })
		if stats, _ := ts.hub.TopicStats(broadcast.TopicOf("news")); stats.Subscribers != 1 {
			t.Errorf("got %d subscribers after one has gone, of two", stats.Subscribers)
		}
		if err := c.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
		second.wantEnd()
		other.wantEnd()
		eventually(t, "nobody is left", func() bool { return ts.source.Streams() == 0 })
		c2 := hyperlanetest.Blocking.Serve(t, hyperlane.Config{}, ts.fill) // the source serves another server
		c2.Request("HEAD", "/news").Send().Status(200).Header("Content-Type", "text/event-stream").Body("")
		eventually(t, "nobody is left", func() bool { return ts.hub.Stats().Subscribers == 0 })
	})
}

func TestAClientThatComesBackGetsExactlyWhatItMissed(t *testing.T) {
	hyperlanetest.Each(t, func(t *testing.T, d hyperlanetest.Driver) {
		ts := newTopics(t, kept, sse.Config{})
		c := d.Serve(t, hyperlane.Config{}, ts.fill)
		stay := connect(t, c, "GET", "/news", "")
		cl := connect(t, c, "GET", "/news", "")
		eventually(t, "both have subscribed", func() bool { return ts.source.Streams() == 2 })
		ts.publish(t, "news", "1")
		e := cl.want(sse.Event{Data: "1"})
		cl.close()
		eventually(t, "one has gone", func() bool { return ts.source.Streams() == 1 })
		ts.publish(t, "news", "2", "3")

		for _, back := range []*client{connect(t, c, "GET", "/news", e.ID), connect(t, c, "GET", "/news?lastEventId="+e.ID, "")} {
			back.want(sse.Event{Data: "2"})
			back.want(sse.Event{Data: "3"})
			back.close()
		}
		eventually(t, "they have gone again", func() bool { return ts.source.Streams() == 1 })
		for _, data := range []string{"1", "2", "3"} {
			e = stay.want(sse.Event{Data: data})
		}
		nothing := connect(t, c, "GET", "/news", e.ID)
		eventually(t, "it has subscribed", func() bool { return ts.source.Streams() == 2 })
		ts.publish(t, "news", "4")
		nothing.want(sse.Event{Data: "4"})
	})
}

func TestAClientThatHasGotNothingYetCanComeBack(t *testing.T) {
	ours(t, func(t *testing.T, d hyperlanetest.Driver) {
		ts := newTopics(t, kept, sse.Config{})
		c := d.Serve(t, hyperlane.Config{}, ts.fill)
		cl := connect(t, c, "GET", "/news", "")
		mark := make(chan string, 1)
		cl.OnComment(func(string) { mark <- cl.LastEventID() })
		eventually(t, "it has subscribed", func() bool { return ts.source.Streams() == 1 })
		ts.publish(t, "news", "1")
		first := cl.want(sse.Event{Data: "1"})
		cl.close()
		// What it would have brought, had the connection been lost before "1".
		position, err := broadcast.ParsePosition(first.ID)
		if err != nil || position.Offset == 0 {
			t.Fatalf("got id %q", first.ID)
		}
		position.Offset--
		back := connect(t, c, "GET", "/news", position.String())
		back.want(sse.Event{Data: "1"})

		fresh := connect(t, c, "GET", "/news", "")
		eventually(t, "it has subscribed", func() bool { return ts.source.Streams() == 2 })
		ts.hub.Publish(t.Context(), broadcast.TopicOf("news"), broadcast.Publication{Data: []byte("not for it"), To: "ann"})
		c.Shutdown(context.Background())
		fresh.wantEnd()
		if fresh.LastEventID() != first.ID {
			t.Errorf("a client that got nothing has id %q, want %q, where it began", fresh.LastEventID(), first.ID)
		}
	})
}

func TestWhatCannotBeRecoveredIsSaid(t *testing.T) {
	hyperlanetest.Each(t, func(t *testing.T, d hyperlanetest.Driver) {
		ts := newTopics(t, kept, sse.Config{})
		c := d.Serve(t, hyperlane.Config{}, ts.fill)
		keep := connect(t, c, "GET", "/secret", "")
		eventually(t, "it has subscribed", func() bool { return ts.source.Streams() == 1 })
		secret := ts.publish(t, "secret", "for others", "for others")
		keep.want(sse.Event{Data: "for others"})
		first := ts.publish(t, "news", "old")
		for range 20 {
			ts.publish(t, "news", "old")
		}
		last := ts.publish(t, "news", "recent")
		for name, id := range map[string]string{
			"too old":              first.String(),
			"of another topic":     secret.String(),
			"of another epoch":     "x." + fmt.Sprint(last.Offset),
			"of the future":        broadcast.Position{Epoch: last.Epoch, Offset: last.Offset + 1000}.String(),
			"not the text of one":  "0; DROP TABLE",
			"of somebody's making": ".1",
		} {
			t.Run(name, func(t *testing.T) {
				before := ts.source.Streams()
				cl := connect(t, c, "GET", "/news", id)
				cl.want(sse.Event{Name: sse.UnrecoverableEvent})
				eventually(t, "it has subscribed", func() bool { return ts.source.Streams() == before+1 })
				at := ts.publish(t, "news", "new")
				cl.want(sse.Event{ID: at.String(), Data: "new"})
				cl.close()
				eventually(t, "it has gone", func() bool { return ts.source.Streams() == before })
			})
		}
	})
}

func TestAPresentMemberIsListedWhileItsStreamLasts(t *testing.T) {
	hyperlanetest.Each(t, func(t *testing.T, d hyperlanetest.Driver) {
		ts := newTopics(t, broadcast.Rules{Presence: true}, sse.Config{})
		c := d.Serve(t, hyperlane.Config{}, ts.fill)
		ann := connect(t, c, "GET", "/lobby?key=ann", "")
		eventually(t, "she is there", func() bool { return ts.source.Streams() == 1 })
		bob := connect(t, c, "GET", "/lobby?key=bob", "")
		ann.want(sse.Event{Name: sse.JoinedEvent, Data: `{"key":"bob","connections":1}`})
		ts.hub.Publish(t.Context(), broadcast.TopicOf("lobby"), broadcast.Publication{To: "ann", Data: []byte("psst")})
		ann.want(sse.Event{Data: "psst"})
		bob.close()
		ann.want(sse.Event{Name: sse.LeftEvent, Data: `{"key":"bob"}`})
	})
}

func TestStreamsAreRefusedBeyondTheirLimits(t *testing.T) {
	hyperlanetest.Each(t, func(t *testing.T, d hyperlanetest.Driver) {
		ts := newTopics(t, broadcast.Rules{Subscribers: 3}, sse.Config{StreamsPerKey: 2})
		c := d.Serve(t, hyperlane.Config{}, ts.fill)
		one := connect(t, c, "GET", "/a?key=ann", "")
		connect(t, c, "GET", "/b?key=ann", "")
		c.Get("/a?key=ann").Problem(429, "too many streams are open")
		connect(t, c, "GET", "/a?key=bob", "")
		connect(t, c, "GET", "/a", "")
		c.Get("/a").Problem(503, "")
		one.close()
		eventually(t, "one has gone", func() bool { return ts.source.Streams() == 3 })
		connect(t, c, "GET", "/a?key=ann", "")
		c.Get("/b?key=ann").Status(429)
	})
}

func TestAHubThatClosesEndsItsStreams(t *testing.T) {
	hyperlanetest.Each(t, func(t *testing.T, d hyperlanetest.Driver) {
		ts := newTopics(t, kept, sse.Config{})
		c := d.Serve(t, hyperlane.Config{}, ts.fill)
		cl := connect(t, c, "GET", "/news", "")
		eventually(t, "it has subscribed", func() bool { return ts.source.Streams() == 1 })
		ts.publish(t, "news", "last")
		if err := ts.hub.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		cl.want(sse.Event{Data: "last"})
		cl.wantEnd()
		c.Get("/news").Problem(503, "")
		eventually(t, "nobody is left", func() bool { return ts.source.Streams() == 0 })
	})
}

func TestEveryStreamOfASourceHasAHeartbeat(t *testing.T) {
	hyperlanetest.Each(t, func(t *testing.T, d hyperlanetest.Driver) {
		ts := newTopics(t, kept, sse.Config{Heartbeat: 20 * time.Millisecond})
		c := d.Serve(t, hyperlane.Config{}, ts.fill)
		silent := newTopics(t, kept, sse.Config{Heartbeat: -1})
		other := d.Serve(t, hyperlane.Config{}, silent.fill)
		never := connect(t, other, "GET", "/news", "")
		for range 2 { // also after there was nobody
			var clients []*client
			for range 3 {
				clients = append(clients, connect(t, c, "GET", "/news", ""))
			}
			for _, cl := range clients {
				beats := make(chan struct{}, 100)
				cl.OnComment(func(string) { beats <- struct{}{} })
				read := make(chan struct{})
				go func() { defer close(read); cl.Next() }()
				for range 2 {
					await(t, beats, "a heartbeat")
				}
				cl.close()
				await(t, read, "the end")
			}
			eventually(t, "nobody is left", func() bool { return ts.source.Streams() == 0 })
		}
		eventually(t, "it has subscribed", func() bool { return silent.source.Streams() == 1 })
		silent.publish(t, "news", "first")
		never.want(sse.Event{Data: "first"})
		if len(never.comments) > 0 {
			t.Errorf("got %q from a source without heartbeats", never.comments)
		}
	})
}

func TestASourceMayEncodeMessagesInItsOwnWay(t *testing.T) {
	hyperlanetest.Each(t, func(t *testing.T, d hyperlanetest.Driver) {
		encoded := 0
		ts := newTopics(t, kept, sse.Config{Encode: func(m *broadcast.Message) sse.Event {
			encoded++
			e := sse.MessageEvent(m)
			e.ID, e.Name = "ignored", m.From
			return e
		}})
		c := d.Serve(t, hyperlane.Config{}, ts.fill)
		clients := []*client{connect(t, c, "GET", "/news", ""), connect(t, c, "GET", "/news", "")}
		eventually(t, "both have subscribed", func() bool { return ts.source.Streams() == 2 })
		good, err := ts.hub.Publish(t.Context(), broadcast.TopicOf("news"), broadcast.Publication{From: "ann", Data: []byte("hi")})
		if err != nil {
			t.Fatal(err)
		}
		ts.hub.Publish(t.Context(), broadcast.TopicOf("news"), broadcast.Publication{From: "a\n\ndata: forged", Data: []byte("hi")})
		for _, cl := range clients {
			cl.want(sse.Event{ID: good.Position.String(), Name: "ann", Data: "hi"})
			cl.want(sse.Event{Name: sse.MissedEvent, Data: `{"count":1}`})
		}
		if encoded != 2 {
			t.Errorf("two messages for two streams were encoded %d times", encoded)
		}
	})
}

// A middleware that compresses, of the kind that people bring from net/http, must not hold events back.
func TestEventsPassThroughCompressionOneByOne(t *testing.T) {
	hyperlanetest.Each(t, func(t *testing.T, d hyperlanetest.Driver) {
		ts := newTopics(t, kept, sse.Config{})
		proceed := make(chan struct{})
		c := d.Serve(t, hyperlane.Config{}, func(s *hyperlane.Server) {
			s.Use(hyperlane.FromHTTPMiddleware(compress))
			ts.fill(s)
			s.Get("/blocking/stream", func(c *hyperlane.Context) error {
				return sse.Serve(c, sse.Config{}, func(s *sse.Stream) error {
					for _, data := range []string{"1", "2"} {
						if err := s.Send(sse.Event{Data: data}); err != nil {
							return err
						}
						<-proceed
					}
					return nil
				})
			})
		})
		for _, target := range []string{"/news", "/blocking/stream"} {
			cl := connect(t, c, "GET", target, "")
			plain, err := gzip.NewReader(cl.response.Body) // reads the head of the format
			if err != nil {
				t.Fatal(err)
			}
			r := sse.NewReader(plain)
			for _, data := range []string{"1", "2"} {
				if target == "/news" {
					eventually(t, "it has subscribed", func() bool { return ts.source.Streams() == 1 })
					ts.publish(t, "news", data)
				}
				if e, err := r.Next(); err != nil || e.Data != data {
					t.Fatalf("got %q, %v, want %q at once", e, err, data)
				}
				if target != "/news" {
					proceed <- struct{}{}
				}
			}
			cl.close()
		}
	})
}

// compress is a middleware that compresses everything.
func compress(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		z := &gzipWriter{w, gzip.NewWriter(w)}
		defer z.gz.Close()
		next.ServeHTTP(z, r)
	})
}

type gzipWriter struct {
	http.ResponseWriter
	gz *gzip.Writer
}

func (w *gzipWriter) Write(p []byte) (int, error) { return w.gz.Write(p) }

func (w *gzipWriter) FlushError() error {
	if err := w.gz.Flush(); err != nil {
		return err
	}
	return http.NewResponseController(w.ResponseWriter).Flush()
}
