package broadcast_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hyperlane-go/hyperlane/broadcast"
)

func keep(count int, age time.Duration) broadcast.Rules {
	return broadcast.Rules{History: broadcast.Retention{Count: count, Age: age}}
}

func TestRecoveryReturnsWhatWasMissedOrSaysThatItCannot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub(t, keep(3, time.Minute))
		at := make([]broadcast.Position, 6)
		for i := 1; i <= 5; i++ {
			at[i] = say(t, h, fmt.Sprint(i)).Position
		}
		elsewhere, err := h.Publish(t.Context(), broadcast.TopicOf("secret"), broadcast.Publication{Data: []byte("secret")})
		if err != nil {
			t.Fatal(err)
		}
		epoch := at[1].Epoch
		tests := []struct {
			name  string
			since broadcast.Position
			want  []string // nil: unrecoverable
		}{
			{"nothing missed", at[5], []string{}},
			{"one missed", at[4], []string{"5"}},
			{"all that is kept", at[2], []string{"3", "4", "5"}},
			{"one too many missed", at[1], nil},
			{"the beginning", broadcast.Position{Epoch: epoch}, nil},
			{"no position", broadcast.Position{}, nil},
			{"the future", broadcast.Position{Epoch: epoch, Offset: 6}, nil},
			{"a forged offset", broadcast.Position{Epoch: epoch, Offset: 1<<64 - 1}, nil},
			{"a forged epoch", broadcast.Position{Epoch: "guess", Offset: 4}, nil},
			{"no epoch", broadcast.Position{Offset: 4}, nil},
			{"the position of another topic", elsewhere.Position, nil},
		}
		for _, tt := range tests {
			messages, err := h.Recover(t.Context(), lobby, tt.since, broadcast.As{})
			if tt.want == nil {
				if !errors.Is(err, broadcast.ErrUnrecoverable) {
					t.Errorf("%s: %q, %v, want ErrUnrecoverable", tt.name, texts(messages), err)
				}
			} else if got := texts(messages); err != nil || !slices.Equal(got, tt.want) {
				t.Errorf("%s: %q, %v, want %q", tt.name, got, err, tt.want)
			}
			c := listener()
			sub, err := h.Subscribe(t.Context(), lobby, c, broadcast.As{Since: tt.since})
			switch {
			case tt.since == (broadcast.Position{}): // from now on
				sub.Close()
			case tt.want == nil:
				if !errors.Is(err, broadcast.ErrUnrecoverable) {
					t.Errorf("%s: Subscribe returned %v, want ErrUnrecoverable", tt.name, err)
				}
			default:
				wantSaid(t, tt.name, c.heard(), tt.want...)
				if sub.Position() != at[5] {
					t.Errorf("%s: position %v, want %v", tt.name, sub.Position(), at[5])
				}
				sub.Close()
			}
		}
		if topics := h.Topics(); len(topics) > 0 {
			t.Errorf("topics %v are left", topics)
		}
		time.Sleep(time.Minute) // of the bubble's clock
		if _, err := h.Recover(t.Context(), lobby, at[4], broadcast.As{}); !errors.Is(err, broadcast.ErrUnrecoverable) {
			t.Errorf("after its age: %v", err)
		}
		if r := say(t, h, "6"); r.Position.Epoch == epoch {
			t.Error("the history is gone, but its epoch goes on")
		}
	})
}

func TestAHistoryEndsWithItsAgeAlsoWhileSomebodyListens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub(t, keep(100, time.Minute))
		subscribe(t, h, listener(), broadcast.As{})
		first := say(t, h, "1").Position
		time.Sleep(30 * time.Second)
		second := say(t, h, "2").Position
		time.Sleep(30 * time.Second)
		messages, at, err := h.History(t.Context(), lobby, broadcast.As{})
		if got := texts(messages); err != nil || !slices.Equal(got, []string{"2"}) || at != second {
			t.Errorf("history %q at %v, %v", got, at, err)
		}
		if messages, err := h.Recover(t.Context(), lobby, first, broadcast.As{}); err != nil || !slices.Equal(texts(messages), []string{"2"}) {
			t.Errorf("since the message that has just gone: %q, %v", texts(messages), err)
		}
		time.Sleep(30 * time.Second)
		if messages, err := h.Recover(t.Context(), lobby, second, broadcast.As{}); err != nil || len(messages) > 0 {
			t.Errorf("nothing was missed: %q, %v", texts(messages), err)
		}
		if _, err := h.Recover(t.Context(), lobby, first, broadcast.As{}); !errors.Is(err, broadcast.ErrUnrecoverable) {
			t.Errorf("the second has gone: %v", err)
		}
	})
}

func TestRecoveryNeverShowsWhatWasForSomebodyElse(t *testing.T) {
	h := newHub(t, keep(10, 0))
	start := say(t, h, "start").Position
	for _, p := range []broadcast.Publication{
		{Data: []byte("for ann"), To: "ann"},
		{Data: []byte("for staff"), Group: "staff"},
		{Data: []byte("by ann"), ExceptKey: "ann"},
		{Data: []byte("for all")},
	} {
		publish(t, h, p)
	}
	tests := []struct {
		as   broadcast.As
		want []string
	}{
		{broadcast.As{}, []string{"by ann", "for all"}},
		{broadcast.As{Key: "ann"}, []string{"for ann", "for all"}},
		{broadcast.As{Key: "bob", Groups: []string{"staff"}}, []string{"for staff", "by ann", "for all"}},
	}
	for _, tt := range tests {
		who := fmt.Sprintf("%q", tt.as.Key)
		messages, err := h.Recover(t.Context(), lobby, start, tt.as)
		if err != nil {
			t.Fatal(err)
		}
		wantSaid(t, who, texts(messages), tt.want...)
		c := listener()
		tt.as.Since = start
		subscribe(t, h, c, tt.as).Close()
		wantSaid(t, who, c.heard(), tt.want...)
	}
}

