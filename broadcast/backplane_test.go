package broadcast_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hyperlane-go/hyperlane/broadcast"
)

// conformance tests what Backplane promises. Open returns one that knows nothing yet, for each test; it must close itself when the
// test ends. Wait returns when what is on its way has arrived. It uses nothing but the public API, so that it can move.
func conformance(t *testing.T, open func(t *testing.T) broadcast.Backplane, wait func()) {
	keep := broadcast.Retention{Count: 5, Age: time.Hour}
	topic, other := broadcast.TopicOf("a-b", "c"), broadcast.TopicOf("a", "b-c")
	for name, test := range map[string]func(t *testing.T, b broadcast.Backplane){
		"messages have one epoch and growing offsets, and followers see them in order": func(t *testing.T, b broadcast.Backplane) {
			f := follow(t, b, topic)
			last := broadcast.Position{}
			for i := range 20 {
				m := post(t, b, topic, strconv.Itoa(i), keep)
				if m.Position.Epoch == "" || last.Epoch != "" && m.Position.Epoch != last.Epoch || m.Position.Offset <= last.Offset {
					t.Errorf("position %v after %v", m.Position, last)
				}
				last = m.Position
			}
			wait()
			for i, m := range f.messages() {
				if string(m.Data) != strconv.Itoa(i) || m.Position == (broadcast.Position{}) {
					t.Errorf("message %d is %q at %v", i, m.Data, m.Position)
				}
			}
			if n := len(f.messages()); n != 20 {
				t.Errorf("%d messages, want 20", n)
			}
		},
		"a message arrives as it was": func(t *testing.T, b broadcast.Backplane) {
			f := follow(t, b, topic)
			m := message(topic, "data\x00\xff")
			m.From, m.Name, m.Node = "ann", "greeting", "node"
			if err := b.Publish(t.Context(), m, keep); err != nil {
				t.Fatal(err)
			}
			wait()
			s, err := b.Read(t.Context(), topic, broadcast.Position{})
			if err != nil {
				t.Fatal(err)
			}
			for _, got := range append(f.messages(), s.Messages...) {
				if got.ID != m.ID || got.From != "ann" || got.Name != "greeting" || got.Node != "node" || got.Topic != topic ||
					string(got.Data) != "data\x00\xff" || !got.Time.Equal(m.Time) || got.Position != m.Position || got.Kind != broadcast.Published {
					t.Errorf("got %+v, want %+v", got, m)
				}
			}
		},
		"followers of other topics get nothing": func(t *testing.T, b broadcast.Backplane) {
			f := follow(t, b, other)
			post(t, b, topic, "x", keep)
			wait()
			if got := f.messages(); len(got) != 0 {
				t.Errorf("got %q", texts(got))
			}
			if s, err := b.Read(t.Context(), other, broadcast.Position{}); err != nil || len(s.Messages) > 0 {
				t.Errorf("history %q, %v", texts(s.Messages), err)
			}
		},
		"a follower begins where Follow says": func(t *testing.T, b broadcast.Backplane) {
			before := post(t, b, topic, "before", keep)
			f := follow(t, b, topic)
			if f.at != before.Position {
				t.Errorf("begins at %v, want %v", f.at, before.Position)
			}
			post(t, b, topic, "after", keep)
			wait()
			wantSaid(t, "the follower", texts(f.messages()), "after")
		},
		"a follower that stops gets nothing more": func(t *testing.T, b broadcast.Backplane) {
			f, stays := follow(t, b, topic), follow(t, b, topic)
			f.stop()
			f.stop()
			wait()
			post(t, b, topic, "late", keep)
			wait()
			wantSaid(t, "the one that stopped", texts(f.messages()))
			wantSaid(t, "the one that stays", texts(stays.messages()), "late")
		},
		"a read returns what came after, or refuses": func(t *testing.T, b broadcast.Backplane) {
			var at []broadcast.Position
			for i := range 8 { // of which 5 are kept
				at = append(at, post(t, b, topic, strconv.Itoa(i), keep).Position)
			}
			foreign := post(t, b, other, "foreign", keep).Position
			forged := broadcast.Position{Epoch: at[7].Epoch, Offset: at[7].Offset + 1000}
			for _, c := range []struct {
				since broadcast.Position
				want  string // "!": ErrUnrecoverable
			}{
				{broadcast.Position{}, "3 4 5 6 7"}, {at[2], "3 4 5 6 7"}, {at[6], "7"}, {at[7], ""},
				{at[0], "!"}, {foreign, "!"}, {forged, "!"}, {broadcast.Position{Epoch: "none", Offset: 1}, "!"},
			} {
				s, err := b.Read(t.Context(), topic, c.since)
				got := strings.Join(texts(s.Messages), " ")
				if errors.Is(err, broadcast.ErrUnrecoverable) {
					got = "!"
				} else if err != nil || s.Position != at[7] {
					t.Errorf("since %v: at %v, %v", c.since, s.Position, err)
				}
				if got != c.want {
					t.Errorf("since %v: %q, want %q", c.since, got, c.want)
				}
			}
		},
		"a topic that nobody knows is empty": func(t *testing.T, b broadcast.Backplane) {
			if s, err := b.Read(t.Context(), topic, broadcast.Position{}); err != nil || len(s.Messages)+len(s.Members) > 0 {
				t.Errorf("%+v, %v", s, err)
			}
			if _, err := b.Read(t.Context(), topic, broadcast.Position{Epoch: "e", Offset: 1}); !errors.Is(err, broadcast.ErrUnrecoverable) {
				t.Errorf("since a position: %v", err)
			}
		},
		"a message with a known ID is the same message": func(t *testing.T, b broadcast.Backplane) {
			f := follow(t, b, topic)
			first := post(t, b, topic, "once", keep)
			again := message(topic, "once")
			again.ID = first.ID
			if err := b.Publish(t.Context(), again, keep); err != nil || again.Position != first.Position {
				t.Errorf("again: %v at %v, first at %v", err, again.Position, first.Position)
			}
			wait()
			wantSaid(t, "the follower", texts(f.messages()), "once")
		},
		"the roll is told to those who follow and those who read": func(t *testing.T, b broadcast.Backplane) {
			early := follow(t, b, topic)
			enter(t, b, topic, broadcast.Joined, "n1", "ann", "1")
			enter(t, b, topic, broadcast.Joined, "n2", "ann", "2")
			enter(t, b, topic, broadcast.Joined, "n1", "ann", "3")
			enter(t, b, topic, broadcast.Joined, "n1", "bob", "4")
			enter(t, b, topic, broadcast.Left, "n1", "bob", "")
			enter(t, b, topic, broadcast.Left, "n9", "nobody", "")
			wait()
			late := follow(t, b, topic)
			wait()
			s, err := b.Read(t.Context(), topic, broadcast.Position{})
			if err != nil || len(s.Messages) > 0 {
				t.Errorf("read: %q, %v", texts(s.Messages), err)
			}
			for who, members := range map[string][]*broadcast.Message{"read": s.Members, "late": late.messages()} {
				var got []string
				for _, m := range members {
					got = append(got, fmt.Sprint(m.Kind, m.Node, m.From, string(m.Data)))
				}
				slices.Sort(got)
				wantSaid(t, who, got, "1n1ann3", "1n2ann2")
			}
			var got []string
			for _, m := range early.messages() {
				if m.From != "nobody" {
					got = append(got, fmt.Sprint(m.Kind, m.Node, m.From, string(m.Data)))
				}
			}
			wantSaid(t, "early", got, "1n1ann1", "1n2ann2", "1n1ann3", "1n1bob4", "2n1bob")
		},
		"each publisher's messages stay in order": func(t *testing.T, b broadcast.Backplane) {
			f := follow(t, b, topic)
			var wg sync.WaitGroup
			for p := range 4 {
				wg.Go(func() {
					for i := range 50 {
						m := message(topic, strconv.Itoa(i))
						m.From = strconv.Itoa(p)
						if err := b.Publish(t.Context(), m, keep); err != nil {
							t.Error(err)
						}
					}
				})
			}
			wg.Wait()
			wait()
			next, offset := map[string]int{}, uint64(0)
			for _, m := range f.messages() {
				if n, _ := strconv.Atoi(string(m.Data)); n != next[m.From] || m.Position.Offset <= offset {
					t.Errorf("publisher %s: %d at %v, want %d after offset %d", m.From, n, m.Position, next[m.From], offset)
				}
				next[m.From]++
				offset = m.Position.Offset
			}
			if n := len(f.messages()); n != 200 {
				t.Errorf("%d messages, want 200", n)
			}
		},
		"nothing happens after ctx is done": func(t *testing.T, b broadcast.Backplane) {
			f := follow(t, b, topic)
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			if err := b.Publish(ctx, message(topic, "x"), keep); !errors.Is(err, context.Canceled) {
				t.Errorf("Publish: %v", err)
			}
			if _, _, err := b.Follow(ctx, topic, func(*broadcast.Message, uint64) {}); !errors.Is(err, context.Canceled) {
				t.Errorf("Follow: %v", err)
			}
			if _, err := b.Read(ctx, topic, broadcast.Position{}); !errors.Is(err, context.Canceled) {
				t.Errorf("Read: %v", err)
			}
			wait()
			wantSaid(t, "the follower", texts(f.messages()))
		},
	} {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
}

var messageIDs struct {
	sync.Mutex
	last int
}

func message(topic broadcast.Topic, text string) *broadcast.Message {
	messageIDs.Lock()
	defer messageIDs.Unlock()
	messageIDs.last++
	return &broadcast.Message{Topic: topic, ID: fmt.Sprint("id", messageIDs.last), Time: time.Now(), Data: []byte(text)}
}

func post(t *testing.T, b broadcast.Backplane, topic broadcast.Topic, text string, keep broadcast.Retention) *broadcast.Message {
	t.Helper()
	m := message(topic, text)
	if err := b.Publish(t.Context(), m, keep); err != nil {
		t.Fatalf("Publish %q: %v", text, err)
	}
	return m
}

func enter(t *testing.T, b broadcast.Backplane, topic broadcast.Topic, kind broadcast.Kind, node, key, data string) {
	t.Helper()
	m := message(topic, data)
	m.Kind, m.Node, m.From = kind, node, key
	if err := b.Publish(t.Context(), m, broadcast.Retention{}); err != nil {
		t.Fatalf("Publish %v of %s on %s: %v", kind, key, node, err)
	}
}

// followed is what a follower was told.
type followed struct {
	at   broadcast.Position
	stop func()
	mu   sync.Mutex
	got  []*broadcast.Message
}

func follow(t *testing.T, b broadcast.Backplane, topic broadcast.Topic) *followed {
	t.Helper()
	f := &followed{}
	at, stop, err := b.Follow(t.Context(), topic, func(m *broadcast.Message, _ uint64) {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.got = append(f.got, m)
	})
	if err != nil {
		t.Fatalf("Follow: %v", err)
	}
	f.at, f.stop = at, stop
	t.Cleanup(stop)
	return f
}

func (f *followed) messages() []*broadcast.Message {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.got)
}

func TestMemoryIsABackplane(t *testing.T) {
	conformance(t, func(*testing.T) broadcast.Backplane { return broadcast.NewMemory() }, func() {})
}

func TestTheWireOfTheTestsIsABackplane(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// A bubble has no subtests: t.Run is not allowed in it. So this is one test for all that a wire adds.
		w := newWire()
		f := follow(t, w, lobby)
		for i := range 3 {
			post(t, w, lobby, strconv.Itoa(i), broadcast.Retention{Count: 2})
		}
		synctest.Wait()
		wantSaid(t, "a follower of a wire that brings everything twice", texts(f.messages()), "0", "0", "1", "1", "2", "2")
		f.stop()
	})
}
