package broadcast

import "slices"

// comingCount is how many messages of its own an audience remembers that the backplane has kept and not brought yet.
const comingCount = 1024

// sent takes a message that was published on this node, after the backplane has said whether it is kept. What the backplane will
// not bring is delivered at once, and before it what is still to come, because that was published earlier. Those are delivered without
// a position: others may have published in between, and a client must not think that it has seen that.
func (a *audience) sent(m *Message, kept bool) {
	a.mu.Lock()
	defer a.unlock()
	switch {
	case a.gone:
	case !kept:
		for _, earlier := range a.coming {
			a.arrive(earlier.withoutPosition(), 0)
		}
		a.coming = nil
		a.arrive(m, 0)
	case !a.followed:
		a.arrive(m, 0)
	case a.isNew(m):
		if len(a.coming) == comingCount {
			a.coming = slices.Delete(a.coming, 0, 1)
		}
		a.coming = append(a.coming, m)
	}
}

// receive takes a message from the backplane.
func (a *audience) receive(m *Message, skipped uint64) {
	a.mu.Lock()
	defer a.unlock()
	switch {
	case a.gone:
	case m.Kind == Published:
		a.arrive(m, skipped)
	case m.Node != a.hub.node && a.rules.Presence:
		a.announce(a.presence.learn(m))
	}
}

// arrive spreads m, if it has not come before, and the news of what is missing before it.
func (a *audience) arrive(m *Message, skipped uint64) {
	numbered := m.Position != Position{}
	if numbered && !a.isNew(m) {
		a.count.Duplicates++
		return
	}
	if skipped > 0 {
		a.spread(&Message{Kind: gap, Topic: a.topic, count: skipped})
	}
	known := a.loose.has(m.ID)
	if numbered {
		a.at = m.Position
		a.coming = slices.DeleteFunc(a.coming, func(c *Message) bool { return !a.isNew(c) })
	} else {
		a.loose.add(m.ID)
	}
	if known {
		a.count.Duplicates++
		return
	}
	delivered, behind := a.spread(m)
	if m.local != nil && m.local.hub == a.hub {
		m.local.delivered.Store(int64(delivered))
		m.local.behind.Store(int64(behind))
	}
}

// isNew reports whether a message with a position is none of those that have come.
func (a *audience) isNew(m *Message) bool {
	return m.Position.Epoch != a.at.Epoch || m.Position.Offset > a.at.Offset
}
