package broadcast

import (
	"fmt"
	"testing"
)

// told is a subscriber that writes down what it is told.
type told struct{ words []string }

func (c *told) Deliver(m *Message) error {
	c.words = append(c.words, string(m.Data))
	return nil
}

func (c *told) Missed(n uint64) error {
	c.words = append(c.words, fmt.Sprint("missed ", n))
	return nil
}

func (c *told) Ended(error) {}

func TestAGapIsToldAlsoBeforeAMessageThatIsKnown(t *testing.T) {
	h := NewHub(HubConfig{})
	defer h.Close(t.Context())
	c := &told{}
	if _, err := h.Subscribe(t.Context(), Topic{}, c, As{}); err != nil {
		t.Fatal(err)
	}
	a, _ := h.audiences.get(Topic{})
	m := &Message{ID: "1", Data: []byte("1")}
	a.sent(m, false)
	kept := &Message{ID: "1", Data: []byte("1"), Position: Position{"e", 8}}
	a.receive(kept, 2)
	a.receive(kept, 0)
	if got := fmt.Sprint(c.words); got != "[1 missed 2]" {
		t.Errorf("heard %s", got)
	}
}

func TestWhatIsStillToComeIsBounded(t *testing.T) {
	h := NewHub(HubConfig{})
	defer h.Close(t.Context())
	if _, err := h.Subscribe(t.Context(), Topic{}, &told{}, As{}); err != nil {
		t.Fatal(err)
	}
	a, _ := h.audiences.get(Topic{})
	for i := range uint64(comingCount + 10) {
		a.sent(&Message{Position: Position{a.at.Epoch, i + 1}}, true)
	}
	if first := a.coming[0].Position.Offset; len(a.coming) != comingCount || first != 11 {
		t.Errorf("%d messages are remembered, from %d on", len(a.coming), first)
	}
	a.receive(&Message{Position: Position{a.at.Epoch, comingCount + 5}}, 0)
	if len(a.coming) != 5 {
		t.Errorf("%d messages are still to come, want 5", len(a.coming))
	}
}
