package guide

import (
	"context"
	"slices"
	"testing"

	"github.com/hyperlane-go/hyperlane"
	"github.com/hyperlane-go/hyperlane/hyperlanetest"
	"github.com/hyperlane-go/hyperlane/sse"
)

func TestACountdownIsHeard(t *testing.T) {
	each(t, func(s *hyperlane.Server) { s.Get("/countdown", Countdown) }, func(t *testing.T, c *hyperlanetest.Client) {
		c.Get("/countdown").Status(200).Header("Content-Type", "text/event-stream").
			Body("event: count\ndata: 3\n\nevent: count\ndata: 2\n\nevent: count\ndata: 1\n\nevent: liftoff\ndata: {\"crew\":3}\n\n")
	})
}

func TestNewsAreReadAndReadOn(t *testing.T) {
	each(t, News, func(t *testing.T, c *hyperlanetest.Client) {
		publish := func(text string) { c.Request("POST", "/news").Body(text).Send().Status(204) }
		var heard []string
		read := func(id string) string {
			ctx, stop := context.WithCancel(t.Context())
			id, err := ReadNews(ctx, c.HTTP(), hyperlanetest.URL+"/news", id, func(e sse.Event) {
				heard = append(heard, e.Name+": "+e.Data)
				switch e.Name {
				case sse.UnrecoverableEvent:
					publish("one")
				default:
					stop()
				}
			})
			if err == nil {
				t.Error("a stream of news has ended by itself")
			}
			return id
		}
		id := read("not.1")
		publish("two") // while nobody listens
		read(id)
		if want := []string{"unrecoverable: ", "headline: one", "headline: two"}; !slices.Equal(heard, want) {
			t.Errorf("heard %q, want %q", heard, want)
		}
	})
}
