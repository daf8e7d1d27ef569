package guide

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/hyperlane-go/hyperlane/broadcast"
	"github.com/hyperlane-go/hyperlane/hyperlanetest"
)

func TestPricesArePrintedAndGapsAreTold(t *testing.T) {
	prices := broadcast.New[Tick](broadcast.Config{Capacity: 2})
	receiver := prices.Subscribe()
	for i := range 3 {
		if n, err := prices.Send(t.Context(), Tick{"ACME", float64(i)}); n != 1 || err != nil {
			t.Fatalf("sent to %d, %v", n, err)
		}
	}
	prices.Close()
	var out strings.Builder
	Print(t.Context(), receiver, &out)
	if want := "(1 missed)\nACME 1\nACME 2\n"; out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
}

// listen asks for the minutes as user.
func listen(c *hyperlanetest.Client, user string) <-chan string {
	heard := make(chan string, 1)
	go func() { heard <- c.Get("/teams/blue/minutes?user=" + user).Text() }()
	return heard
}

// untilThereAre waits until so many listen.
func untilThereAre(t *testing.T, c *hyperlanetest.Client, n int) {
	t.Helper()
	want := fmt.Sprintf(`"subscribers":%d,`, n)
	for end := time.Now().Add(10 * time.Second); !strings.Contains(c.Get("/stats").Text(), want); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain for %s", want)
		}
	}
}

func TestAMessengerReachesWhomItShall(t *testing.T) {
	each(t, Messenger, func(t *testing.T, c *hyperlanetest.Client) {
		post := func(target, text string) {
			t.Helper()
			c.Request("POST", "/teams/blue"+target).Body(text).Send().Status(204)
		}
		hears := func(from <-chan string, want string) {
			t.Helper()
			ctx, stop := context.WithTimeout(t.Context(), 10*time.Second)
			defer stop()
			select {
			case got := <-from:
				if got != want {
					t.Errorf("got %q, want %q", got, want)
				}
			case <-ctx.Done():
				t.Fatalf("waited in vain for %q", want)
			}
		}
		ann, bob := listen(c, "ann"), listen(c, "bob")
		untilThereAre(t, c, 2)
		post("/say?user=ann", "to all others")
		hears(bob, "ann: to all others")
		post("/tell/ann?user=bob", "to you alone")
		hears(ann, "bob: to you alone")
		untilThereAre(t, c, 0)
		bob = listen(c, "bob")
		untilThereAre(t, c, 1)
		post("/alert", "fire")
		hears(bob, ": fire")

		c.Get("/teams/blue/members").Status(200).JSON([]string{})
		c.Get("/teams/blue/missed?user=ann&since=forged.1").Status(410)
		c.Get("/teams/blue/missed?user=ann&since=nonsense").Status(400)
	})
}
