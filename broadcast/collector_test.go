package broadcast_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/hyperlane-go/hyperlane/broadcast"
)

// collector is a Subscriber that writes down what it is told, in words. It takes room messages, and is full until drain makes room.
type collector struct {
	mu    sync.Mutex
	room  int // negative: any number
	said  []string
	from  []broadcast.Position
	ended []error
	fail  error // what Deliver returns; "panic" panics
}

var errPanic = errors.New("panic")

func (c *collector) take(words string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.fail == errPanic:
		panic("on purpose")
	case c.fail != nil:
		return c.fail
	case c.room == 0:
		return fmt.Errorf("collector: %w", broadcast.ErrFull)
	}
	c.room--
	c.said = append(c.said, words)
	return nil
}

func (c *collector) Deliver(m *broadcast.Message) error {
	var words string
	switch m.Kind {
	case broadcast.Joined:
		words = fmt.Sprintf("+%s(%s)x%d", m.From, m.Data, m.Connections())
	case broadcast.Left:
		words = "-" + m.From
	default:
		words = string(m.Data)
	}
	err := c.take(words)
	if err == nil {
		c.mu.Lock()
		c.from = append(c.from, m.Position)
		c.mu.Unlock()
	}
	return err
}

func (c *collector) Missed(n uint64) error { return c.take(fmt.Sprintf("missed %d", n)) }

func (c *collector) Ended(reason error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended = append(c.ended, reason)
}

// drain gives room for n more.
func (c *collector) drain(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.room = n
}

// heard returns what was said since the last call.
func (c *collector) heard() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	said := c.said
	c.said = nil
	return said
}

func (c *collector) reasons() []error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ended
}

// listener returns a collector with room for everything.
func listener() *collector { return &collector{room: -1} }

var lobby = broadcast.TopicOf("chat", "lobby")

// newHub returns a hub in which every topic has these rules, and closes it when the test ends.
func newHub(t testing.TB, rules broadcast.Rules) *broadcast.Hub {
	t.Helper()
	return openHub(t, broadcast.HubConfig{Rules: func(broadcast.Topic) broadcast.Rules { return rules }})
}

func openHub(t testing.TB, config broadcast.HubConfig) *broadcast.Hub {
	t.Helper()
	h := broadcast.NewHub(config)
	t.Cleanup(func() {
		if err := h.Close(context.Background()); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return h
}

func subscribe(t testing.TB, h *broadcast.Hub, s broadcast.Subscriber, as broadcast.As) *broadcast.Subscription {
	t.Helper()
	sub, err := h.Subscribe(t.Context(), lobby, s, as)
	if err != nil {
		t.Fatalf("Subscribe as %+v: %v", as, err)
	}
	return sub
}

func say(t testing.TB, h *broadcast.Hub, words string) broadcast.Result {
	t.Helper()
	return publish(t, h, broadcast.Publication{Data: []byte(words)})
}

func publish(t testing.TB, h *broadcast.Hub, p broadcast.Publication) broadcast.Result {
	t.Helper()
	r, err := h.Publish(t.Context(), lobby, p)
	if err != nil {
		t.Fatalf("Publish %q: %v", p.Data, err)
	}
	return r
}

func wantSaid(t testing.TB, who string, got []string, want ...string) {
	t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%s heard %q, want %q", who, got, want)
	}
}

func texts(messages []*broadcast.Message) []string {
	var all []string
	for _, m := range messages {
		all = append(all, string(m.Data))
	}
	return all
}
