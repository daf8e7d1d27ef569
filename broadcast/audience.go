package broadcast

import (
	"sync"
	"time"
)

// audience is what one hub knows of one topic while it has subscribers there. Everything below mu belongs to mu, and so do the fields of
// its subscriptions. It is unlocked by unlock, which first settles what has come about.
//
// A message goes through spread. The subscribers' code runs in there, under the lock, so it must not wait and must not call back; what
// ends in there is only marked, and is removed by settle.
type audience struct {
	hub    *Hub
	topic  Topic
	rules  Rules
	opened chan struct{} // closed when Follow has been tried once

	mu       sync.Mutex
	gone     bool // no longer in hub.audiences
	pins     int  // of those who are about to join
	members  []*Subscription
	index    map[address][]*Subscription // members by key and group
	lagging  []*Subscription
	backlog  backlog
	at       Position // of the last numbered message
	followed bool     // messages come from the backplane
	stop     func()   // ends Follow; set while followed
	loose    looseIDs
	coming   []*Message // published here and kept, but the backplane has not brought them yet
	presence presence
	ending   []*Subscription // marked by end, for settle
	events   []*Message      // of presence, for settle
	free     chan struct{}   // closed when nobody lags; nil if nobody waits for that
	count    Counters
}

// address is a key, or a group, of a subscriber.
type address struct {
	group bool
	name  string
}

// pin keeps the audience until join or unpin is called. It reports false if the audience is gone.
func (a *audience) pin() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.gone {
		a.pins++
	}
	return !a.gone
}

func (a *audience) unpin() {
	a.mu.Lock()
	defer a.unlock()
	a.pins--
}

// join adds a subscriber, who has pinned the audience. One that recovers is held back until replay is called.
func (a *audience) join(s Subscriber, as As) (*Subscription, error) {
	a.mu.Lock()
	defer a.unlock()
	a.pins--
	if a.hub.closed.Load() {
		return nil, ErrClosed
	}
	if a.rules.Subscribers > 0 && len(a.members) >= a.rules.Subscribers {
		return nil, ErrTopicFull
	}
	sub := &Subscription{audience: a, subscriber: s, as: as, id: a.hub.nextSubscription(), from: a.at, place: len(a.members)}
	if as.Since.Epoch == a.at.Epoch && as.Since.Offset > a.at.Offset {
		sub.from = as.Since // it comes from a node that was ahead of this one
	}
	a.members = append(a.members, sub)
	for _, addr := range sub.addresses() {
		if a.index == nil {
			a.index = make(map[address][]*Subscription)
		}
		a.index[addr] = append(a.index[addr], sub)
	}
	if as.Since != (Position{}) {
		sub.held, sub.catching = true, true
		a.lag(sub, a.backlog.end)
	} else {
		a.list(sub)
	}
	return sub, nil
}

// addresses returns where a message can be sent for s to get it.
func (s *Subscription) addresses() []address {
	var list []address
	if s.as.Key != "" {
		list = append(list, address{name: s.as.Key})
	}
	for _, g := range s.as.Groups {
		list = append(list, address{group: true, name: g})
	}
	return list
}

// list makes s present.
func (a *audience) list(s *Subscription) {
	if a.rules.Presence && s.as.Key != "" && !s.as.Hidden {
		s.listed = true
		a.announce(a.presence.join(s))
	}
}

// announce tells of a change of presence: this node's subscribers at the next settle, the other nodes soon.
func (a *audience) announce(c change) {
	now := time.Now()
	for _, m := range []*Message{c.event, c.fact} {
		if m != nil {
			m.Topic, m.Time, m.ID = a.topic, now, a.hub.nextID()
		}
	}
	if c.event != nil {
		a.events = append(a.events, c.event)
	}
	if c.fact != nil {
		a.hub.mender.tell(c.fact)
	}
}

// spread hands m to the subscribers that it is for, and returns how many took it, and how many get it later.
func (a *audience) spread(m *Message) (delivered, behind int) {
	a.catchUpAll()
	for _, s := range a.audienceOf(m) {
		if s.behind > 0 || s.reason != nil || !s.wants(m) {
			continue
		}
		switch err := s.hand(m); {
		case err == nil:
			delivered++
		case !isFull(err):
			a.end(s, err)
		case a.rules.Lag == Disconnect:
			a.end(s, ErrLagged)
		default:
			a.lag(s, a.backlog.end)
		}
	}
	if len(a.lagging) > 0 {
		behind = a.keep(m)
	}
	if m.Kind != gap {
		a.count.Received++
		a.count.Delivered += uint64(delivered)
	}
	return delivered, behind
}

// audienceOf returns the members among whom are all that m is for.
func (a *audience) audienceOf(m *Message) []*Subscription {
	switch {
	case m.to != "":
		return a.index[address{name: m.to}]
	case m.group != "":
		return a.index[address{group: true, name: m.group}]
	}
	return a.members
}

// end marks s as ended. Settle removes it.
func (a *audience) end(s *Subscription, reason error) {
	if s.reason != nil {
		return
	}
	s.reason = reason
	s.replay = nil
	a.ending = append(a.ending, s)
}

// unlock settles what has come about, unlocks, and lets those know who have been ended.
func (a *audience) unlock() {
	if told := a.settle(); len(told) > 0 {
		a.hub.ends.Go(func() { // before close: Hub.Close waits for what began while it could see the audience
			for _, s := range told {
				s.subscriber.Ended(s.reason)
			}
		})
	}
	if len(a.members) == 0 && a.pins == 0 && !a.gone {
		a.close()
	}
	a.mu.Unlock()
}

// settle removes those who have ended and spreads the news of who came and who left, until there is neither. It returns those
// who are to be told that they have ended.
func (a *audience) settle() (told []*Subscription) {
	for len(a.ending) > 0 || len(a.events) > 0 {
		ending := a.ending
		a.ending = nil
		for _, s := range ending {
			a.remove(s)
			if !s.silent {
				told = append(told, s)
			}
		}
		events := a.events
		a.events = nil
		for _, m := range events {
			a.spread(m)
		}
	}
	return told
}

// remove forgets s.
func (a *audience) remove(s *Subscription) {
	last := a.members[len(a.members)-1]
	a.members[s.place], last.place = last, s.place
	a.members[len(a.members)-1] = nil
	a.members = a.members[:len(a.members)-1]
	for _, addr := range s.addresses() {
		if rest := without(a.index[addr], s); len(rest) > 0 {
			a.index[addr] = rest
		} else {
			delete(a.index, addr)
		}
	}
	if s.behind > 0 {
		a.unlag(s)
	}
	if s.reason == ErrLagged {
		a.count.Disconnected++
	}
	if s.listed {
		s.listed = false
		a.announce(a.presence.leave(s.as.Key))
	}
}

// without removes s from list, in no order.
func without(list []*Subscription, s *Subscription) []*Subscription {
	for i, other := range list {
		if other == s {
			last := len(list) - 1
			list[i], list[last] = list[last], nil
			return list[:last]
		}
	}
	return list
}

// close makes the hub forget the audience, which is empty.
func (a *audience) close() {
	a.gone = true
	if a.stop != nil {
		a.stop()
		a.stop, a.followed = nil, false
	}
	a.release()
	a.hub.forget(a)
}

// dismiss ends all members.
func (a *audience) dismiss(reason error) {
	a.mu.Lock()
	defer a.unlock()
	for _, s := range a.members {
		a.end(s, reason)
	}
	a.release()
}
