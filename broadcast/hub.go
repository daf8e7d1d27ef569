package broadcast

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// HubConfig is for [NewHub]. The zero value is ready to use.
type HubConfig struct {
	// Rules returns the rules of a topic. Nil: every topic has the zero Rules. Any goroutine calls it, and it must not call the hub.
	Rules func(Topic) Rules

	// Backplane joins this hub with those of other nodes. Nil: there is only this one.
	Backplane Backplane

	// Node is the name of this hub, which no other at the same backplane may have. Empty: a random one.
	Node string
}

// Hub keeps the topics of one node. A topic is there while it has subscribers, and its history for as long as Rules say. The methods of
// a hub may be called by any goroutine, but not from inside a Subscriber's Deliver and Missed.
type Hub struct {
	node      string
	rulesOf   func(Topic) Rules
	backplane Backplane
	own       *Memory // the backplane, if nobody gave one

	audiences shards[*audience]
	ids       atomic.Uint64
	closed    atomic.Bool
	mender    mender
	ends      sync.WaitGroup // calls of Ended
	published atomic.Uint64
	lost      atomic.Pointer[error] // why the backplane does not answer; nil while it does

	mu   sync.Mutex
	past Counters // of audiences that are gone
}

// NewHub returns a hub without topics. It starts nothing.
func NewHub(config HubConfig) *Hub {
	h := &Hub{node: config.Node, rulesOf: config.Rules, backplane: config.Backplane}
	if h.node == "" {
		h.node = rand.Text()
	}
	if h.rulesOf == nil {
		h.rulesOf = func(Topic) Rules { return Rules{} }
	}
	if h.backplane == nil {
		h.own = NewMemory()
		h.backplane = h.own
	}
	h.audiences.init()
	h.mender.init(h)
	return h
}

// Node returns the name of this hub.
func (h *Hub) Node() string { return h.node }

// Subscribe makes s a subscriber of topic, until the Subscription is closed or the hub ends it. Ctx is for this call only.
//
// With As.Since, s first gets what it missed. If that cannot be told exactly, the error is ErrUnrecoverable, and s is no subscriber:
// tell the client to load everything anew, and subscribe without Since. Other errors are ErrClosed, ErrTopicFull, the mistakes in
// the topic's Rules, and that of ctx. A backplane that does not answer is no error, unless there is something to recover.
func (h *Hub) Subscribe(ctx context.Context, topic Topic, s Subscriber, as As) (*Subscription, error) {
	as.Groups = slices.Compact(slices.Sorted(slices.Values(as.Groups)))
	a, err := h.attend(ctx, topic)
	if err != nil {
		return nil, err
	}
	sub, err := a.join(s, as)
	if err != nil {
		return nil, err
	}
	if as.Since != (Position{}) {
		if err := a.recover(ctx, sub); err != nil {
			sub.Close()
			return nil, err
		}
	}
	return sub, nil
}

// attend returns the audience of topic, pinned. It exists, or is made.
func (h *Hub) attend(ctx context.Context, topic Topic) (*audience, error) {
	rules, err := h.rules(topic)
	if err != nil {
		return nil, err
	}
	for {
		a, found, err := h.audiences.getOrPut(topic, func() (*audience, error) {
			if h.closed.Load() {
				return nil, ErrClosed
			}
			return newAudience(h, topic, rules), nil
		})
		switch {
		case err != nil:
			return nil, err
		case !found:
			if err := a.follow(ctx); err != nil {
				h.mender.follow(a)
			}
			close(a.opened)
			return a, nil
		case !a.pin():
			continue // it went in this moment
		}
		select {
		case <-a.opened:
			return a, nil
		case <-ctx.Done():
			a.unpin()
			return nil, context.Cause(ctx)
		}
	}
}

func (h *Hub) rules(topic Topic) (Rules, error) {
	rules, err := h.rulesOf(topic).compile()
	if err != nil {
		return rules, fmt.Errorf("broadcast: rules of %v: %w", topic, err)
	}
	return rules, nil
}

// Publish sends p to those subscribers of topic that it is for, on all nodes. It waits for the backplane to keep the message, and
// for those who lag where Rules.Lag is Block; if ctx is done before, nothing is published. With ErrNotKept the subscribers of this
// node have got the message, or will, and nobody else. Other errors are ErrClosed, ErrMessageTooLarge, and the mistakes in the
// topic's Rules: then nobody has got anything.
func (h *Hub) Publish(ctx context.Context, topic Topic, p Publication) (Result, error) {
	if h.closed.Load() {
		return Result{}, ErrClosed
	}
	if ctx.Err() != nil {
		return Result{}, context.Cause(ctx)
	}
	a, attended := h.audiences.get(topic)
	var rules Rules
	if attended {
		rules = a.rules
	} else {
		var err error
		if rules, err = h.rules(topic); err != nil {
			return Result{}, err
		}
	}
	if rules.MessageSize >= 0 && len(p.Data) > rules.MessageSize {
		return Result{}, fmt.Errorf("%w: %d bytes, of %d", ErrMessageTooLarge, len(p.Data), rules.MessageSize)
	}
	if attended && rules.Lag == Block {
		if err := a.room(ctx); err != nil {
			return Result{}, err
		}
	}

	m := h.message(topic, p)
	err := h.backplane.Publish(ctx, m, rules.History)
	h.note(ctx, err)
	h.published.Add(1)
	if attended {
		a.sent(m, err == nil)
	}
	r := Result{Position: m.Position, Delivered: int(m.local.delivered.Load()), Behind: int(m.local.behind.Load())}
	if err != nil {
		return r, fmt.Errorf("%w: %w", ErrNotKept, err)
	}
	return r, nil
}

