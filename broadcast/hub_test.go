package broadcast_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/hyperlane-go/hyperlane/broadcast"
)

func TestAMessageReachesExactlyThoseItIsFor(t *testing.T) {
	tests := []struct {
		name string
		p    func(ann1 *broadcast.Subscription) broadcast.Publication
		want string // who heard it, of: ann on two connections, bob and cleo in the group staff, and a stranger without a key
	}{
		{"everybody", func(*broadcast.Subscription) broadcast.Publication { return broadcast.Publication{} },
			"ann1 ann2 bob cleo stranger"},
		{"one key", func(*broadcast.Subscription) broadcast.Publication { return broadcast.Publication{To: "ann"} },
			"ann1 ann2"},
		{"one key, but not this connection", func(s *broadcast.Subscription) broadcast.Publication {
			return broadcast.Publication{To: "ann", Except: s}
		}, "ann2"},
		{"a key that is not here", func(*broadcast.Subscription) broadcast.Publication { return broadcast.Publication{To: "dora"} },
			""},
		{"a group", func(*broadcast.Subscription) broadcast.Publication { return broadcast.Publication{Group: "staff"} },
			"bob cleo"},
		{"a group that has the name of a key", func(*broadcast.Subscription) broadcast.Publication {
			return broadcast.Publication{Group: "ann"}
		}, ""},
		{"a group, but not one of its keys", func(*broadcast.Subscription) broadcast.Publication {
			return broadcast.Publication{Group: "staff", ExceptKey: "bob"}
		}, "cleo"},
		{"one key in a group that it is not in", func(*broadcast.Subscription) broadcast.Publication {
			return broadcast.Publication{Group: "staff", To: "ann"}
		}, ""},
		{"not the sender's connection", func(s *broadcast.Subscription) broadcast.Publication { return broadcast.Publication{Except: s} },
			"ann2 bob cleo stranger"},
		{"not the sender at all", func(*broadcast.Subscription) broadcast.Publication { return broadcast.Publication{ExceptKey: "ann"} },
			"bob cleo stranger"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := newHub(t, broadcast.Rules{})
			staff := []string{"staff", "staff"}
			who := []struct {
				name string
				as   broadcast.As
				c    *collector
			}{
				{"ann1", broadcast.As{Key: "ann"}, listener()},
				{"ann2", broadcast.As{Key: "ann"}, listener()},
				{"bob", broadcast.As{Key: "bob", Groups: staff}, listener()},
				{"cleo", broadcast.As{Key: "cleo", Groups: staff}, listener()},
				{"stranger", broadcast.As{}, listener()},
			}
			var ann1 *broadcast.Subscription
			for _, w := range who {
				if sub := subscribe(t, h, w.c, w.as); w.name == "ann1" {
					ann1 = sub
				}
			}
			p := tt.p(ann1)
			p.Data = []byte("hi")
			r := publish(t, h, p)
			var heard []string
			for _, w := range who {
				if got := w.c.heard(); len(got) == 1 {
					heard = append(heard, w.name)
				} else if len(got) > 1 {
					t.Errorf("%s heard %q", w.name, got)
				}
			}
			if got := strings.Join(heard, " "); got != tt.want || r.Delivered != len(heard) {
				t.Errorf("heard by %q, want %q; Delivered is %d", got, tt.want, r.Delivered)
			}
		})
	}
}

func TestTopicsDoNotHearOneAnother(t *testing.T) {
	h := newHub(t, broadcast.Rules{})
	one, other := broadcast.TopicOf("a-b", "c"), broadcast.TopicOf("a", "b-c")
	c := listener()
	if _, err := h.Subscribe(t.Context(), one, c, broadcast.As{}); err != nil {
		t.Fatal(err)
	}
	if r, err := h.Publish(t.Context(), other, broadcast.Publication{Data: []byte("x")}); err != nil || r.Delivered != 0 {
		t.Errorf("%+v, %v", r, err)
	}
	wantSaid(t, "the other topic", c.heard())
}