func TestPublishingAgainWithTheSameIDChangesNothing(t *testing.T) {
	h := newHub(t, keep(10, 0))
	c := listener()
	subscribe(t, h, c, broadcast.As{})
	first := publish(t, h, broadcast.Publication{ID: "order-7", Data: []byte("7")})
	say(t, h, "8")
	again := publish(t, h, broadcast.Publication{ID: "order-7", Data: []byte("7")})
	if again.Position != first.Position || again.Delivered != 0 {
		t.Errorf("again: %+v, first %+v", again, first)
	}
	wantSaid(t, "the listener", c.heard(), "7", "8")
}

func TestARecoveringSubscriberMayTakeItsTime(t *testing.T) {
	for _, lag := range []broadcast.Lag{broadcast.DropOldest, broadcast.DropNewest, broadcast.Disconnect} {
		rules := keep(10, 0)
		rules.Lag = lag
		h := newHub(t, rules)
		start := say(t, h, "0").Position
		for i := 1; i <= 5; i++ {
			say(t, h, fmt.Sprint(i))
		}
		c := &collector{room: 2}
		sub := subscribe(t, h, c, broadcast.As{Since: start})
		say(t, h, "6")
		c.drain(2)
		sub.Resume()
		say(t, h, "7")
		c.drain(10)
		sub.Resume()
		say(t, h, "8")
		wantSaid(t, lag.String(), c.heard(), "1", "2", "3", "4", "5", "6", "7", "8")
	}
}

// TestRecoveryAgreesWithASimpleModel publishes, waits and recovers at random. The model is the plain list of everything.
func TestRecoveryAgreesWithASimpleModel(t *testing.T) {
	type said struct {
		text, to string
		at       broadcast.Position
		when     time.Time
	}
	for seed := range uint64(50) {
		synctest.Test(t, func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(seed, 2))
			count, age := 1+rnd.IntN(8), time.Duration(1+rnd.IntN(20))*time.Second
			h := newHub(t, keep(count, age))
			if rnd.IntN(2) == 0 {
				subscribe(t, h, listener(), broadcast.As{})
			}
			var all []said
			keys := []string{"", "ann", "bob"}
			for range 300 {
				switch rnd.IntN(4) {
				case 0, 1:
					s := said{text: fmt.Sprint(len(all)), to: keys[rnd.IntN(3)], when: time.Now()}
					s.at = publish(t, h, broadcast.Publication{Data: []byte(s.text), To: s.to}).Position
					all = append(all, s)
				case 2:
					time.Sleep(time.Duration(rnd.IntN(4)) * time.Second)
					synctest.Wait() // what is due at this moment happens
				case 3:
					if len(all) == 0 {
						continue
					}
					i, key := rnd.IntN(len(all)), keys[rnd.IntN(3)]
					var want []string
					known := all[i].at.Epoch == all[len(all)-1].at.Epoch
					for n, s := range all[i+1:] {
						if time.Since(s.when) >= age || len(all)-(i+1+n) > count {
							known = false
						}
						if s.to == "" || s.to == key {
							want = append(want, s.text)
						}
					}
					messages, err := h.Recover(t.Context(), lobby, all[i].at, broadcast.As{Key: key})
					switch {
					case known && i < len(all)-1 && (err != nil || !slices.Equal(texts(messages), want)):
						t.Fatalf("seed %d: since %d as %q: %q, %v; want %q", seed, i, key, texts(messages), err, want)
					case !known && !errors.Is(err, broadcast.ErrUnrecoverable):
						t.Fatalf("seed %d: since %d: %q, %v; want ErrUnrecoverable", seed, i, texts(messages), err)
					case i == len(all)-1 && len(messages) > 0:
						t.Fatalf("seed %d: since the last: %q", seed, texts(messages))
					}
				}
			}
		})
	}
}

// TestRecoveringAndListeningLeavesNoGap has clients come back again and again while others publish. Together, what they recover and
// what they hear must be everything, in order.
func TestRecoveringAndListeningLeavesNoGap(t *testing.T) {
	const publishers, messages, clients = 3, 400, 6
	rules := keep(publishers*messages+1, 0)
	h := newHub(t, rules)
	start := say(t, h, "start").Position
	done := make(chan error, clients+publishers)
	for p := range publishers {
		go func() {
			for i := range messages {
				if _, err := h.Publish(t.Context(), lobby, broadcast.Publication{Data: fmt.Append(nil, p, i)}); err != nil {
					done <- err
					return
				}
			}
			done <- nil
		}()
	}
	for range clients {
		go func() {
			at, next := start, start.Offset+1
			for round := 0; next <= start.Offset+publishers*messages; round++ {
				inbox, err := h.Inbox(t.Context(), lobby, broadcast.As{Since: at, Room: 1 + round%7})
				if err != nil {
					done <- err
					return
				}
				for range 1 + round%50 {
					if next > start.Offset+publishers*messages {
						break
					}
					m, err := inbox.Next(t.Context())
					if missed := (*broadcast.Missed)(nil); errors.As(err, &missed) {
						break // come back for it
					}
					if err != nil || m.Position.Offset != next {
						done <- fmt.Errorf("got %+v, %v, want offset %d", m, err, next)
						return
					}
					at, next = m.Position, next+1
				}
				inbox.Close()
			}
			done <- nil
		}()
	}
	for range clients + publishers {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}
