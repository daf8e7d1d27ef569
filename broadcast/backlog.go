package broadcast

import "errors"

// backlog is the messages that somebody in an audience has not taken yet. All who lag share it. It counts the messages that were spread:
// the next gets the number end, and it holds those from end-len(messages) on.
type backlog struct {
	messages []*Message
	end      uint64
}

func (b *backlog) at(n uint64) *Message { return b.messages[len(b.messages)-int(b.end-n)] }

func isFull(err error) bool { return err == ErrFull || errors.Is(err, ErrFull) }

// lag notes that s has not taken the message with the number next, nor what follows.
func (a *audience) lag(s *Subscription, next uint64) {
	a.lagging = append(a.lagging, s)
	s.behind = len(a.lagging)
	s.next = next
}

// unlag notes that s has caught up, or is gone.
func (a *audience) unlag(s *Subscription) {
	i, last := s.behind-1, len(a.lagging)-1
	a.lagging[i] = a.lagging[last]
	a.lagging[i].behind = i + 1
	a.lagging[last] = nil
	a.lagging = a.lagging[:last]
	s.behind, s.catching = 0, false
	if len(a.lagging) == 0 {
		a.backlog.messages = nil
		a.release()
	}
}

// release lets go publishers that wait for room.
func (a *audience) release() {
	if a.free != nil {
		close(a.free)
		a.free = nil
	}
}

// keep puts a message that was spread into the backlog, for those who lag, and returns how many of them will get it.
func (a *audience) keep(m *Message) (behind int) {
	b := &a.backlog
	wanted := false
	for _, s := range a.lagging {
		switch {
		case a.rules.Lag == DropNewest && !s.catching:
			a.miss(s, m)
			s.next = b.end + 1
		case s.reason == nil && s.wants(m):
			wanted = true
			behind++
		default:
			wanted = wanted || s.reason == nil
		}
	}
	if !wanted {
		b.messages = nil
		b.end++
		return behind
	}
	if len(b.messages) == a.rules.Backlog {
		a.dropOldest()
	}
	b.messages = append(b.messages, m)
	b.end++
	return behind
}

// dropOldest removes the first message of the backlog. Those who still needed it have missed it.
func (a *audience) dropOldest() {
	b := &a.backlog
	first := b.end - uint64(len(b.messages))
	m := b.messages[0]
	for _, s := range a.lagging {
		if s.next > first {
			continue
		}
		s.next = first + 1
		if a.rules.Lag == Disconnect {
			a.end(s, ErrLagged)
		} else {
			a.miss(s, m)
		}
	}
	b.messages[0] = nil
	b.messages = b.messages[1:]
}

// miss counts m as missed by s, if it was for s.
func (a *audience) miss(s *Subscription, m *Message) {
	if s.reason != nil || !s.wants(m) {
		return
	}
	n := uint64(1)
	if m.Kind == gap {
		n = m.count
	}
	s.missed += n
	a.count.Missed += n
}

// catchUpAll hands those who lag what they have not taken yet, as far as they have room.
func (a *audience) catchUpAll() {
	for i := len(a.lagging) - 1; i >= 0; i-- { // backwards, because one who has caught up leaves the list
		a.catchUp(a.lagging[i])
	}
}

// catchUp hands s what it has not taken yet, as far as it has room.
func (a *audience) catchUp(s *Subscription) {
	if s.held || s.reason != nil {
		return
	}
	for len(s.replay) > 0 {
		if !a.took(s, s.hand(s.replay[0])) {
			return
		}
		s.replay[0] = nil
		s.replay = s.replay[1:]
		a.count.Delivered++
	}
	if s.missed > 0 {
		if !a.took(s, s.tell()) {
			return
		}
		s.missed = 0
	}
	for ; s.next < a.backlog.end; s.next++ {
		m := a.backlog.at(s.next)
		if !s.wants(m) {
			continue
		}
		if !a.took(s, s.hand(m)) {
			return
		}
		a.count.Delivered++
	}
	a.unlag(s)
}

// took reports whether err means that s has taken something. Room can come, any other error ends it.
func (a *audience) took(s *Subscription, err error) bool {
	if err != nil && !isFull(err) {
		a.end(s, err)
	}
	return err == nil
}
