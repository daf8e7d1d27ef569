package broadcast

import (
	"bytes"
	"cmp"
	"slices"
)

// Member is who is present in a topic: all connections, on all nodes, that subscribed with one key.
type Member struct {
	Key         string
	Data        []byte // As.Data of the latest connection. It is shared: nobody may change it.
	Connections int
}

// presence is who is here in one topic: on this node, which it counts itself, and on others, which it is told. It says what has changed
// for those who watch.
type presence struct {
	node string
	here map[string]*attendance
}

// attendance is one member.
type attendance struct {
	data   []byte
	local  uint64
	remote map[string]*Message // by node: the latest Joined
}

func (a *attendance) connections() uint64 {
	n := a.local
	for _, m := range a.remote {
		n += m.count
	}
	return n
}

// change is what a connection or another node has brought about. Both may be nil.
type change struct {
	event *Message // for the subscribers of this node
	fact  *Message // for the roll
}

// join counts one more connection of this node.
func (p *presence) join(s *Subscription) change {
	a := p.member(s.as.Key)
	a.local++
	came := a.connections() == 1
	if came || s.as.Data != nil {
		a.data = s.as.Data
	}
	c := change{fact: p.fact(s.as.Key, a)}
	if came {
		c.event = p.event(Joined, s.as.Key, a)
		c.event.exclude = s.id
	}
	return c
}

// update gives a member of this node other data.
func (p *presence) update(key string, data []byte) change {
	a := p.member(key)
	a.data = data
	return change{event: p.event(Joined, key, a), fact: p.fact(key, a)}
}

// leave counts one connection of this node less.
func (p *presence) leave(key string) change {
	a := p.member(key)
	a.local--
	c := change{fact: p.fact(key, a)}
	if a.connections() == 0 {
		delete(p.here, key)
		c.event = p.event(Left, key, a)
	}
	return c
}

// learn takes in what the roll says of another node.
func (p *presence) learn(m *Message) change {
	a := p.member(m.From)
	before, last := a.connections(), a.remote[m.Node]
	if m.Kind == Left {
		delete(a.remote, m.Node)
	} else {
		if a.remote == nil {
			a.remote = make(map[string]*Message)
		}
		a.remote[m.Node] = m
	}
	after := a.connections()
	switch {
	case after == 0:
		delete(p.here, m.From)
		if before > 0 {
			return change{event: p.event(Left, m.From, a)}
		}
	case m.Kind == Joined && (before == 0 || last != nil && !bytes.Equal(last.Data, m.Data)):
		a.data = m.Data
		return change{event: p.event(Joined, m.From, a)}
	}
	return change{}
}

func (p *presence) member(key string) *attendance {
	a := p.here[key]
	if a == nil {
		a = &attendance{}
		if p.here == nil {
			p.here = make(map[string]*attendance)
		}
		p.here[key] = a
	}
	return a
}

func (p *presence) event(kind Kind, key string, a *attendance) *Message {
	return &Message{Kind: kind, Node: p.node, From: key, Data: a.data, count: a.connections()}
}

// fact is what the roll should say of a member of this node from now on.
func (p *presence) fact(key string, a *attendance) *Message {
	kind := Joined
	if a.local == 0 {
		kind = Left
	}
	return &Message{Kind: kind, Node: p.node, From: key, Data: a.data, count: a.local}
}

func (p *presence) members() []Member {
	members := make([]Member, 0, len(p.here))
	for key, a := range p.here {
		members = append(members, Member{key, a.data, int(a.connections())})
	}
	return sorted(members)
}

// membersOf makes members of a roll.
func membersOf(roll []*Message) []Member {
	p := presence{}
	for _, m := range roll {
		p.learn(m)
	}
	return p.members()
}

func sorted(members []Member) []Member {
	slices.SortFunc(members, func(a, b Member) int { return cmp.Compare(a.Key, b.Key) })
	return members
}
