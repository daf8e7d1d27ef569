package broadcast

import (
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestMemoryForgetsATopicThatNobodyNeeds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewMemory()
		topics := func() int { return len(b.logs.all()) }
		post := func(keep Retention) {
			b.Publish(t.Context(), &Message{ID: fmt.Sprint(time.Now()), Time: time.Now()}, keep)
		}
		post(Retention{})
		if n := topics(); n != 0 {
			t.Errorf("%d topics after a message that nobody hears or keeps", n)
		}
		post(Retention{Count: 2, Age: time.Minute})
		time.Sleep(time.Minute - 1)
		if n := topics(); n != 1 {
			t.Errorf("%d topics within the age of a message", n)
		}
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		if n := topics(); n != 0 {
			t.Errorf("%d topics after the age of the message", n)
		}
		_, stop, _ := b.Follow(t.Context(), Topic{}, func(*Message, uint64) {})
		post(Retention{Count: 2, Age: time.Minute})
		stop()
		b.Publish(t.Context(), &Message{Kind: Joined, Node: "n", From: "ann"}, Retention{})
		time.Sleep(time.Hour)
		if n := topics(); n != 1 {
			t.Errorf("%d topics while somebody is on the roll", n)
		}
		b.Publish(t.Context(), &Message{Kind: Left, Node: "n", From: "ann"}, Retention{})
		if n := topics(); n != 0 {
			t.Errorf("%d topics when nobody is there", n)
		}
	})
}

func TestMembersOfANodeThatDiedAreGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewMemory()
		config := HubConfig{Backplane: b, Rules: func(Topic) Rules { return Rules{Presence: true} }}
		dead, alive := NewHub(config), NewHub(config)
		for _, h := range []*Hub{dead, alive} {
			if _, err := h.Inbox(t.Context(), Topic{}, As{Key: "ann"}); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := dead.Inbox(t.Context(), Topic{}, As{Key: "bob"}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		for _, key := range []string{"ann", "bob"} { // what another backplane says when a node has died
			b.Publish(t.Context(), &Message{Kind: Left, ID: key, Node: dead.Node(), From: key}, Retention{})
		}
		got, err := alive.Presence(t.Context(), Topic{})
		if fmt.Sprint(got) != "[{ann [] 1}]" || err != nil {
			t.Errorf("here: %v, %v", got, err)
		}
		alive.Close(t.Context())
		dead.Close(t.Context())
	})
}

func TestTopicsComeAndGoWhileOthersUseThem(t *testing.T) {
	h := NewHub(HubConfig{Rules: func(Topic) Rules { return Rules{Presence: true, History: Retention{Count: 2}} }})
	topics := []Topic{TopicOf("a"), TopicOf("b")}
	const room = 8 * 100 * 3 // for all that is ever said, so that nobody misses anything
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for n := range 100 {
				inbox, err := h.Inbox(t.Context(), topics[n%2], As{Key: fmt.Sprint(i), Groups: []string{"g", fmt.Sprint(n % 3)}, Room: room})
				if err != nil {
					t.Error(err)
					return
				}
				if _, err := h.Publish(t.Context(), topics[n%2], Publication{To: fmt.Sprint(i)}); err != nil {
					t.Error(err)
				}
				for {
					m, err := inbox.Next(t.Context())
					if err != nil {
						t.Error(err)
						break
					}
					if m.Kind == Published {
						break
					}
				}
				inbox.Close()
			}
		})
	}
	wg.Wait()
	if err := h.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if n := len(h.audiences.all()); n != 0 {
		t.Errorf("%d audiences are left", n)
	}
	if got := h.mender.order; len(got) != 0 {
		t.Errorf("%d facts are left untold", len(got))
	}
}
