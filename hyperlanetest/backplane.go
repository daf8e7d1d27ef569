package hyperlanetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hyperlane-go/hyperlane/broadcast"
)

// BackplaneNodes are what [TestBackplane] tests: the nodes of one backplane.
type BackplaneNodes struct {
	// Nodes are all of them, one at least. What is published on one must reach those who follow on any.
	Nodes []broadcast.Backplane

	// Kill ends node i as a crash would, without a farewell. Nil: the nodes cannot die apart, because they live in one process.
	Kill func(i int)

	// Cut takes the connection between node i and the others away, and gives it back. Nil: there is none.
	Cut func(i int, cut bool)
}

// TestBackplane holds a [broadcast.Backplane] to what its contract promises; each promise is a subtest. Open is called for each: it returns
// nodes that know nothing yet, and closes them by t.Cleanup. No wait is longer than a minute.
func TestBackplane(t *testing.T, open func(t *testing.T) BackplaneNodes) {
	for _, promise := range promises {
		t.Run(strings.ReplaceAll(promise.name, " ", "_"), func(t *testing.T) {
			promise.test(&backplaneTest{T: t, BackplaneNodes: open(t)})
		})
	}
}

// keepFive is the retention of the tests.
var (
	keepFive   = broadcast.Retention{Count: 5, Age: time.Hour}
	aTopic     = broadcast.TopicOf("a-b", "c")
	otherTopic = broadcast.TopicOf("a", "b-c")
)

// backplaneTest is one test of one backplane.
type backplaneTest struct {
	*testing.T
	BackplaneNodes
	last atomic.Uint64
}

// any returns a node, and other nodes for later calls.
func (t *backplaneTest) any() broadcast.Backplane {
	return t.Nodes[t.last.Add(1)%uint64(len(t.Nodes))]
}

func (t *backplaneTest) message(topic broadcast.Topic, text string) *broadcast.Message {
	return &broadcast.Message{Topic: topic, ID: fmt.Sprint("id", t.last.Add(1)), Node: "n0", Time: time.Now(), Data: []byte(text)}
}

// post publishes on some node.
func (t *backplaneTest) post(topic broadcast.Topic, text string) *broadcast.Message {
	t.Helper()
	m := t.message(topic, text)
	if err := t.any().Publish(t.Context(), m, keepFive); err != nil {
		t.Fatalf("Publish %q: %v", text, err)
	}
	return m
}

// enter writes a line of the roll, on node i.
func (t *backplaneTest) enter(i int, kind broadcast.Kind, node, key, data string) {
	t.Helper()
	m := t.message(aTopic, data)
	m.Kind, m.Node, m.From = kind, node, key
	if err := t.Nodes[i%len(t.Nodes)].Publish(t.Context(), m, broadcast.Retention{}); err != nil {
		t.Fatalf("Publish %v of %s on %s: %v", kind, key, node, err)
	}
}

// backplaneFollower is what a follower was told.
type backplaneFollower struct {
	at   broadcast.Position
	stop func()

	busy atomic.Int32 // calls of deliver at the moment
	mu   sync.Mutex
	got  []*broadcast.Message
	news chan struct{} // closed with each message, and renewed
}

func (t *backplaneTest) follow(i int, topic broadcast.Topic) *backplaneFollower {
	t.Helper()
	f := &backplaneFollower{news: make(chan struct{})}
	at, stop, err := t.Nodes[i%len(t.Nodes)].Follow(t.Context(), topic, func(m *broadcast.Message, _ uint64) {
		if f.busy.Add(1) > 1 {
			t.Error("deliver was called while it was under way")
		}
		f.mu.Lock()
		f.got = append(f.got, m)
		close(f.news)
		f.news = make(chan struct{})
		f.mu.Unlock()
		f.busy.Add(-1)
	})
	if err != nil {
		t.Fatalf("Follow: %v", err)
	}
	f.at, f.stop = at, stop
	t.Cleanup(stop)
	return f
}

