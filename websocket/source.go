package websocket

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/hyperlane-go/hyperlane/broadcast"
)

// SourceConfig is for NewSource. The zero value sends what was published, as it is.
type SourceConfig struct {
	// Encode returns what connections are sent for a message of a topic, once for all of them. Nil data is not sent. Nil Encode: Data of
	// messages that were published, as text if it is UTF-8; nothing for presence.
	Encode func(m *broadcast.Message) (Type, []byte)

	// Missed returns what a connection is sent that has missed n messages, because it was too slow. Nil: the text {"missed":n}.
	Missed func(n uint64) (Type, []byte)

	// Buffer is bytes that may wait for one connection; when it is full the policy of the topic decides (broadcast.Rules.Lag). It should be
	// less than the server's Limits.Outbox. Zero: 64 KiB.
	Buffer int
}

// Source lets connections subscribe to the topics of a hub. A message is encoded, framed and compressed once for all connections that
// get it. It may come between any two messages that the connection sends by itself; while a Writer is open it waits for its end. Any
// goroutine may use it.
type Source struct {
	hub    *broadcast.Hub
	config SourceConfig
	forms  [16]form // by the bits of the window

	mu      sync.Mutex // guards what follows
	lagging []*subscriber
	looking bool // resume will be called
	pause   time.Duration
}

// NewSource returns a source of the hub's topics.
func NewSource(hub *broadcast.Hub, config SourceConfig) *Source {
	if config.Encode == nil {
		config.Encode = published
	}
	if config.Missed == nil {
		config.Missed = func(n uint64) (Type, []byte) { return Text, []byte(`{"missed":` + strconv.FormatUint(n, 10) + `}`) }
	}
	if config.Buffer == 0 {
		config.Buffer = 64 << 10
	}
	s := &Source{hub: hub, config: config}
	for i := range s.forms {
		s.forms[i] = form{s, i}
	}
	return s
}

func published(m *broadcast.Message) (Type, []byte) {
	switch {
	case m.Kind != broadcast.Published:
		return Text, nil
	case m.Data == nil:
		return Text, []byte{} // a message without a byte is one, too
	case utf8.Valid(m.Data):
		return Text, m.Data
	}
	return Binary, m.Data
}

// Subscribe makes c a subscriber of topic until it ends, or the subscription is closed. For As.Since and the errors see
// broadcast.Hub.Subscribe. When the hub ends the subscription c is closed, with 1013 (try again) if it was too slow under the policy
// Disconnect, else with 1001.
func (s *Source) Subscribe(ctx context.Context, c *Conn, topic broadcast.Topic, as broadcast.As) (*Subscription, error) {
	if !c.server {
		return nil, errDialled
	}
	r := &subscriber{source: s, conn: c}
	c.mu.Lock()
	if c.ended {
		c.mu.Unlock()
		return nil, ErrClosed
	}
	if c.subs == nil {
		c.subs = make(map[*subscriber]struct{})
	}
	c.subs[r] = struct{}{}
	c.mu.Unlock()
	sub, err := s.hub.Subscribe(ctx, topic, r, as)
	if err != nil {
		r.forget()
		r.end() // it may be lagging
		return nil, err
	}
	if !r.begin(sub) {
		sub.Close()
		return nil, ErrClosed
	}
	return &Subscription{sub, r}, nil
}

var errDialled = errors.New("websocket: a connection that was dialled cannot subscribe")

// Subscription is a connection's place in a topic.
type Subscription struct {
	*broadcast.Subscription
	subscriber *subscriber
}

// Close ends the subscription, and leaves the connection open. It may be called more than once, but not from inside SourceConfig's
// functions.
func (s *Subscription) Close() {
	s.subscriber.forget()
	s.Subscription.Close()
}

// subscriber is one connection's place in one topic.
type subscriber struct {
	source  *Source
	conn    *Conn
	lagging bool // in source.lagging, whose mu guards it

	mu   sync.Mutex // guards what follows
	sub  *broadcast.Subscription
	over bool
}

