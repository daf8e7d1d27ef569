package broadcast

import "fmt"

// Subscription is one subscriber's place in one topic. Any goroutine may call its methods, but not from inside Deliver or Missed.
type Subscription struct { // belongs to the lock of its audience
	audience   *audience
	subscriber Subscriber
	as         As
	id         uint64   // unique on this node
	from       Position // where it began

	place  int   // in audience.members
	behind int   // in audience.lagging, plus 1; 0 while it keeps up
	reason error // why it has ended; nil while it has not
	silent bool  // it knows that it ends: no call of Ended
	listed bool  // counted by presence

	// While it is behind it gets, in this order, what is in replay, the news of what it missed, and the backlog from next on.
	held     bool       // replay is still being read
	catching bool       // it is recovering: no policy applies until it has caught up
	replay   []*Message // from the history
	missed   uint64
	next     uint64
}

// Topic returns the topic.
func (s *Subscription) Topic() Topic { return s.audience.topic }

// Position returns the position after which the subscription began: a client that has got nothing yet comes back with this one. With
// As.Since, that is where the history ended and what was new began.
func (s *Subscription) Position() Position { return s.from }

// Resume says that the subscriber has room again, after it returned ErrFull. What waits for it is delivered before Resume returns, as
// far as there is room. Without Resume it comes with the next message of the topic.
func (s *Subscription) Resume() {
	a := s.audience
	a.mu.Lock()
	defer a.unlock()
	if s.behind > 0 {
		a.catchUp(s)
	}
}

// Update changes what presence tells of the subscriber's key, and tells the others, by a message that says Joined.
func (s *Subscription) Update(data []byte) {
	a := s.audience
	a.mu.Lock()
	defer a.unlock()
	if s.listed && s.reason == nil {
		a.announce(a.presence.update(s.as.Key, data))
	}
}

// Close ends the subscription. No call of the subscriber begins after it, except from within Close. It may be called more than once.
func (s *Subscription) Close() {
	a := s.audience
	a.mu.Lock()
	defer a.unlock()
	s.silent = true
	a.end(s, ErrClosed)
}

// wants reports whether m is for s, and s has not had it before it came to this node.
func (s *Subscription) wants(m *Message) bool {
	if m.Position != (Position{}) && m.Position.Epoch == s.from.Epoch && m.Position.Offset <= s.from.Offset {
		return false
	}
	return (m.exclude != s.id || m.exclude == 0 || m.Node != s.audience.hub.node) && m.isFor(&s.as)
}

// hand gives m to the subscriber. The user's code runs here, and only here and in tell.
func (s *Subscription) hand(m *Message) (err error) {
	defer s.rescue(&err)
	if m.Kind == gap {
		if err = s.subscriber.Missed(m.count); err == nil {
			s.audience.count.Missed += m.count
		}
		return err
	}
	return s.subscriber.Deliver(m)
}

// tell tells the subscriber what it missed.
func (s *Subscription) tell() (err error) {
	defer s.rescue(&err)
	return s.subscriber.Missed(s.missed)
}

func (s *Subscription) rescue(err *error) {
	if v := recover(); v != nil {
		*err = fmt.Errorf("broadcast: a subscriber of %v panicked: %v", s.audience.topic, v)
	}
}
