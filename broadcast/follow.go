package broadcast

import "context"

func newAudience(h *Hub, topic Topic, rules Rules) *audience {
	return &audience{hub: h, topic: topic, rules: rules, opened: make(chan struct{}), pins: 1, presence: presence{node: h.node}}
}

// follow connects the audience with the backplane. It may be tried again when it has failed.
func (a *audience) follow(ctx context.Context) error {
	at, stop, err := a.hub.backplane.Follow(ctx, a.topic, a.receive)
	a.hub.note(ctx, err)
	if err != nil {
		return err
	}
	a.mu.Lock()
	defer a.unlock()
	if a.gone {
		stop()
		return nil
	}
	a.followed, a.stop = true, stop
	if a.at.Epoch != at.Epoch || a.at.Offset < at.Offset { // else messages have come in between
		a.at = at
	}
	return nil
}

// recover gives s what it missed, and lets go of it. Until then s is held, and what is new waits in the backlog.
func (a *audience) recover(ctx context.Context, s *Subscription) error {
	snapshot, err := a.hub.snapshot(ctx, a.topic, s.as.Since)
	if err != nil {
		return err
	}
	a.mu.Lock()
	defer a.unlock()
	switch {
	case s.reason != nil:
		return s.reason
	case snapshot.Position.Epoch != s.from.Epoch: // the topic is not followed, or began anew
		return ErrUnrecoverable
	}
	for _, m := range snapshot.Messages {
		if m.Position.Offset <= s.from.Offset && m.isFor(&s.as) { // what is later is in the backlog
			s.replay = append(s.replay, m)
		}
	}
	s.held = false
	a.list(s)
	a.catchUp(s)
	return nil
}

// room waits until nobody lags.
func (a *audience) room(ctx context.Context) error {
	for {
		free, err := a.lagEnds()
		if free == nil || err != nil {
			return err
		}
		select {
		case <-free:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// lagEnds returns nil if nobody lags, otherwise what is closed when that is so, or when the hub closes.
func (a *audience) lagEnds() (<-chan struct{}, error) {
	a.mu.Lock()
	defer a.unlock()
	if a.hub.closed.Load() {
		return nil, ErrClosed
	}
	a.catchUpAll()
	if len(a.lagging) == 0 {
		return nil, nil
	}
	if a.free == nil {
		a.free = make(chan struct{})
	}
	return a.free, nil
}

func (a *audience) present() []Member {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.presence.members()
}
