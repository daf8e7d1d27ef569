package sse_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hyperlane-go/hyperlane"
	"github.com/hyperlane-go/hyperlane/broadcast"
	"github.com/hyperlane-go/hyperlane/hyperlanetest"
	"github.com/hyperlane-go/hyperlane/sse"
)

// dial opens a stream on a connection that is not read from, and returns the reader of it.
func dial(t *testing.T, c *hyperlanetest.Client, ts *topics) func() *sse.Reader {
	t.Helper()
	before := ts.source.Streams()
	nc := c.Dial()
	fmt.Fprintf(nc, "GET /news HTTP/1.1\r\nHost: x\r\n\r\n")
	eventually(t, "it has subscribed", func() bool { return ts.source.Streams() == before+1 })
	return func() *sse.Reader {
		response, err := http.ReadResponse(bufio.NewReader(nc), nil)
		if err != nil {
			t.Fatal(err)
		}
		return sse.NewReader(response.Body)
	}
}

// numbered is data that begins with n and is long.
func numbered(n int) string { return strconv.Itoa(n) + strings.Repeat(" ", 10<<10) }

// flood publishes until the hub says that somebody lags and has missed something, and returns how many.
func flood(t *testing.T, ts *topics, enough func(broadcast.TopicStats) bool) (n int) {
	t.Helper()
	for {
		ts.publish(t, "news", numbered(n))
		n++
		if stats, _ := ts.hub.TopicStats(broadcast.TopicOf("news")); enough(stats) {
			return n
		}
		if n > 20_000 {
			t.Fatalf("%d long messages are kept for a client that does not read", n)
		}
	}
}

func TestASlowClientIsToldWhatItMissed(t *testing.T) {
	for _, lag := range []broadcast.Lag{broadcast.DropOldest, broadcast.DropNewest} {
		t.Run(lag.String(), func(t *testing.T) {
			hyperlanetest.Each(t, func(t *testing.T, d hyperlanetest.Driver) {
				ts := newTopics(t, broadcast.Rules{Lag: lag, Backlog: 8}, sse.Config{Buffer: 32 << 10})
				c := d.Serve(t, hyperlane.Config{}, ts.fill)
				read := dial(t, c, ts)
				published := flood(t, ts, func(s broadcast.TopicStats) bool { return s.Missed > 20 })
				ts.hub.Publish(t.Context(), broadcast.TopicOf("news"), broadcast.Publication{Name: "end"})
				r := read()
				next := 0
				for e, err := range r.All() {
					if err != nil {
						t.Fatalf("after %d events of %d: %v", next, published, err)
					}
					switch e.Name {
					case sse.MissedEvent:
						var missed struct{ Count int }
						if err := json.Unmarshal([]byte(e.Data), &missed); err != nil || missed.Count < 1 {
							t.Fatalf("got %q", e)
						}
						next += missed.Count
						if lag == broadcast.DropNewest && next > published {
							return // "end" is among what it missed
						}
						continue
					case "end":
						if next != published {
							t.Errorf("got, or was told of, %d events, want %d", next, published)
						}
						return
					}
					if n, _ := strconv.Atoi(strings.TrimSpace(e.Data)); n != next {
						t.Fatalf("got event %d, want %d", n, next)
					}
					next++
				}
			})
		})
	}
}

func TestASlowClientIsDisconnectedWhereItsTopicSaysSo(t *testing.T) {
	hyperlanetest.Each(t, func(t *testing.T, d hyperlanetest.Driver) {
		rules := broadcast.Rules{Lag: broadcast.Disconnect, History: broadcast.Retention{Count: 100_000}}
		ts := newTopics(t, rules, sse.Config{Buffer: 32 << 10})
		c := d.Serve(t, hyperlane.Config{}, ts.fill)
		read := dial(t, c, ts)
		published := flood(t, ts, func(s broadcast.TopicStats) bool { return s.Disconnected > 0 || s.Subscribers == 0 })
		r := read()
		got := 0
		var last sse.Event
		for e, err := range r.All() {
			if err != nil {
				t.Fatal(err)
			}
			last = e
			got++
		}
		if got == 0 || got >= published {
			t.Fatalf("got %d events of %d before the end", got, published)
		}
		back := connect(t, c, "GET", "/news", last.ID)
		for n := got; n < published; n++ {
			if e, err := back.Next(); err != nil || e.Data != numbered(n) {
				t.Fatalf("got %.10q, %v, want number %d", e.Data, err, n)
			}
		}
	})
}

