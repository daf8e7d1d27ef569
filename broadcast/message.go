package broadcast

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Kind says what a message is.
type Kind uint8

const (
	Published Kind = iota // Data was published
	Joined                // From has come, or has changed its Data: presence
	Left                  // From has gone with its last connection: presence

	gap Kind = 255 // stands in a backlog for count messages that never reached this node
)

// Message is what subscribers get. All of them get the same one, and it stays in the history: nobody may change it, or the bytes
// that it holds, and everybody may keep it.
type Message struct {
	Kind     Kind
	Topic    Topic
	Position Position  // in the history of the topic; zero if it has none: presence, and what was not kept
	ID       string    // unique; the same message has the same ID on all nodes
	Node     string    // the hub that published it
	Time     time.Time // when it was published
	From     string    // key of the publisher, as the publisher gave it: whose key it is, the application knows
	Name     string    // Publication.Name
	Data     []byte    // Publication.Data, or As.Data of the member

	to, group, except string   // keys and a group: who gets it
	exclude           uint64   // a Subscription of Node that does not get it
	count             uint64   // connections of a member; messages of a gap
	local             *receipt // set where it was published, and only there
	forms             atomic.Pointer[form]
}

// receipt is what a hub notes down of a message of its own, for Result.
type receipt struct {
	hub               *Hub
	delivered, behind atomic.Int64
}

// withoutPosition returns the same message as one that was not kept.
func (m *Message) withoutPosition() *Message {
	return &Message{Kind: m.Kind, Topic: m.Topic, ID: m.ID, Node: m.Node, Time: m.Time, From: m.From, Name: m.Name, Data: m.Data,
		to: m.to, group: m.group, except: m.except, exclude: m.exclude}
}

// Connections returns, of a message that says Joined, how many connections the member has on all nodes that are known here.
func (m *Message) Connections() int {
	if m.Kind != Joined {
		return 0
	}
	return int(m.count)
}

// isFor reports whether m is for those who subscribed as as.
func (m *Message) isFor(as *As) bool {
	return (m.to == "" || m.to == as.Key) &&
		(m.except == "" || m.except != as.Key) &&
		(m.group == "" || slices.Contains(as.Groups, m.group))
}

// form is one encoding of a message.
type form struct {
	key  any
	next *form

	mu   sync.Mutex // held while the message is encoded
	done atomic.Bool
	data []byte
}

// Form returns the message in an encoded form, a frame say, or an event, or the compressed frame. The first caller with a key
// encodes, all others get the same bytes, which nobody may change. Keys are compared as those of context.WithValue: use a
// type of your own, with a value for each variant. The message keeps its forms as long as it lives, in the history
// too, so let there be few.
func (m *Message) Form(key any, encode func(*Message) []byte) []byte {
	f := m.form(key)
	if f.done.Load() {
		return f.data
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.done.Load() { // a panic leaves it false: the next caller tries again
		f.data = encode(m)
		f.done.Store(true)
	}
	return f.data
}

func (m *Message) form(key any) *form {
	var added *form
	for {
		first := m.forms.Load()
		for f := first; f != nil; f = f.next {
			if f.key == key {
				return f
			}
		}
		if added == nil {
			added = &form{key: key}
		}
		added.next = first
		if m.forms.CompareAndSwap(first, added) {
			return added
		}
	}
}
