package broadcast_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hyperlane-go/hyperlane/broadcast"
)

var everything = broadcast.Rules{Presence: true, History: broadcast.Retention{Count: 100}}

func nodesOn(t *testing.T, b broadcast.Backplane, names ...string) []*broadcast.Hub {
	var hubs []*broadcast.Hub
	for _, name := range names {
		hubs = append(hubs, openHub(t, broadcast.HubConfig{Backplane: b, Node: name,
			Rules: func(broadcast.Topic) broadcast.Rules { return everything }}))
	}
	return hubs
}

func TestWhatOneNodePublishesIsHeardOnAllOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hubs := nodesOn(t, newWire(), "a", "b", "c")
		var ears []*collector
		var own *broadcast.Subscription
		for i, h := range hubs {
			c := listener()
			sub := subscribe(t, h, c, broadcast.As{})
			if i == 0 {
				own = sub
			}
			ears = append(ears, c)
		}
		for i := range 30 {
			say(t, hubs[i%3], fmt.Sprint(i))
			synctest.Wait()
		}
		publish(t, hubs[0], broadcast.Publication{Data: []byte("not to myself"), Except: own})
		publish(t, hubs[1], broadcast.Publication{Data: []byte("to nobody"), To: "nobody"})
		synctest.Wait()
		var want []string
		for i := range 30 {
			want = append(want, fmt.Sprint(i))
		}
		wantSaid(t, "a", ears[0].heard(), want...)
		want = append(want, "not to myself")
		wantSaid(t, "b", ears[1].heard(), want...)
		wantSaid(t, "c", ears[2].heard(), want...)
		if got := hubs[0].Stats().Duplicates; got != 32 {
			t.Errorf("%d duplicates were dropped, want 32", got)
		}
	})
}

func TestAClientRecoversOnAnotherNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWire()
		hubs := nodesOn(t, w, "a", "b", "c")
		subscribe(t, hubs[1], listener(), broadcast.As{})
		say(t, hubs[0], "1")
		at := say(t, hubs[0], "2").Position
		say(t, hubs[1], "3")
		c := listener()
		subscribe(t, hubs[2], c, broadcast.As{Since: at})
		say(t, hubs[0], "4")
		synctest.Wait()
		wantSaid(t, "the client", c.heard(), "3", "4")
	})
}

func TestAClientThatComesToANodeThatIsBehindHearsNothingTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ahead := newWire()
		behind := newWire()
		behind.kept = ahead.kept
		a, b := nodesOn(t, ahead, "a")[0], nodesOn(t, behind, "b")[0]
		subscribe(t, a, listener(), broadcast.As{})
		subscribe(t, b, listener(), broadcast.As{})
		say(t, a, "1")
		synctest.Wait()
		behind.delay()
		at := []broadcast.Position{say(t, a, "2").Position, say(t, a, "3").Position}
		say(t, a, "4")
		one, two := listener(), listener()
		subscribe(t, b, one, broadcast.As{Since: at[0]})
		if sub := subscribe(t, b, two, broadcast.As{Since: at[1]}); sub.Position() != at[1] {
			t.Errorf("begins at %v, want %v", sub.Position(), at[1])
		}
		behind.setCut(false)
		say(t, a, "5")
		synctest.Wait()
		wantSaid(t, "one", one.heard(), "3", "4", "5")
		wantSaid(t, "two", two.heard(), "4", "5")
	})
}

func TestWithoutItsBackplaneAHubServesItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWire()
		hubs := nodesOn(t, w, "a", "b")
		ann, bob := listener(), listener()
		subscribe(t, hubs[0], ann, broadcast.As{})
		subscribe(t, hubs[1], bob, broadcast.As{})
		before := say(t, hubs[0], "before").Position
		synctest.Wait()
		if err := hubs[0].Stats().Backplane; err != nil {
			t.Errorf("while all is well: %v", err)
		}

		w.setCut(true)
		r, err := hubs[0].Publish(t.Context(), lobby, broadcast.Publication{Data: []byte("local")})
		if !errors.Is(err, broadcast.ErrNotKept) || !errors.Is(err, errCut) || r.Delivered != 1 || r.Position != (broadcast.Position{}) {
			t.Errorf("publish: %+v, %v, want one delivery, and ErrNotKept", r, err)
		}
		cleo := listener()
		subscribe(t, hubs[0], cleo, broadcast.As{Key: "cleo"})
		if got := here(t, hubs[0]); got != "cleo()x1" {
			t.Errorf("here: %s", got)
		}
		other := broadcast.TopicOf("new")
		dora := listener()
		if _, err := hubs[0].Subscribe(t.Context(), other, dora, broadcast.As{}); err != nil {
			t.Errorf("subscribe to a new topic: %v", err)
		}
		if _, err := hubs[0].Subscribe(t.Context(), lobby, listener(), broadcast.As{Since: before}); !errors.Is(err, errCut) {
			t.Errorf("recover: %v", err)
		}
		if err := hubs[0].Stats().Backplane; !errors.Is(err, errCut) {
			t.Errorf("the state is %v", err)
		}
		if s, _ := hubs[0].TopicStats(other); s.Followed {
			t.Error("the new topic says that it is followed")
		}
		hubs[0].Publish(t.Context(), other, broadcast.Publication{Data: []byte("local")})
		wantSaid(t, "dora", dora.heard(), "local")

		w.setCut(false)
		time.Sleep(time.Minute) // the hub finds out
		synctest.Wait()
		if err := hubs[0].Stats().Backplane; err != nil {
			t.Errorf("the state is still %v", err)
		}
		if s, _ := hubs[0].TopicStats(other); !s.Followed {
			t.Error("the new topic is still not followed")
		}
		say(t, hubs[1], "after")
		if _, err := hubs[1].Publish(t.Context(), other, broadcast.Publication{Data: []byte("after")}); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		wantSaid(t, "ann", ann.heard(), "before", "local", "+cleo()x1", "after")
		wantSaid(t, "bob", bob.heard(), "before", "+cleo()x1", "after")
		wantSaid(t, "dora", dora.heard(), "after")
	})
}

