package broadcast

import (
	"slices"
	"sync"
	"time"
)

// memoryLog is what Memory knows of one topic. Turn is held while a message is on its way to the followers, which keeps the order; mu
// guards the rest, and is never held while somebody else's code runs. It lives as long as it has followers, messages or members.
type memoryLog struct {
	in    *Memory
	topic Topic

	turn sync.Mutex // before mu

	mu        sync.Mutex
	gone      bool     // no longer in in.logs
	at        Position // of the last message
	floor     uint64   // offset of the last message that is no longer kept
	kept      []*Message
	ids       map[string]uint64 // of kept: ID to offset
	roll      map[rollKey]*Message
	followers []*follower // replaced, never changed
	age       time.Duration
	expiry    *time.Timer // set while messages are kept
}

type rollKey struct{ node, key string }

type follower struct{ deliver func(*Message, uint64) }

// publish reports false if the log is gone.
func (l *memoryLog) publish(m *Message, keep Retention) bool {
	l.turn.Lock()
	defer l.turn.Unlock()

	l.mu.Lock()
	if l.gone {
		l.mu.Unlock()
		return false
	}
	known := false
	switch m.Kind {
	case Published:
		known = l.append(m, keep)
	case Joined:
		if l.roll == nil {
			l.roll = make(map[rollKey]*Message)
		}
		l.roll[rollKey{m.Node, m.From}] = m
	case Left:
		delete(l.roll, rollKey{m.Node, m.From})
	}
	followers := l.followers
	l.vanish()
	l.mu.Unlock()

	if !known {
		for _, f := range followers {
			f.deliver(m, 0)
		}
	}
	return true
}

// append numbers m and keeps it. It reports whether the log had it already.
func (l *memoryLog) append(m *Message, keep Retention) (known bool) {
	if offset, ok := l.ids[m.ID]; ok {
		m.Position = Position{l.at.Epoch, offset}
		return true
	}
	l.at.Offset++
	m.Position = l.at
	if keep.Count <= 0 {
		l.forget(len(l.kept))
		l.floor = l.at.Offset
		return false
	}
	l.forget(len(l.kept) + 1 - keep.Count)
	l.kept = append(l.kept, m)
	if l.ids == nil {
		l.ids = make(map[string]uint64)
	}
	l.ids[m.ID] = m.Position.Offset
	l.age = keep.Age
	l.expire(m.Time)
	return false
}

// forget drops the oldest n messages.
func (l *memoryLog) forget(n int) {
	for i := range n {
		m := l.kept[i]
		l.floor = m.Position.Offset
		delete(l.ids, m.ID)
		l.kept[i] = nil
	}
	if n > 0 {
		l.kept = l.kept[n:]
	}
}

// expire drops what is older than age, and sees to it that the rest will be.
func (l *memoryLog) expire(now time.Time) {
	old := 0
	for old < len(l.kept) && now.Sub(l.kept[old].Time) >= l.age {
		old++
	}
	l.forget(old)
	switch {
	case len(l.kept) == 0:
		l.stopTimer()
	case l.expiry == nil:
		l.expiry = time.AfterFunc(l.age-now.Sub(l.kept[0].Time), l.tick)
	}
}

// tick runs when the message that was the oldest a while ago has reached its age.
func (l *memoryLog) tick() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.expiry = nil
	if !l.gone {
		l.expire(time.Now())
		l.vanish()
	}
}

func (l *memoryLog) stopTimer() {
	if l.expiry != nil {
		l.expiry.Stop()
		l.expiry = nil
	}
}

// vanish removes the log if nobody needs it.
func (l *memoryLog) vanish() {
	if !l.gone && len(l.followers) == 0 && len(l.kept) == 0 && len(l.roll) == 0 {
		l.gone = true
		l.in.logs.delete(l.topic)
	}
}

// follow reports false if the log is gone.
func (l *memoryLog) follow(deliver func(*Message, uint64)) (Position, func(), bool) {
	l.turn.Lock()
	defer l.turn.Unlock()

	l.mu.Lock()
	if l.gone {
		l.mu.Unlock()
		return Position{}, nil, false
	}
	f := &follower{deliver}
	l.followers = append(slices.Clip(l.followers), f)
	at, members := l.at, l.membersLocked()
	l.mu.Unlock()

	for _, m := range members {
		deliver(m, 0)
	}
	return at, func() { l.unfollow(f) }, true
}

func (l *memoryLog) unfollow(f *follower) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.followers = slices.DeleteFunc(slices.Clone(l.followers), func(other *follower) bool { return other == f })
	l.vanish()
}

func (l *memoryLog) read(since Position) (Snapshot, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.kept) > 0 {
		l.expire(time.Now())
		defer l.vanish()
	}
	s := Snapshot{Position: l.at, Members: l.membersLocked()}
	if since == (Position{}) {
		s.Messages = slices.Clone(l.kept)
		return s, nil
	}
	if since.Epoch != l.at.Epoch || since.Offset < l.floor || since.Offset > l.at.Offset {
		return Snapshot{}, ErrUnrecoverable
	}
	// The offsets have no holes: the one after floor is the first that is kept.
	s.Messages = slices.Clone(l.kept[since.Offset-l.floor:])
	return s, nil
}

func (l *memoryLog) membersLocked() []*Message {
	members := make([]*Message, 0, len(l.roll))
	for _, m := range l.roll {
		members = append(members, m)
	}
	return members
}

func (l *memoryLog) drop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.forget(len(l.kept))
	l.stopTimer()
	l.vanish()
}