// followAll follows on each node.
func (t *backplaneTest) followAll(topic broadcast.Topic) []*backplaneFollower {
	t.Helper()
	var all []*backplaneFollower
	for i := range t.Nodes {
		all = append(all, t.follow(i, topic))
	}
	return all
}

// wait returns what f was told when enough says that this will do, and fails when it does not for a minute.
func (t *backplaneTest) wait(f *backplaneFollower, enough func(all []*broadcast.Message) bool) []*broadcast.Message {
	t.Helper()
	end := time.NewTimer(time.Minute)
	defer end.Stop()
	for {
		f.mu.Lock()
		got, news := slices.Clone(f.got), f.news
		f.mu.Unlock()
		if enough(got) {
			return got
		}
		select {
		case <-news:
		case <-end.C:
			t.Fatalf("what was expected did not come within a minute; got %q", words(got))
		}
	}
}

// fenced publishes one more message, and returns what f was told before that.
func (t *backplaneTest) fenced(f *backplaneFollower, topic broadcast.Topic) []*broadcast.Message {
	t.Helper()
	id := t.post(topic, "fence").ID
	var before []*broadcast.Message
	t.wait(f, func(all []*broadcast.Message) bool {
		i := slices.IndexFunc(all, func(m *broadcast.Message) bool { return m.ID == id })
		if i >= 0 {
			before = slices.DeleteFunc(all[:i], func(m *broadcast.Message) bool { return string(m.Data) == "fence" })
		}
		return i >= 0
	})
	return unrepeated(before)
}

// unrepeated drops what came twice, which does no harm.
func unrepeated(all []*broadcast.Message) []*broadcast.Message {
	seen := map[string]bool{}
	return slices.DeleteFunc(all, func(m *broadcast.Message) bool {
		twice := m.Kind == broadcast.Published && seen[m.ID]
		seen[m.ID] = true
		return twice
	})
}

func (t *backplaneTest) read(topic broadcast.Topic, since broadcast.Position) (broadcast.Snapshot, error) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	return t.any().Read(ctx, topic, since)
}

// members polls the roll on every node until it is as wanted.
func (t *backplaneTest) members(want ...string) {
	t.Helper()
	for i, b := range t.Nodes {
		for end := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
			s, err := b.Read(t.Context(), aTopic, broadcast.Position{})
			got := words(s.Members)
			slices.Sort(got)
			if err == nil && slices.Equal(got, want) {
				break
			}
			if time.Now().After(end) {
				t.Fatalf("the roll on node %d is %q, %v; want %q", i, got, err, want)
			}
		}
	}
}

// words shows messages: the data of those that were published, and of the others who it is.
func words(all []*broadcast.Message) []string {
	list := []string{}
	for _, m := range all {
		switch m.Kind {
		case broadcast.Published:
			list = append(list, string(m.Data))
		case broadcast.Joined:
			list = append(list, fmt.Sprintf("+%s/%s(%s)", m.Node, m.From, m.Data))
		case broadcast.Left:
			list = append(list, fmt.Sprintf("-%s/%s", m.Node, m.From))
		}
	}
	return list
}

func (t *backplaneTest) want(what string, got []*broadcast.Message, want ...string) {
	t.Helper()
	if !slices.Equal(words(got), want) {
		t.Errorf("%s: %q, want %q", what, words(got), want)
	}
}

// readWords returns what Read returns, in words; "!" is ErrUnrecoverable.
func (t *backplaneTest) readWords(topic broadcast.Topic, since broadcast.Position) (string, broadcast.Position) {
	t.Helper()
	s, err := t.read(topic, since)
	switch {
	case errors.Is(err, broadcast.ErrUnrecoverable):
		return "!", broadcast.Position{}
	case err != nil:
		t.Errorf("Read since %v: %v", since, err)
	}
	return strings.Join(words(s.Messages), " "), s.Position
}

func number(i int) string { return strconv.Itoa(i) }
