package sse

import (
	"errors"
	"net/http"
	"strings"
	"sync"

	"github.com/hyperlane-go/hyperlane"
	"github.com/hyperlane-go/hyperlane/broadcast"
)

// The names of events that a Source sends by itself.
const (
	// UnrecoverableEvent is the first event for a client that has come back and cannot be told what it missed. Its data is empty.
	// What is new follows: the client should load anew what it shows.
	UnrecoverableEvent = "unrecoverable"

	// MissedEvent stands in the place of events that the client did not get, because it was too slow. Its data is JSON: {"count": 3}.
	MissedEvent = "missed"

	// JoinedEvent and LeftEvent tell who comes and goes, in topics with presence. Their data is JSON: {"key": "ann", "data": "...",
	// "connections": 2}, with the As.Data of the member, and without what is empty or zero.
	JoinedEvent = "joined"
	LeftEvent   = "left"
)

// Source turns topics into event streams. Its methods may be called by any goroutine. It needs no Close: streams end with their clients,
// with the server, and with the hub.
type Source struct {
	hub    *broadcast.Hub
	config Config
	form   any // key of the encoded form of messages
	encode func(m *broadcast.Message) []byte
	keeper keeper

	mu     sync.Mutex
	perKey map[string]int // streams by As.Key, if they are limited
}

// form is the key under which messages keep the event of MessageEvent, for all Sources.
type form struct{}

// NewSource returns a source of the topics of hub. It panics if config makes no sense.
func NewSource(hub *broadcast.Hub, config Config) *Source {
	s := &Source{hub: hub, form: form{}}
	if config.Encode != nil {
		s.form = s
	}
	s.config = config.withDefaults()
	s.encode = s.encodeMessage
	if s.config.StreamsPerKey > 0 {
		s.perKey = make(map[string]int)
	}
	s.keeper.init(s.config.Heartbeat, s.config.Buffer)
	return s
}

// Streams returns how many streams there are.
func (s *Source) Streams() int { return s.keeper.count() }

// Subscribe answers with an event stream that subscribes to topic as as, and lives on when the handler has returned. Whether the client
// may see the topic is for the caller to decide before. As.Since is taken from the client, see [LastEventID], unless it is set.
//
// An error is to be returned by the handler: 429 beyond Config.StreamsPerKey, 503 when the topic or the hub takes no more subscribers,
// and what else Hub.Subscribe returns.
func (s *Source) Subscribe(c *hyperlane.Context, topic broadcast.Topic, as broadcast.As) error {
	if !s.reserve(as.Key) {
		return hyperlane.Errorf(http.StatusTooManyRequests, "too many streams are open")
	}
	st := &stream{source: s, key: as.Key}
	feed, err := c.Feed(st)
	if err != nil {
		s.release(as.Key)
		return err
	}
	st.feed = feed
	prepare(c)
	lost := false
	if as.Since == (broadcast.Position{}) {
		var forged error
		as.Since, forged = broadcast.ParsePosition(LastEventID(c))
		lost = forged != nil
	}
	var sub *broadcast.Subscription
	if !lost {
		sub, err = s.hub.Subscribe(c.Context(), topic, st, as)
		// Also when the backplane does not answer: EventSource does not come back after an answer that is no stream.
		lost = err != nil && as.Since != (broadcast.Position{}) && !refused(err) && c.Context().Err() == nil
	}
	if lost {
		st.tellUnrecoverable()
		as.Since = broadcast.Position{}
		sub, err = s.hub.Subscribe(c.Context(), topic, st, as)
	}
	switch {
	case refused(err):
		return &hyperlane.Error{Status: http.StatusServiceUnavailable, Cause: err}
	case err != nil:
		return err
	}
	st.begin(sub, as.Since)
	return nil
}

func refused(err error) bool {
	return errors.Is(err, broadcast.ErrTopicFull) || errors.Is(err, broadcast.ErrClosed)
}

// reserve counts a stream, unless its key has as many as it may.
func (s *Source) reserve(key string) bool {
	if s.perKey == nil || key == "" {
		return true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.perKey[key] >= s.config.StreamsPerKey {
		return false
	}
	s.perKey[key]++
	return true
}

func (s *Source) release(key string) {
	if s.perKey == nil || key == "" {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.perKey[key]--; s.perKey[key] == 0 {
		delete(s.perKey, key)
	}
}

// encodeMessage makes the form of a message. One that cannot be an event is missing, and the client is told that.
func (s *Source) encodeMessage(m *broadcast.Message) []byte {
	e := s.config.Encode(m)
	e.ID = m.Position.String()
	b, err := e.append(nil, true)
	if err != nil {
		return missed(1)
	}
	return b
}

// MessageEvent returns the event that a Source makes of a message: with its Name and its Data, in which what is not UTF-8 becomes U+FFFD, as
// a client would read it; a [JoinedEvent] or [LeftEvent] for news of presence. For a Config.Encode that changes some of them.
func MessageEvent(m *broadcast.Message) Event {
	text := strings.ToValidUTF8(string(m.Data), "\uFFFD")
	if m.Kind == broadcast.Published {
		return Event{ID: m.Position.String(), Name: m.Name, Data: text}
	}
	name := JoinedEvent
	if m.Kind == broadcast.Left {
		name = LeftEvent
	}
	e, err := Event{Name: name}.withJSON(struct {
		Key         string `json:"key"`
		Data        string `json:"data,omitempty"`
		Connections int    `json:"connections,omitempty"`
	}{m.From, text, m.Connections()})
	if err != nil {
		panic(err) // strings and numbers are JSON
	}
	return e
}

// missed returns the event that stands for n others.
func missed(n uint64) []byte {
	e, err := Event{Name: MissedEvent}.withJSON(map[string]uint64{"count": n})
	if err != nil {
		panic(err)
	}
	return mustAppend(e)
}

// mustAppend encodes an event that is well-formed.
func mustAppend(e Event) []byte {
	b, err := e.Append(nil)
	if err != nil {
		panic(err)
	}
	return b
}