func TestAMessageThatWasKeptAllTheSameIsNotHeardTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWire()
		hubs := nodesOn(t, w, "a", "b")
		ann, bob := listener(), listener()
		subscribe(t, hubs[0], ann, broadcast.As{})
		subscribe(t, hubs[1], bob, broadcast.As{})
		w.lossy = true
		if _, err := hubs[0].Publish(t.Context(), lobby, broadcast.Publication{Data: []byte("1")}); !errors.Is(err, broadcast.ErrNotKept) {
			t.Errorf("publish: %v", err)
		}
		w.lossy = false
		say(t, hubs[0], "2")
		synctest.Wait()
		wantSaid(t, "ann", ann.heard(), "1", "2")
		wantSaid(t, "bob", bob.heard(), "1", "2")
	})
}

func TestAnOutageDoesNotReorderWhatAPublisherSays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWire()
		hubs := nodesOn(t, w, "a", "b")
		ann, bob := listener(), listener()
		subscribe(t, hubs[0], ann, broadcast.As{})
		subscribe(t, hubs[1], bob, broadcast.As{})
		first := say(t, hubs[0], "1").Position
		synctest.Wait()
		w.delay()
		say(t, hubs[1], "between")
		say(t, hubs[0], "2") // is kept, and does not arrive yet
		w.setCut(true)
		if _, err := hubs[0].Publish(t.Context(), lobby, broadcast.Publication{Data: []byte("3")}); !errors.Is(err, broadcast.ErrNotKept) {
			t.Errorf("publish: %v", err)
		}
		synctest.Wait()
		if got, want := fmt.Sprint(ann.from), fmt.Sprint([]broadcast.Position{first, {}, {}}); got != want {
			t.Errorf("positions %s, want %s: without what was published between, she has not come further", got, want)
		}
		wantSaid(t, "ann", ann.heard(), "1", "2", "3")
		w.setCut(false)
		say(t, hubs[0], "4")
		synctest.Wait()
		wantSaid(t, "ann", ann.heard(), "between", "4")
		wantSaid(t, "bob", bob.heard(), "1", "between", "2", "4")
	})
}

func TestAHubClosesAlsoWhenItsBackplaneIsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWire()
		h := broadcast.NewHub(broadcast.HubConfig{Backplane: w, Rules: func(broadcast.Topic) broadcast.Rules { return everything }})
		subscribe(t, h, listener(), broadcast.As{Key: "ann"})
		w.setCut(true)
		if err := h.Close(context.Background()); !errors.Is(err, errCut) {
			t.Errorf("Close: %v, want the error of the backplane", err)
		}
	})
}

// skipping tells its followers that some messages are lost.
type skipping struct{ *broadcast.Memory }

func (b skipping) Follow(ctx context.Context, topic broadcast.Topic, deliver func(*broadcast.Message, uint64)) (broadcast.Position, func(), error) {
	return b.Memory.Follow(ctx, topic, func(m *broadcast.Message, _ uint64) {
		if m.Name != "lost" {
			deliver(m, uint64(len(m.Name)))
		}
	})
}

func TestWhatTheBackplaneLostIsToldToEverybody(t *testing.T) {
	h := openHub(t, broadcast.HubConfig{Backplane: skipping{broadcast.NewMemory()}})
	quick, slow := listener(), &collector{room: 1}
	subscribe(t, h, quick, broadcast.As{})
	sub := subscribe(t, h, slow, broadcast.As{})
	say(t, h, "1")
	publish(t, h, broadcast.Publication{Name: "lost", Data: []byte("2")})
	publish(t, h, broadcast.Publication{Name: "x", Data: []byte("3")}) // one is lost before it
	slow.drain(9)
	sub.Resume()
	wantSaid(t, "the quick one", quick.heard(), "1", "missed 1", "3")
	wantSaid(t, "the slow one", slow.heard(), "1", "missed 1", "3")
	if got := h.Stats().Missed; got != 2 {
		t.Errorf("missed %d, want 2", got)
	}
}
