package broadcast

import (
	"context"
	"crypto/rand"
	"strconv"
	"sync/atomic"
)

// Memory is the backplane of hubs that live in one process; a Hub that is given none has one of its own. What it keeps is gone with the
// process. A message goes to the followers on the goroutine that publishes it, so it has been delivered when Publish returns.
type Memory struct {
	name   string // begins the epochs, so that no two Memories have the same
	epochs atomic.Uint64
	logs   shards[*memoryLog]
}

// NewMemory returns a backplane that knows nothing yet.
func NewMemory() *Memory {
	b := &Memory{name: rand.Text()[:12]}
	b.logs.init()
	return b
}

// Publish implements Backplane.
func (b *Memory) Publish(ctx context.Context, m *Message, keep Retention) error {
	for {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		wanted := m.Kind == Joined || m.Kind == Published && keep.Count > 0 // by others than those who follow
		l, ok := b.log(m.Topic, wanted)
		if !ok || l.publish(m, keep.orDefault()) {
			return nil
		}
	}
}

// Follow implements Backplane.
func (b *Memory) Follow(ctx context.Context, topic Topic, deliver func(*Message, uint64)) (Position, func(), error) {
	for {
		if ctx.Err() != nil {
			return Position{}, nil, context.Cause(ctx)
		}
		l, _ := b.log(topic, true)
		if at, stop, ok := l.follow(deliver); ok {
			return at, stop, nil
		}
	}
}

// Read implements Backplane.
func (b *Memory) Read(ctx context.Context, topic Topic, since Position) (Snapshot, error) {
	if ctx.Err() != nil {
		return Snapshot{}, context.Cause(ctx)
	}
	l, ok := b.log(topic, false)
	if !ok {
		if since != (Position{}) {
			return Snapshot{}, ErrUnrecoverable
		}
		return Snapshot{}, nil
	}
	return l.read(since)
}

// log returns what is known of a topic, and makes it if it is wanted. It may be gone when the caller looks into it: then the
// caller asks again.
func (b *Memory) log(topic Topic, wanted bool) (*memoryLog, bool) {
	if !wanted {
		return b.logs.get(topic)
	}
	l, _, _ := b.logs.getOrPut(topic, func() (*memoryLog, error) {
		epoch := b.name + "-" + strconv.FormatUint(b.epochs.Add(1), 36)
		return &memoryLog{in: b, topic: topic, at: Position{Epoch: epoch}}, nil
	})
	return l, true
}

// close drops everything, so that no timer is left.
func (b *Memory) close() {
	for _, l := range b.logs.all() {
		l.drop()
	}
}
