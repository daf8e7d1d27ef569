package nats

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	natsgo "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/hyperlane-go/hyperlane/broadcast"
)

// topic is what a node knows of a topic that is followed on it. It belongs to log.mu.
type topic struct {
	followers []*follower // replaced, never changed
	last      uint64      // sequence of the last message that was read
	doubt     doubt
}

// doubt says whether messages of a topic may have gone before they were read.
type doubt uint8

const (
	none   doubt = iota
	reread       // reading was interrupted: those after topic.last may have gone
	lost         // the stream was lost, and another one made
)

// follower is one call of Follow. Until it is open, what comes for it waits.
type follower struct {
	deliver func(*broadcast.Message, uint64)
	stopped atomic.Bool

	mu      sync.Mutex // held while deliver runs: it is called by the readers of both streams
	open    bool
	at      broadcast.Position
	waiting []*broadcast.Message
}

// follow begins to follow a topic. It asks for the last message after it has begun to listen, so that nothing is lost in between.
func (b *Backplane) follow(ctx context.Context, t broadcast.Topic, deliver func(*broadcast.Message, uint64)) (broadcast.Position, func(), error) {
	life, err := b.log.open(ctx)
	if err != nil {
		return broadcast.Position{}, nil, err
	}
	if err := b.roll.open(ctx); err != nil {
		return broadcast.Position{}, nil, err
	}
	subject := topicSubject(t)
	f := &follower{deliver: deliver}
	b.log.add(subject, f)
	members := b.roll.add(t, f)
	stop := func() {
		if !f.stopped.Swap(true) {
			b.log.remove(subject, f)
			b.roll.remove(t, f)
		}
	}
	last, err := b.log.last(ctx, life, subject)
	if err == nil && last == 0 {
		last, err = b.anchor(ctx, life, subject)
	}
	if err != nil {
		stop()
		return broadcast.Position{}, nil, err
	}
	at := broadcast.Position{Epoch: epoch(life, subject), Offset: last}
	b.log.begin(life, subject, last)
	f.begin(at, members)
	return at, stop, nil
}

// anchor puts a message that nobody gets into the log of a topic that has none, so that whoever follows it has a position from which
// it can recover.
func (b *Backplane) anchor(ctx context.Context, life, subject string) (uint64, error) {
	ack, err := b.store(ctx, &natsgo.Msg{
		Subject: b.config.Prefix + logSubjects + life + subject,
		Header:  natsgo.Header{anchorField: {"1"}},
	}, jetstream.WithMsgTTL(10*time.Minute+linger))
	if err != nil {
		return 0, err
	}
	return ack.Sequence, nil
}

func (l *log) add(subject string, f *follower) {
	l.mu.Lock()
	defer l.mu.Unlock()
	t := l.topics[subject]
	if t == nil {
		t = &topic{}
		l.topics[subject] = t
	}
	t.followers = append(slices.Clip(t.followers), f)
}

// begin notes from where on messages of a topic must not be missing.
func (l *log) begin(life, subject string, last uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if t := l.topics[subject]; t != nil && l.life == life {
		t.last = max(t.last, last)
	}
}

func (l *log) remove(subject string, f *follower) {
	l.mu.Lock()
	defer l.mu.Unlock()
	t := l.topics[subject]
	t.followers = slices.DeleteFunc(slices.Clone(t.followers), func(other *follower) bool { return other == f })
	if len(t.followers) == 0 {
		delete(l.topics, subject)
	}
}

// begin hands on who is there, and what has waited.
func (f *follower) begin(at broadcast.Position, members []*broadcast.Message) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.open, f.at = true, at
	for _, m := range members {
		f.hand(m, 0)
	}
	for _, m := range f.waiting {
		f.hand(m, 0)
	}
	f.waiting = nil
}

// message takes a message of the log or of the roll.
func (f *follower) message(m *broadcast.Message, skipped uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.open {
		f.waiting = append(f.waiting, m)
		return
	}
	f.hand(m, skipped)
}

// hand delivers m, unless it was there before Follow.
func (f *follower) hand(m *broadcast.Message, skipped uint64) {
	if f.stopped.Load() || m.Kind == broadcast.Published && m.Position.Epoch == f.at.Epoch && m.Position.Offset <= f.at.Offset {
		return
	}
	f.deliver(m, skipped)
}
