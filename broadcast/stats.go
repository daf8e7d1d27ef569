package broadcast

// Counters count what has happened since a hub or a topic began.
type Counters struct {
	Received     uint64 // messages that were handed to the subscribers of a topic, presence included
	Delivered    uint64 // messages that subscribers took
	Missed       uint64 // messages that subscribers did not get
	Disconnected uint64 // subscribers that were ended because they were too slow
	Duplicates   uint64 // messages that came twice and were dropped
}

func (c *Counters) add(d Counters) {
	c.Received += d.Received
	c.Delivered += d.Delivered
	c.Missed += d.Missed
	c.Disconnected += d.Disconnected
	c.Duplicates += d.Duplicates
}

// Stats is what Hub.Stats returns, about this node.
type Stats struct {
	Counters
	Published   uint64 // messages that this node published
	Topics      int    // topics that have subscribers
	Subscribers int
	Behind      int   // subscribers that lag
	Backplane   error // why the backplane does not answer; nil while it does
}

// TopicStats is what Hub.TopicStats returns, about this node.
type TopicStats struct {
	Counters
	Subscribers int
	Behind      int      // subscribers that lag
	Backlog     int      // messages that wait for them
	Position    Position // of the last message
	Followed    bool     // false: the backplane has not answered yet, and only what this node publishes is seen
}

// Stats returns what the hub has done, and how it is. It looks at every topic; the numbers need not be of one moment.
func (h *Hub) Stats() Stats {
	h.mu.Lock()
	s := Stats{Counters: h.past, Published: h.published.Load()}
	h.mu.Unlock()
	if lost := h.lost.Load(); lost != nil {
		s.Backplane = *lost
	} else if b, ok := h.backplane.(interface{ Err() error }); ok {
		s.Backplane = b.Err()
	}
	for _, a := range h.audiences.all() {
		t, ok := a.stats()
		if !ok {
			continue
		}
		s.Counters.add(t.Counters)
		s.Topics++
		s.Subscribers += t.Subscribers
		s.Behind += t.Behind
	}
	return s
}

// TopicStats returns the same of one topic, and false if it has no subscribers here.
func (h *Hub) TopicStats(topic Topic) (TopicStats, bool) {
	a, ok := h.audiences.get(topic)
	if !ok {
		return TopicStats{}, false
	}
	return a.stats()
}

// Topics returns the topics that have subscribers on this node, in no order.
func (h *Hub) Topics() []Topic {
	var topics []Topic
	for _, a := range h.audiences.all() {
		topics = append(topics, a.topic)
	}
	return topics
}

func (a *audience) stats() (TopicStats, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return TopicStats{
		Counters:    a.count,
		Subscribers: len(a.members),
		Behind:      len(a.lagging),
		Backlog:     len(a.backlog.messages),
		Position:    a.at,
		Followed:    a.followed,
	}, !a.gone
}

func (a *audience) isGone() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.gone
}
