package nats

import (
	"context"
	"maps"
	"time"

	natsgo "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/hyperlane-go/hyperlane/broadcast"
)

// keep runs until the backplane is closed.
func (r *roll) keep() {
	interval := r.b.config.Timeout / 5
	for {
		ctx, cancel := context.WithTimeout(r.b.ctx, interval)
		r.b.faults.set("sign of life", r.live(ctx))
		cancel()
		if !pause(r.b.ctx, interval) {
			return
		}
		for subject, l := range r.orphans() {
			if r.b.ctx.Err() == nil {
				r.bury(subject, l)
			}
		}
		r.restore()
	}
}

// live says that we are alive.
func (r *roll) live(ctx context.Context) error {
	_, err := r.b.store(ctx, &natsgo.Msg{
		Subject: r.b.config.Prefix + lifeSubjects + r.b.owner,
		Header:  natsgo.Header{ownerField: {r.b.owner}},
	}, jetstream.WithMsgTTL(wholeSeconds(10*r.b.config.Timeout)))
	return err
}

// orphans returns the lines whose owner is dead.
func (r *roll) orphans() map[string]line {
	r.mu.Lock()
	defer r.mu.Unlock()
	lines := make(map[string]line)
	for _, all := range r.book.lines {
		for subject, l := range all {
			if l.owner != r.b.owner && r.book.now.Sub(r.book.lives[l.owner]) > r.b.config.Timeout {
				lines[subject] = l
			}
		}
	}
	return lines
}

// bury takes a line away, unless it has changed. All who are alive try, and one succeeds.
func (r *roll) bury(subject string, l line) {
	ctx, cancel := context.WithTimeout(r.b.ctx, 2*time.Second)
	defer cancel()
	m := left(l.joined)
	m.Time = time.Now()
	r.write(ctx, m, subject, jetstream.WithExpectLastSequencePerSubject(l.seq)) // if it fails, the next round sees it again
}

// restore writes our own lines again that are not there any more.
func (r *roll) restore() {
	r.mu.Lock()
	disturbed := r.disturbed && r.loaded
	r.disturbed = false
	r.mu.Unlock()
	if !disturbed {
		return
	}
	select {
	case r.turn <- struct{}{}:
	case <-r.b.ctx.Done():
		return
	}
	defer func() { <-r.turn }()
	gone := make(map[string]*broadcast.Message)
	maps.Copy(gone, r.mine)
	r.mu.Lock()
	for subject, m := range r.mine {
		if _, there := r.book.lines[m.Topic][subject]; there {
			delete(gone, subject)
		}
	}
	r.mu.Unlock()
	for subject, m := range gone {
		ctx, cancel := context.WithTimeout(r.b.ctx, 2*time.Second)
		err := r.write(ctx, m, subject)
		cancel()
		if err != nil {
			r.mu.Lock()
			r.disturbed = true // the next round goes on
			r.mu.Unlock()
			return
		}
	}
}