func TestAPublisherMayWaitForASlowClient(t *testing.T) {
	hyperlanetest.Each(t, func(t *testing.T, d hyperlanetest.Driver) {
		ts := newTopics(t, broadcast.Rules{Lag: broadcast.Block}, sse.Config{Buffer: 32 << 10})
		c := d.Serve(t, hyperlane.Config{}, ts.fill)
		read := dial(t, c, ts)
		const messages = 2000
		published := make(chan error, 1)
		go func() {
			for n := range messages {
				p := broadcast.Publication{Data: []byte(numbered(n))}
				if _, err := ts.hub.Publish(context.Background(), broadcast.TopicOf("news"), p); err != nil {
					published <- err
					return
				}
			}
			published <- nil
		}()
		eventually(t, "the publisher waits", func() bool { s, _ := ts.hub.TopicStats(broadcast.TopicOf("news")); return s.Behind > 0 })
		r := read()
		for n := range messages {
			if e, err := r.Next(); err != nil || e.Data != numbered(n) {
				t.Fatalf("got %.10q, %v, want number %d", e.Data, err, n)
			}
		}
		if err := await(t, published, "the last publication"); err != nil {
			t.Error(err)
		}
	})
}

// What a client has missed is delivered before the hub has subscribed it: when it has room again it may still be waiting for that.
func TestAClientThatComesBackGetsWhatItMissedHoweverLongItTakesToSubscribe(t *testing.T) {
	hyperlanetest.Each(t, func(t *testing.T, d hyperlanetest.Driver) {
		rules := broadcast.Rules{Presence: true, History: broadcast.Retention{Count: 10}}
		ts := newTopics(t, rules, sse.Config{Buffer: 32 << 10, Encode: func(m *broadcast.Message) sse.Event {
			if m.Kind == broadcast.Joined && m.From == "back" {
				time.Sleep(20 * time.Millisecond) // the room is looked for meanwhile
			}
			return sse.MessageEvent(m)
		}})
		c := d.Serve(t, hyperlane.Config{}, ts.fill)
		connect(t, c, "GET", "/news?key=present", "")
		at := ts.publish(t, "news", "0")
		short, long := strings.Repeat("1", 10<<10), strings.Repeat("2", 30<<10) // the second does not fit behind the first
		ts.publish(t, "news", short, long)
		cl := connect(t, c, "GET", "/news?key=back", at.String())
		for _, want := range []string{short, long} {
			if e, err := cl.Next(); err != nil || e.Data != want {
				t.Fatalf("got %.10q of %d bytes, %v, want %.10q", e.Data, len(e.Data), err, want)
			}
		}
	})
}

// On the event loop streams have neither goroutines nor timers of their own, and little memory.
func TestAThousandIdleStreamsCostNoGoroutine(t *testing.T) {
	if testing.Short() {
		t.Skip("a thousand connections take a while")
	}
	ts := newTopics(t, kept, sse.Config{})
	c := hyperlanetest.Loop.Serve(t, hyperlane.Config{}, ts.fill)
	c.Get("/a/b").Status(404)
	c.HTTP().CloseIdleConnections()
	before := runtime.NumGoroutine()
	const streams = 1000
	for range streams {
		fmt.Fprintf(c.Dial(), "GET /news HTTP/1.1\r\nHost: x\r\n\r\n")
	}
	eventually(t, "all have subscribed", func() bool { return ts.source.Streams() == streams })
	eventually(t, "they cost no goroutine", func() bool { return runtime.NumGoroutine() < before+streams/10 })
}

// Everybody gets everything in order, whoever comes and goes meanwhile.
func TestManyStreamsGetManyMessagesInOrder(t *testing.T) {
	hyperlanetest.Each(t, func(t *testing.T, d hyperlanetest.Driver) {
		ts := newTopics(t, kept, sse.Config{})
		c := d.Serve(t, hyperlane.Config{}, ts.fill)
		const streams, messages = 50, 200
		var all sync.WaitGroup
		for range streams {
			cl := connect(t, c, "GET", "/news", "")
			all.Go(func() {
				for n := range messages {
					if e, err := cl.Next(); err != nil || e.Data != strconv.Itoa(n) {
						t.Errorf("got %q, %v, want number %d", e, err, n)
						return
					}
				}
			})
		}
		eventually(t, "all have subscribed", func() bool { return ts.source.Streams() == streams })
		for n := range messages {
			ts.publish(t, "news", strconv.Itoa(n))
			if n%10 == 0 {
				nc := c.Dial()
				fmt.Fprintf(nc, "GET /news HTTP/1.1\r\nHost: x\r\n\r\n")
				nc.Close()
			}
		}
		all.Wait()
	})
}