func (h *Hub) message(topic Topic, p Publication) *Message {
	one := &struct { // one allocation
		Message
		receipt
	}{}
	m := &one.Message
	m.Topic, m.ID, m.Node, m.Time = topic, p.ID, h.node, time.Now()
	m.From, m.Name, m.Data = p.From, p.Name, p.Data
	m.to, m.group, m.except = p.To, p.Group, p.ExceptKey
	m.local = &one.receipt
	m.local.hub = h
	if m.ID == "" {
		m.ID = h.nextID()
	}
	if p.Except != nil && p.Except.audience.hub == h {
		m.exclude = p.Except.id
	}
	return m
}

// Recover returns what was published to topic after since and is for as: exactly that, or ErrUnrecoverable. Whether as may see
// this topic is for the caller to decide.
func (h *Hub) Recover(ctx context.Context, topic Topic, since Position, as As) ([]*Message, error) {
	if since == (Position{}) {
		return nil, ErrUnrecoverable
	}
	messages, _, err := h.read(ctx, topic, since, as)
	return messages, err
}

// History returns what topic keeps and is for as, and the position up to which that is. It may be much less than was published.
func (h *Hub) History(ctx context.Context, topic Topic, as As) ([]*Message, Position, error) {
	return h.read(ctx, topic, Position{}, as)
}

func (h *Hub) read(ctx context.Context, topic Topic, since Position, as As) ([]*Message, Position, error) {
	snapshot, err := h.snapshot(ctx, topic, since)
	if err != nil {
		return nil, Position{}, err
	}
	messages := slices.DeleteFunc(snapshot.Messages, func(m *Message) bool { return !m.isFor(&as) })
	return messages, snapshot.Position, nil
}

func (h *Hub) snapshot(ctx context.Context, topic Topic, since Position) (Snapshot, error) {
	if h.closed.Load() {
		return Snapshot{}, ErrClosed
	}
	snapshot, err := h.backplane.Read(ctx, topic, since)
	if !errors.Is(err, ErrUnrecoverable) {
		h.note(ctx, err)
	}
	return snapshot, err
}

// Presence returns who is present in topic, sorted by key. Where this node has subscribers it answers by itself; otherwise it asks the
// backplane.
func (h *Hub) Presence(ctx context.Context, topic Topic) ([]Member, error) {
	if a, ok := h.audiences.get(topic); ok {
		select {
		case <-a.opened:
			return a.present(), nil
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
	snapshot, err := h.snapshot(ctx, topic, Position{})
	return membersOf(snapshot.Members), err
}

// Close ends all subscriptions with ErrClosed, takes back what this node said about who is present, and waits until all of that is done,
// or ctx is. Then it returns the error of ctx or of the backplane. The backplane stays open: it belongs to who made it.
func (h *Hub) Close(ctx context.Context) error {
	h.closed.Store(true)
	for _, a := range h.audiences.all() {
		a.dismiss(ErrClosed)
	}
	done := make(chan struct{})
	go func() {
		h.ends.Wait()
		close(done)
	}()
	var err error
	select {
	case <-done:
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	err = errors.Join(err, h.mender.close(ctx))
	if h.own != nil {
		h.own.close()
	}
	return err
}

// note remembers whether the backplane answers. An error of the caller's own context says nothing about it.
func (h *Hub) note(ctx context.Context, err error) {
	switch {
	case err != nil && ctx.Err() == nil:
		h.lost.Store(&err)
	case err == nil && h.lost.Load() != nil:
		h.lost.Store(nil)
	}
}

// forget is called by an audience that is empty.
func (h *Hub) forget(a *audience) {
	h.mu.Lock()
	h.past.add(a.count)
	h.mu.Unlock()
	h.audiences.delete(a.topic)
}

func (h *Hub) nextSubscription() uint64 { return h.ids.Add(1) }

func (h *Hub) nextID() string {
	b := make([]byte, 0, 64)
	b = append(append(b, h.node...), '-')
	return string(strconv.AppendUint(b, h.ids.Add(1), 36))
}
