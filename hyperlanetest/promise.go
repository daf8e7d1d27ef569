package hyperlanetest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/hyperlane-go/hyperlane/broadcast"
)

// promises are the sentences of the contract of broadcast.Backplane.
var promises = []struct {
	name string
	test func(t *backplaneTest)
}{
	{"positions have one epoch and growing offsets, and all followers see them in order", func(t *backplaneTest) {
		all := t.followAll(aTopic)
		last := broadcast.Position{}
		var want []string
		var at []broadcast.Position
		for i := range 20 {
			m := t.post(aTopic, number(i))
			if m.Position.Epoch == "" || last.Epoch != "" && m.Position.Epoch != last.Epoch || m.Position.Offset <= last.Offset {
				t.Errorf("position %v after %v", m.Position, last)
			}
			last = m.Position
			want, at = append(want, number(i)), append(at, last)
		}
		for _, f := range all {
			got := t.fenced(f, aTopic)
			t.want("a follower", got, want...)
			for i, m := range got {
				if i < len(at) && m.Position != at[i] {
					t.Errorf("message %d has position %v for a follower, and %v for its publisher", i, m.Position, at[i])
				}
			}
		}
	}},
	{"a message arrives as it was, and stays as it was", func(t *backplaneTest) {
		f := t.follow(0, aTopic)
		m := t.message(aTopic, "data\x00\xff")
		m.From, m.Name, m.Node = "ann", "greeting", "node"
		if err := t.any().Publish(t.Context(), m, keepFive); err != nil {
			t.Fatal(err)
		}
		s, err := t.read(aTopic, broadcast.Position{})
		if err != nil || len(s.Messages) != 1 {
			t.Fatalf("Read: %q, %v", words(s.Messages), err)
		}
		got := append(t.fenced(f, aTopic), s.Messages...)
		if len(got) != 2 {
			t.Fatalf("got %q", words(got))
		}
		for _, got := range got {
			if got.ID != m.ID || got.From != "ann" || got.Name != "greeting" || got.Node != "node" || got.Topic != aTopic ||
				string(got.Data) != "data\x00\xff" || !got.Time.Equal(m.Time) || got.Position != m.Position || got.Kind != broadcast.Published {
				t.Errorf("got %+v, want %+v", got, m)
			}
		}
	}},
	{"topics are kept apart", func(t *backplaneTest) {
		topics := []broadcast.Topic{aTopic, otherTopic, broadcast.TopicOf(), broadcast.TopicOf(""), broadcast.TopicOf("", ""),
			broadcast.TopicOf("*"), broadcast.TopicOf(">"), broadcast.TopicOf("a-b", "*"), broadcast.TopicOf("a-b", ">"), broadcast.TopicOf("a-b.c"),
			broadcast.TopicOf("a-b"), broadcast.TopicOf("A-B", "C"), broadcast.TopicOf("a b\r\n\t=2E"), broadcast.TopicOf("a\xff\x00é"),
			broadcast.TopicOf(string(slices.Repeat([]byte("long"), 1000))), broadcast.TopicOf(string(slices.Repeat([]byte("long"), 1000)) + "er")}
		var all []*backplaneFollower
		for i, topic := range topics {
			all = append(all, t.follow(i, topic))
		}
		epochs := map[string]int{}
		for i, topic := range topics {
			epochs[t.post(topic, number(i)).Position.Epoch]++
		}
		for i, topic := range topics {
			t.want(fmt.Sprintf("%.40q", topic), t.fenced(all[i], topic), number(i))
			if got, _ := t.readWords(topic, broadcast.Position{}); got != number(i)+" fence" {
				t.Errorf("history of %.40q: %q", topic, got)
			}
		}
		if len(epochs) != len(topics) {
			t.Errorf("%d epochs of %d topics", len(epochs), len(topics))
		}
	}},
	{"a follower begins at the position that Follow returns", func(t *backplaneTest) {
		before := t.post(aTopic, "before")
		f := t.follow(1, aTopic)
		if f.at != before.Position {
			t.Errorf("begins at %v, want %v", f.at, before.Position)
		}
		t.post(aTopic, "after")
		t.want("the follower", t.fenced(f, aTopic), "after")
	}},
	{"a follower that stops gets nothing more", func(t *backplaneTest) {
		gone, stays := t.follow(0, aTopic), t.follow(0, aTopic)
		gone.stop()
		gone.stop()
		t.post(aTopic, "late")
		t.want("the one that stays", t.fenced(stays, aTopic), "late")
		t.want("the one that stopped", gone.got)
	}},
	{"Read returns exactly what came after, or refuses", func(t *backplaneTest) {
		var at []broadcast.Position
		for i := range 8 { // of which 5 are kept
			at = append(at, t.post(aTopic, number(i)).Position)
		}
		foreign := t.post(otherTopic, "foreign").Position
		for _, c := range []struct {
			since broadcast.Position
			want  string // "!": ErrUnrecoverable
		}{
			{broadcast.Position{}, "3 4 5 6 7"}, {at[2], "3 4 5 6 7"}, {at[6], "7"}, {at[7], ""},
			{at[0], "!"}, {foreign, "!"}, {broadcast.Position{Epoch: "none", Offset: at[6].Offset}, "!"},
			{broadcast.Position{Epoch: at[7].Epoch, Offset: at[7].Offset + 1000}, "!"},
			{broadcast.Position{Epoch: at[7].Epoch, Offset: 1<<64 - 1}, "!"},
		} {
			got, position := t.readWords(aTopic, c.since)
			if got != c.want || got != "!" && position != at[7] {
				t.Errorf("since %v: %q at %v, want %q at %v", c.since, got, position, c.want, at[7])
			}
		}
	}},
	{"what was published is read at once, on every node", func(t *backplaneTest) {
		last := t.post(aTopic, "first").Position
		for i := range 30 {
			m := t.post(aTopic, number(i))
			if got, at := t.readWords(aTopic, last); got != number(i) || at != m.Position {
				t.Fatalf("since the one before %d: %q at %v, want it at %v", i, got, at, m.Position)
			}
			last = m.Position
		}
	}},
	{"one who came to an empty topic can recover", func(t *backplaneTest) {
		f := t.follow(0, aTopic)
		if f.at.Epoch == "" {
			t.Fatal("no position to come back with")
		}
		t.post(aTopic, "1")
		t.post(aTopic, "2")
		if got, _ := t.readWords(aTopic, f.at); got != "1 2" {
			t.Errorf("since the beginning: %q", got)
		}
	}},
	{"a history ends with its age", func(t *backplaneTest) {
		t.followAll(aTopic)
		short := broadcast.Retention{Count: 5, Age: time.Second}
		first, second := t.message(aTopic, "1"), t.message(aTopic, "2")
		for _, m := range []*broadcast.Message{first, second} {
			if err := t.any().Publish(t.Context(), m, short); err != nil {
				t.Fatal(err)
			}
		}
		for end := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
			got, _ := t.readWords(aTopic, broadcast.Position{})
			if got == "" {
				break
			}
			if time.Now().After(end) {
				t.Fatalf("after a minute there is still %q", got)
			}
		}
		if got, _ := t.readWords(aTopic, first.Position); got != "!" {
			t.Errorf("since the first: %q", got)
		}
		if got, _ := t.readWords(aTopic, second.Position); got != "" {
			t.Errorf("since the last: %q", got)
		}
	}},
	{"a topic that nobody knows is empty", func(t *backplaneTest) {
		if s, err := t.read(aTopic, broadcast.Position{}); err != nil || len(s.Messages)+len(s.Members) > 0 {
			t.Errorf("%+v, %v", s, err)
		}
		if got, _ := t.readWords(aTopic, broadcast.Position{Epoch: "e", Offset: 1}); got != "!" {
			t.Errorf("since a position: %q", got)
		}
	}},
	{"a message with a known ID is the same message", func(t *backplaneTest) {
		all := t.followAll(aTopic)
		first := t.post(aTopic, "once")
		for range t.Nodes {
			again := t.message(aTopic, "once")
			again.ID = first.ID
			if err := t.any().Publish(t.Context(), again, keepFive); err != nil || again.Position != first.Position {
				t.Errorf("again: %v at %v, first at %v", err, again.Position, first.Position)
			}
		}
		elsewhere := t.message(otherTopic, "another")
		elsewhere.ID = first.ID
		if err := t.any().Publish(t.Context(), elsewhere, keepFive); err != nil || elsewhere.Position.Epoch == first.Position.Epoch {
			t.Errorf("in another topic it is another: %v at %v", err, elsewhere.Position)
		}
		for _, f := range all {
			t.want("a follower", t.fenced(f, aTopic), "once")
		}
		if got, _ := t.readWords(otherTopic, broadcast.Position{}); got != "another" {
			t.Errorf("the other topic has %q", got)
		}
	}},
	{"the roll is told to those who follow and those who read", func(t *backplaneTest) {
		early := t.follow(0, aTopic)
		t.enter(1, broadcast.Joined, "n1", "ann", "1")
		t.enter(2, broadcast.Joined, "n2", "ann", "2")
		t.enter(1, broadcast.Joined, "n1", "ann", "3")
		t.enter(1, broadcast.Joined, "n1", "b o.b*", "4")
		t.enter(1, broadcast.Left, "n1", "b o.b*", "")
		t.enter(2, broadcast.Left, "n9", "nobody", "")
		t.members("+n1/ann(3)", "+n2/ann(2)")
		for i := range t.Nodes {
			late := t.follow(i, aTopic)
			// That nobody has left may have been on its way when this one came.
			got := slices.DeleteFunc(words(t.fenced(late, aTopic)), func(word string) bool { return word == "-n9/nobody" })
			slices.Sort(got)
			if !slices.Equal(got, []string{"+n1/ann(3)", "+n2/ann(2)"}) {
				t.Errorf("one who comes late to node %d is told %q", i, got)
			}
		}
		got := t.wait(early, func(all []*broadcast.Message) bool {
			roll := slices.Sorted(maps.Values(rollOf(all)))
			return slices.Equal(roll, []string{"+n1/ann(3)", "+n2/ann(2)", "-n1/b o.b*"})
		})
		for _, m := range slices.DeleteFunc(got, func(m *broadcast.Message) bool { return m.Kind == broadcast.Published }) {
			if m.Position != (broadcast.Position{}) {
				t.Errorf("%s has position %v", words([]*broadcast.Message{m}), m.Position)
			}
		}
		if history, _ := t.readWords(aTopic, broadcast.Position{}); len(history) > 0 && history[0] != 'f' {
			t.Errorf("the log has %q", history)
		}
	}},
	{"each publisher's messages stay in order, and all followers see one order", func(t *backplaneTest) {
		const publishers, messages = 4, 50
		all := t.followAll(aTopic)
		var wg sync.WaitGroup
		for p := range publishers {
			wg.Go(func() {
				for i := range messages {
					m := t.message(aTopic, number(i))
					m.From = number(p)
					if err := t.Nodes[p%len(t.Nodes)].Publish(t.Context(), m, keepFive); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		var one []broadcast.Position
		for n, f := range all {
			next, offset := map[string]int{}, uint64(0)
			var positions []broadcast.Position
			for _, m := range t.fenced(f, aTopic) {
				if i, _ := strconv.Atoi(string(m.Data)); i != next[m.From] || m.Position.Offset <= offset {
					t.Errorf("publisher %s: %d at %v, want %d after offset %d", m.From, i, m.Position, next[m.From], offset)
				}
				next[m.From]++
				offset = m.Position.Offset
				positions = append(positions, m.Position)
			}
			if len(positions) != publishers*messages {
				t.Errorf("node %d: %d messages, want %d", n, len(positions), publishers*messages)
			}
			if one == nil {
				one = positions
			} else if !slices.Equal(one, positions) {
				t.Errorf("node %d has seen another order", n)
			}
		}
	}},
	{"a message that is not kept has a position all the same", func(t *backplaneTest) {
		f := t.follow(0, aTopic)
		var last broadcast.Position
		for i := range 3 {
			m := t.message(aTopic, number(i))
			if err := t.any().Publish(t.Context(), m, broadcast.Retention{}); err != nil || m.Position.Offset <= last.Offset {
				t.Errorf("message %d: %v after %v, %v", i, m.Position, last, err)
			}
			last = m.Position
		}
		if got, _ := t.readWords(aTopic, broadcast.Position{}); got != "" {
			t.Errorf("the history has %q", got)
		}
		t.want("the follower", t.fenced(f, aTopic), "0", "1", "2")
	}},
	{"nothing happens after ctx is done", func(t *backplaneTest) {
		f := t.follow(0, aTopic)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		b := t.Nodes[0]
		if err := b.Publish(ctx, t.message(aTopic, "x"), keepFive); !errors.Is(err, context.Canceled) {
			t.Errorf("Publish: %v", err)
		}
		if _, _, err := b.Follow(ctx, aTopic, func(*broadcast.Message, uint64) {}); !errors.Is(err, context.Canceled) {
			t.Errorf("Follow: %v", err)
		}
		if _, err := b.Read(ctx, aTopic, broadcast.Position{}); !errors.Is(err, context.Canceled) {
			t.Errorf("Read: %v", err)
		}
		t.want("the follower", t.fenced(f, aTopic))
	}},
	{"a node that is gone has left", func(t *backplaneTest) {
		if t.Kill == nil || len(t.Nodes) < 2 {
			t.Skip("these nodes cannot die apart: they live in one process")
		}
		f, last := t.follow(0, aTopic), len(t.Nodes)-1
		t.enter(0, broadcast.Joined, "n0", "zoe", "0")
		t.enter(last, broadcast.Joined, "n2", "bob", "2")
		t.members("+n0/zoe(0)", "+n2/bob(2)")
		t.Kill(last)
		t.Nodes = t.Nodes[:last]
		t.wait(f, func(all []*broadcast.Message) bool { return slices.Contains(words(all), "-n2/bob") })
		t.members("+n0/zoe(0)")
	}},
	{"a node that was cut off finds its members on the roll when it is back", func(t *backplaneTest) {
		if t.Cut == nil || len(t.Nodes) < 2 {
			t.Skip("these nodes cannot be cut off: they live in one process")
		}
		f := t.follow(0, aTopic)
		t.enter(0, broadcast.Joined, "n0", "zoe", "0")
		t.enter(1, broadcast.Joined, "n1", "ann", "1")
		t.members("+n0/zoe(0)", "+n1/ann(1)")
		t.Cut(1, true)
		t.wait(f, func(all []*broadcast.Message) bool { return slices.Contains(words(all), "-n1/ann") })
		t.Cut(1, false)
		t.members("+n0/zoe(0)", "+n1/ann(1)")
	}},
	{"one that was cut off goes on where it had stopped", func(t *backplaneTest) {
		if t.Cut == nil || len(t.Nodes) < 2 {
			t.Skip("these nodes cannot be cut off: they live in one process")
		}
		f := t.follow(1, aTopic)
		want := []string{"before"}
		t.post(aTopic, "before")
		t.wait(f, func(all []*broadcast.Message) bool { return len(all) == 1 })
		t.Cut(1, true)
		for i := range 4 {
			m := t.message(aTopic, number(i))
			if err := t.Nodes[0].Publish(t.Context(), m, keepFive); err != nil {
				t.Fatalf("a publish where nothing is cut: %v", err)
			}
			want = append(want, number(i))
		}
		t.Cut(1, false)
		t.want("the one that was cut off", t.wait(f, func(all []*broadcast.Message) bool { return len(unrepeated(all)) >= len(want) }), want...)
	}},
}

// rollOf returns the latest word about each member.
func rollOf(all []*broadcast.Message) map[string]string {
	latest := map[string]string{}
	for i, word := range words(all) {
		if m := all[i]; m.Kind != broadcast.Published && m.From != "nobody" {
			latest[m.Node+"/"+m.From] = word
		}
	}
	return latest
}