func TestATopicIsThereWhileItHasSubscribers(t *testing.T) {
	h := newHub(t, broadcast.Rules{})
	a, b := subscribe(t, h, listener(), broadcast.As{}), subscribe(t, h, listener(), broadcast.As{Key: "b", Groups: []string{"g"}})
	say(t, h, "1")
	a.Close()
	a.Close()
	if topics := h.Topics(); len(topics) != 1 || topics[0] != lobby {
		t.Errorf("topics %v while one subscriber is left", topics)
	}
	b.Close()
	b.Resume()
	b.Update([]byte("nobody listens"))
	if topics := h.Topics(); len(topics) != 0 {
		t.Errorf("topics %v after the last has gone", topics)
	}
	say(t, h, "2")
	got := h.Stats()
	want := broadcast.Stats{Published: 2, Counters: broadcast.Counters{Received: 1, Delivered: 2}}
	if got != want {
		t.Errorf("stats\n got %+v\nwant %+v", got, want)
	}
}

func TestLimitsAreHeld(t *testing.T) {
	h := newHub(t, broadcast.Rules{Subscribers: 1, MessageSize: 3})
	c := listener()
	sub := subscribe(t, h, c, broadcast.As{})
	if _, err := h.Subscribe(t.Context(), lobby, listener(), broadcast.As{}); err != broadcast.ErrTopicFull {
		t.Errorf("one too many: %v", err)
	}
	if _, err := h.Publish(t.Context(), lobby, broadcast.Publication{Data: []byte("1234")}); !errors.Is(err, broadcast.ErrMessageTooLarge) {
		t.Errorf("a byte too many: %v", err)
	}
	say(t, h, "123")
	wantSaid(t, "the one", c.heard(), "123")
	sub.Close()
	subscribe(t, h, listener(), broadcast.As{})
}

func TestRulesThatMakeNoSenseAreRefusedTogether(t *testing.T) {
	h := newHub(t, broadcast.Rules{Lag: 7, Backlog: -1, Subscribers: -1, History: broadcast.Retention{Count: -1, Age: -1}})
	_, err := h.Subscribe(t.Context(), lobby, listener(), broadcast.As{})
	if err == nil {
		t.Fatal("taken")
	}
	for _, field := range []string{"Lag", "Backlog", "Subscribers", "Count", "Age", "/chat/lobby"} {
		if !strings.Contains(err.Error(), field) {
			t.Errorf("%q does not name %s", err, field)
		}
	}
	if _, err := h.Publish(t.Context(), lobby, broadcast.Publication{}); err == nil {
		t.Error("Publish took them")
	}
}

func TestASubscriberThatFailsOrPanicsEndsAlone(t *testing.T) {
	for _, fail := range []error{errors.New("broken pipe"), errPanic} {
		synctest.Test(t, func(t *testing.T) {
			h := broadcast.NewHub(broadcast.HubConfig{})
			bad, good := listener(), listener()
			subscribe(t, h, bad, broadcast.As{})
			subscribe(t, h, good, broadcast.As{})
			bad.fail = fail
			if r := say(t, h, "1"); r.Delivered != 1 {
				t.Errorf("%v: delivered to %d, want 1", fail, r.Delivered)
			}
			say(t, h, "2")
			synctest.Wait()
			wantSaid(t, "the good one", good.heard(), "1", "2")
			if got := bad.reasons(); len(got) != 1 || !strings.Contains(got[0].Error(), fail.Error()) && fail != errPanic {
				t.Errorf("ended with %v, want %v once", got, fail)
			}
			if got := h.Stats().Subscribers; got != 1 {
				t.Errorf("%d subscribers are left, want 1", got)
			}
			h.Close(t.Context())
		})
	}
}

// closer ends its own subscription, and publishes, when it is ended: what a connection's close path may do.
type closer struct {
	collector
	hub *broadcast.Hub
	sub *broadcast.Subscription
}

func (c *closer) Ended(reason error) {
	c.collector.Ended(reason)
	c.sub.Close()
	c.hub.Publish(context.Background(), lobby, broadcast.Publication{Data: []byte("farewell")})
}

