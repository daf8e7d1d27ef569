package sse

import (
	"errors"
	"sync"
	"sync/atomic"

	"github.com/hyperlane-go/hyperlane"
	"github.com/hyperlane-go/hyperlane/broadcast"
)

// stream is one stream of a Source: a subscriber of a topic at one end, the feed of a connection at the other. Nobody owns it; the hub
// calls Deliver and Missed one at a time.
type stream struct {
	source *Source
	feed   *hyperlane.Feed
	key    string

	last atomic.Uint32 // the keeper's tick at which something was sent

	place   int  // in keeper.streams, plus 1; 0 while it is not there. The keeper guards it
	lagging bool // in keeper.lagging. The keeper guards it

	mu         sync.Mutex // guards what follows
	sub        *broadcast.Subscription
	positioned bool // the client has an id of this topic
	closed     bool
}

// Deliver is for the hub.
func (st *stream) Deliver(m *broadcast.Message) error {
	return st.send(m.Form(st.source.form, st.source.encode), m.Position != (broadcast.Position{}))
}

// Missed is for the hub.
func (st *stream) Missed(n uint64) error { return st.send(missed(n), false) }

// Ended is for the hub. The client comes back, or is told by the next server that it should not.
func (st *stream) Ended(error) { st.feed.End() }

// Drain is for the feed.
func (st *stream) Drain(feed *hyperlane.Feed) { feed.End() }

// Closed is for the feed.
func (st *stream) Closed(*hyperlane.Feed, error) {
	st.mu.Lock()
	sub := st.sub
	st.closed = true
	st.mu.Unlock()
	st.source.keeper.remove(st)
	if sub != nil {
		sub.Close()
	}
	st.source.release(st.key)
}

// send gives an event to the feed, if there is room for it.
func (st *stream) send(event []byte, positioned bool) error {
	st.mu.Lock()
	defer st.mu.Unlock()
	k := &st.source.keeper
	waiting := st.feed.Waiting()
	if waiting > 0 && waiting+len(event) > k.buffer {
		k.lag(st)
		return broadcast.ErrFull
	}
	err := st.feed.Send(event)
	switch {
	case errors.Is(err, hyperlane.ErrOutboxFull) && waiting > 0:
		k.lag(st)
		return broadcast.ErrFull
	case err != nil:
		return err
	}
	st.positioned = st.positioned || positioned
	st.last.Store(k.tick.Load())
	return nil
}

// tellUnrecoverable lets the client know that it has missed something, and has it forget the id that it came with.
func (st *stream) tellUnrecoverable() {
	st.feed.Send(append([]byte("id:\n"), mustAppend(Event{Name: UnrecoverableEvent})...))
}

// begin sends what a stream begins with, and takes up the subscription. A client that has got nothing yet comes back with the position
// where it began; but a message that it has got meanwhile knows better.
func (st *stream) begin(sub *broadcast.Subscription, since broadcast.Position) {
	first := Event{Retry: st.source.config.retry()}
	st.mu.Lock()
	if since == (broadcast.Position{}) && !st.positioned {
		first.ID = sub.Position().String()
	}
	if first != (Event{}) {
		st.feed.Send(mustAppend(first))
	}
	st.sub = sub
	st.mu.Unlock()
	st.source.keeper.add(st)
}

// resume has the hub deliver what the stream had no room for. It reports false if the hub is still about to subscribe it, and has
// delivered what was missed meanwhile: then it is to be called again.
func (st *stream) resume() bool {
	st.mu.Lock()
	sub, closed := st.sub, st.closed
	st.mu.Unlock()
	if sub != nil && !closed {
		sub.Resume()
	}
	return sub != nil || closed
}