// form is that of a message's frame: of one source, for one window. Its address is the key, which costs no allocation.
type form struct {
	source *Source
	window int
}

func (f *form) encode(m *broadcast.Message) []byte {
	t, p := f.source.config.Encode(m)
	if p == nil {
		return nil
	}
	return wholeFrame(t, p, f.window)
}

// Deliver is for the hub.
func (r *subscriber) Deliver(m *broadcast.Message) error {
	f := &r.source.forms[r.conn.sharedWindow(len(m.Data))]
	return r.send(m.Form(f, f.encode))
}

// Missed is for the hub.
func (r *subscriber) Missed(n uint64) error {
	t, p := r.source.config.Missed(n)
	if p == nil {
		return nil
	}
	return r.send(wholeFrame(t, p, 0))
}

// Ended is for the hub.
func (r *subscriber) Ended(reason error) {
	r.forget()
	if errors.Is(reason, broadcast.ErrLagged) {
		r.conn.Close(StatusTryAgain, "too slow")
		return
	}
	r.conn.Close(StatusGoingAway, "")
}

// send gives a frame to the connection, if there is room. It does not wait: the hub holds the topic.
func (r *subscriber) send(out []byte) error {
	if out == nil {
		return nil
	}
	if !r.conn.message.TryLock() { // in the middle of a message that has several frames
		r.lag()
		return broadcast.ErrFull
	}
	defer r.conn.message.Unlock()
	waiting := r.conn.carrier().Waiting()
	if waiting > 0 && waiting+len(out) > r.source.config.Buffer {
		r.lag()
		return broadcast.ErrFull
	}
	err := r.conn.sendWhole(out)
	if err == ErrSlow && waiting > 0 {
		r.lag()
		return broadcast.ErrFull
	}
	return err
}

// begin takes up the subscription, unless the connection has ended.
func (r *subscriber) begin(sub *broadcast.Subscription) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sub = sub
	return !r.over
}

// end is called when the connection has ended, or the hub has refused.
func (r *subscriber) end() {
	r.mu.Lock()
	sub := r.sub
	r.over = true
	r.mu.Unlock()
	if sub != nil {
		sub.Close()
	}
}

// forget takes r off its connection.
func (r *subscriber) forget() {
	r.conn.mu.Lock()
	defer r.conn.mu.Unlock()
	delete(r.conn.subs, r)
}

// Who lags is looked at again after a pause, which is longer the longer nobody has had room.
const (
	firstPause = time.Millisecond
	lastPause  = 50 * time.Millisecond
)

// lag has r looked at again.
func (r *subscriber) lag() {
	s := r.source
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.lagging {
		return
	}
	r.lagging = true
	s.lagging = append(s.lagging, r)
	if !s.looking {
		s.looking, s.pause = true, firstPause
		time.AfterFunc(s.pause, s.resume)
	}
}

// resume has the hub deliver to those who have room again.
func (s *Source) resume() {
	s.mu.Lock()
	list := s.lagging
	s.lagging = nil
	for _, r := range list {
		r.lagging = false
	}
	s.mu.Unlock()
	for _, r := range list {
		r.resume()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.looking = len(s.lagging) > 0; !s.looking {
		return
	}
	if s.pause = min(2*s.pause, lastPause); len(s.lagging) < len(list) {
		s.pause = firstPause
	}
	time.AfterFunc(s.pause, s.resume)
}

func (r *subscriber) resume() {
	if r.conn.carrier().Waiting() > r.source.config.Buffer/2 {
		r.lag()
		return
	}
	r.mu.Lock()
	sub, over := r.sub, r.over
	r.mu.Unlock()
	switch {
	case over:
	case sub == nil: // the hub is still about to subscribe it, and has delivered what was missed meanwhile
		r.lag()
	default:
		sub.Resume()
	}
}