func TestASubscriberMayCallTheHubWhenItIsEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := broadcast.NewHub(broadcast.HubConfig{Rules: func(broadcast.Topic) broadcast.Rules { return broadcast.Rules{Lag: broadcast.Disconnect} }})
		c, good := &closer{hub: h}, listener()
		c.sub = subscribe(t, h, c, broadcast.As{})
		subscribe(t, h, good, broadcast.As{})
		say(t, h, "1")
		synctest.Wait()
		wantSaid(t, "the good one", good.heard(), "1", "farewell")
		if got := c.reasons(); len(got) != 1 || got[0] != broadcast.ErrLagged {
			t.Errorf("ended with %v", got)
		}
		h.Close(t.Context())
	})
}

func TestCloseTellsEverybodyAndLeavesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // which fails if a goroutine is left
		rules := broadcast.Rules{Presence: true, History: broadcast.Retention{Count: 3}, Lag: broadcast.Block}
		h := broadcast.NewHub(broadcast.HubConfig{Rules: func(broadcast.Topic) broadcast.Rules { return rules }})
		c, full := listener(), &collector{}
		subscribe(t, h, c, broadcast.As{Key: "ann"})
		subscribe(t, h, full, broadcast.As{})
		inbox, err := h.Inbox(t.Context(), lobby, broadcast.As{Key: "bob"})
		if err != nil {
			t.Fatal(err)
		}
		waiting := make(chan error)
		go func() {
			_, err := h.Publish(t.Context(), lobby, broadcast.Publication{Data: []byte("waits for the one without room")})
			waiting <- err
		}()
		synctest.Wait()
		if err := h.Close(t.Context()); err != nil {
			t.Errorf("Close: %v", err)
		}
		if err := <-waiting; err != broadcast.ErrClosed {
			t.Errorf("the publisher that waited: %v", err)
		}
		if got := c.reasons(); len(got) != 1 || got[0] != broadcast.ErrClosed {
			t.Errorf("ended with %v, want ErrClosed once", got)
		}
		var last error
		for range 3 {
			_, last = inbox.Next(t.Context())
		}
		if last != broadcast.ErrClosed {
			t.Errorf("inbox: %v", last)
		}
		_, e1 := h.Subscribe(t.Context(), lobby, c, broadcast.As{})
		_, e2 := h.Publish(t.Context(), lobby, broadcast.Publication{})
		_, _, e3 := h.History(t.Context(), lobby, broadcast.As{})
		_, e4 := h.Presence(t.Context(), lobby)
		for i, err := range []error{e1, e2, e3, e4} {
			if err != broadcast.ErrClosed {
				t.Errorf("call %d after Close: %v", i+1, err)
			}
		}
		if err := h.Close(t.Context()); err != nil {
			t.Errorf("second Close: %v", err)
		}
	})
}

func TestOneEncodingServesAllSubscribers(t *testing.T) {
	type formKey struct{ compressed bool }
	h := newHub(t, broadcast.Rules{})
	encoded := 0
	deliver := func(m *broadcast.Message) error {
		for _, key := range []formKey{{false}, {true}, {false}} {
			form := m.Form(key, func(m *broadcast.Message) []byte {
				encoded++
				return fmt.Appendf(nil, "%v %s", key.compressed, m.Data)
			})
			if want := fmt.Sprintf("%v hi", key.compressed); string(form) != want {
				t.Errorf("form %q, want %q", form, want)
			}
		}
		return nil
	}
	for range 50 {
		subscribe(t, h, funcSubscriber(deliver), broadcast.As{})
	}
	if r := say(t, h, "hi"); r.Delivered != 50 || encoded != 2 {
		t.Errorf("delivered %d, encoded %d times, want 2", r.Delivered, encoded)
	}
}

type funcSubscriber func(m *broadcast.Message) error

func (f funcSubscriber) Deliver(m *broadcast.Message) error { return f(m) }
func (f funcSubscriber) Missed(uint64) error                { return nil }
func (f funcSubscriber) Ended(error)                        {}
