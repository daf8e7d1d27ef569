package broadcast_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/hyperlane-go/hyperlane/broadcast"
)

func here(t testing.TB, h *broadcast.Hub) string {
	t.Helper()
	members, err := h.Presence(t.Context(), lobby)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, m := range members {
		list = append(list, fmt.Sprintf("%s(%s)x%d", m.Key, m.Data, m.Connections))
	}
	return strings.Join(list, " ")
}

func TestPresenceTellsWhoComesAndGoesOncePerUser(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub(t, broadcast.Rules{Presence: true})
		watcher := listener()
		subscribe(t, h, watcher, broadcast.As{}) // has no key: is not counted
		first := listener()
		phone := subscribe(t, h, first, broadcast.As{Key: "ann", Data: []byte("phone")})
		wantSaid(t, "the watcher", watcher.heard(), "+ann(phone)x1")
		desk := subscribe(t, h, listener(), broadcast.As{Key: "ann", Data: []byte("desk")})
		subscribe(t, h, listener(), broadcast.As{Key: "spy", Hidden: true})
		wantSaid(t, "the watcher", watcher.heard())
		if got := here(t, h); got != "ann(desk)x2" {
			t.Errorf("here: %s", got)
		}
		desk.Update([]byte("away"))
		wantSaid(t, "the watcher", watcher.heard(), "+ann(away)x2")
		phone.Close()
		wantSaid(t, "the watcher", watcher.heard())
		desk.Close()
		wantSaid(t, "the watcher", watcher.heard(), "-ann")
		wantSaid(t, "ann herself", first.heard(), "+ann(away)x2")
		if got := here(t, h); got != "" {
			t.Errorf("here: %s", got)
		}
	})
}

func TestOneWhoIsDisconnectedHasLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub(t, broadcast.Rules{Presence: true, Lag: broadcast.Disconnect})
		watcher := listener()
		subscribe(t, h, watcher, broadcast.As{})
		subscribe(t, h, &collector{room: 1}, broadcast.As{Key: "ann"})
		say(t, h, "1")
		say(t, h, "2")
		wantSaid(t, "the watcher", watcher.heard(), "+ann()x1", "1", "2", "-ann")
	})
}

// TestPresenceAgreesWithASimpleModel has connections come, go and change on three nodes, in random order. What each node says must be
// what a plain count says, and what a watcher on each node has been told must add up to it.
func TestPresenceAgreesWithASimpleModel(t *testing.T) {
	for seed := range uint64(30) {
		synctest.Test(t, func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(seed, 1))
			backplane := broadcast.NewMemory()
			type conn struct {
				key string
				sub *broadcast.Subscription
			}
			var hubs []*broadcast.Hub
			var watchers []*collector
			for i := range 3 {
				h := openHub(t, broadcast.HubConfig{Backplane: backplane, Node: fmt.Sprint("node", i),
					Rules: func(broadcast.Topic) broadcast.Rules { return broadcast.Rules{Presence: true} }})
				w := listener()
				subscribe(t, h, w, broadcast.As{})
				hubs, watchers = append(hubs, h), append(watchers, w)
			}
			var conns []conn
			told := make([]map[string]bool, 3)
			for range 60 {
				switch {
				case len(conns) > 0 && rnd.IntN(3) == 0:
					i := rnd.IntN(len(conns))
					conns[i].sub.Close()
					conns = slices.Delete(conns, i, i+1)
				default:
					key := string(rune('a' + rnd.IntN(4)))
					h := hubs[rnd.IntN(3)]
					conns = append(conns, conn{key, subscribe(t, h, listener(), broadcast.As{Key: key})})
				}
				if rnd.IntN(3) == 0 {
					synctest.Wait() // sometimes news travels before the next step, sometimes not
				}
			}
			synctest.Wait()
			count := map[string]int{}
			for _, c := range conns {
				count[c.key]++
			}
			var want []string
			for _, key := range slices.Sorted(func(yield func(string) bool) {
				for k := range count {
					if !yield(k) {
						return
					}
				}
			}) {
				want = append(want, fmt.Sprintf("%s()x%d", key, count[key]))
			}
			for i, h := range hubs {
				if got := here(t, h); got != strings.Join(want, " ") {
					t.Errorf("seed %d: node %d says %q, want %q", seed, i, got, want)
				}
				told[i] = map[string]bool{}
				for _, words := range watchers[i].heard() {
					key := words[1:2]
					if joined := words[0] == '+'; joined == told[i][key] {
						t.Errorf("seed %d: node %d was told %q when it knew so already", seed, i, words)
					} else {
						told[i][key] = joined
					}
				}
				for key, is := range told[i] {
					if is != (count[key] > 0) {
						t.Errorf("seed %d: the watcher on node %d thinks %s is here: %v", seed, i, key, is)
					}
				}
			}
			other := openHub(t, broadcast.HubConfig{Backplane: backplane})
			if got := here(t, other); got != strings.Join(want, " ") {
				t.Errorf("seed %d: a node without subscribers says %q, want %q", seed, got, want)
			}
		})
	}
}

func TestANodeThatClosesTakesItsMembersAlong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		backplane := broadcast.NewMemory()
		config := broadcast.HubConfig{Backplane: backplane, Rules: func(broadcast.Topic) broadcast.Rules { return broadcast.Rules{Presence: true} }}
		stays, leaves := openHub(t, config), broadcast.NewHub(config)
		watcher := listener()
		subscribe(t, stays, watcher, broadcast.As{})
		for i := range 3 {
			subscribe(t, leaves, listener(), broadcast.As{Key: fmt.Sprint("u", i)})
		}
		synctest.Wait()
		wantSaid(t, "the watcher", watcher.heard(), "+u0()x1", "+u1()x1", "+u2()x1")
		if err := leaves.Close(context.Background()); err != nil {
			t.Errorf("Close: %v", err)
		}
		got := watcher.heard()
		slices.Sort(got)
		wantSaid(t, "the watcher", got, "-u0", "-u1", "-u2")
	})
}
