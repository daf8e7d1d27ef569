package nats

import (
	"context"
	"errors"
	"sync"
	"time"

	natsgo "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/hyperlane-go/hyperlane/broadcast"
)

// roll says who is present on which node. The stream has one message for each line and, for each Backplane, one that says that it is
// alive. Run reads it into memory; keep says that we are alive, takes away those whose owner is not, and writes our own lines
// again if somebody has taken them away.
//
// Time is that of the stream: an owner is dead if the latest sign of life of anybody is later than its own by more than the
// timeout. So a node that was stopped, and has to catch up, does not take the others for dead.
type roll struct {
	b *Backplane

	turn chan struct{} // holds a token while one of our own lines is written
	mine map[string]*broadcast.Message

	mu        sync.Mutex
	loaded    bool
	opened    chan struct{} // closed when it has been loaded for the first time
	book      book
	disturbed bool // one of our own lines may have gone
	followers map[broadcast.Topic][]*follower
}

// book is what the stream says.
type book struct {
	lines map[broadcast.Topic]map[string]line // by subject
	lives map[string]time.Time                // latest sign of life, by owner
	now   time.Time                           // the latest of all
}

// line is one line of the roll.
type line struct {
	joined *broadcast.Message
	owner  string
	seq    uint64
}

func newBook() book {
	return book{lines: make(map[broadcast.Topic]map[string]line), lives: make(map[string]time.Time)}
}

func (r *roll) init(b *Backplane) {
	r.b = b
	r.turn = make(chan struct{}, 1)
	r.mine = make(map[string]*broadcast.Message)
	r.opened = make(chan struct{})
	r.book = newBook()
	r.followers = make(map[broadcast.Topic][]*follower)
	b.faults.set("roll", errors.New("not read yet"))
}

// run reads the stream until the backplane is closed.
func (r *roll) run() {
	for r.b.ctx.Err() == nil {
		err := r.load(r.b.ctx)
		if r.b.ctx.Err() == nil {
			r.b.faults.set("roll", err)
			pause(r.b.ctx, 100*time.Millisecond)
		}
	}
}

// load reads the whole stream, because lines that were taken away do not stay in it, and then what comes.
func (r *roll) load(ctx context.Context) error {
	setUp, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	info, err := r.b.rollStream(setUp)
	if err != nil {
		return err
	}
	fresh, loading := newBook(), true
	done := func() {
		loading = false
		r.replace(fresh)
		r.b.faults.set("roll", nil)
	}
	begin := func(pending uint64) {
		if pending == 0 {
			done()
		}
	}
	return r.b.consume(ctx, info.Config.Name, 1, begin, func(msg jetstream.Msg, meta *jetstream.MsgMetadata) error {
		if !loading {
			r.take(msg, meta)
			return nil
		}
		fresh.enter(r.b, msg, meta)
		if meta.NumPending == 0 {
			done()
		}
		return nil
	})
}

// enter writes what msg says into the book, and returns it with the line that stood there before. It returns nil for a sign of life.
func (k *book) enter(b *Backplane, msg jetstream.Msg, meta *jetstream.MsgMetadata) (m *broadcast.Message, before line) {
	owner := msg.Headers().Get(ownerField)
	if meta.Timestamp.After(k.lives[owner]) {
		k.lives[owner] = meta.Timestamp
	}
	if len(msg.Data()) == 0 {
		if meta.Timestamp.After(k.now) {
			k.now = meta.Timestamp
		}
		return nil, line{}
	}
	m, err := message(msg.Headers(), msg.Data())
	if err != nil {
		b.faults.set("a line of the roll that is none", err)
		return nil, line{}
	}
	lines := k.lines[m.Topic]
	before = lines[msg.Subject()]
	switch {
	case m.Kind == broadcast.Joined && lines == nil:
		k.lines[m.Topic] = map[string]line{msg.Subject(): {m, owner, meta.Sequence.Stream}}
	case m.Kind == broadcast.Joined:
		lines[msg.Subject()] = line{m, owner, meta.Sequence.Stream}
	default:
		if delete(lines, msg.Subject()); len(lines) == 0 {
			delete(k.lines, m.Topic)
		}
	}
	return m, before
}

// take hands a change to those who follow the topic.
func (r *roll) take(msg jetstream.Msg, meta *jetstream.MsgMetadata) {
	r.mu.Lock()
	m, before := r.book.enter(r.b, msg, meta)
	if m == nil {
		r.mu.Unlock()
		return
	}
	if before.owner == r.b.owner && msg.Headers().Get(ownerField) != r.b.owner {
		r.disturbed = true
	}
	followers := r.followers[m.Topic]
	r.mu.Unlock()
	for _, f := range followers {
		f.message(m, 0)
	}
}

// replace puts another book in the place of the one that we have, and tells the followers the difference.
func (r *roll) replace(fresh book) {
	r.mu.Lock()
	old := r.book
	r.book, r.disturbed = fresh, true
	if !r.loaded {
		r.loaded = true
		close(r.opened)
	}
	type news struct {
		m         *broadcast.Message
		followers []*follower
	}
	var all []news
	for topic, lines := range old.lines {
		for subject, gone := range lines {
			if _, stays := fresh.lines[topic][subject]; !stays {
				all = append(all, news{left(gone.joined), r.followers[topic]})
			}
		}
	}
	for topic, lines := range fresh.lines {
		for subject, l := range lines {
			if old.lines[topic][subject].seq != l.seq {
				all = append(all, news{l.joined, r.followers[topic]})
			}
		}
	}
	r.mu.Unlock()
	for _, n := range all {
		for _, f := range n.followers {
			f.message(n.m, 0)
		}
	}
}

// left returns what takes joined away.
func left(joined *broadcast.Message) *broadcast.Message {
	return &broadcast.Message{Kind: broadcast.Left, Topic: joined.Topic, Node: joined.Node, From: joined.From,
		ID: joined.ID + "-left", Time: joined.Time}
}

// open waits until the roll has been read.
func (r *roll) open(ctx context.Context) error {
	select {
	case <-r.opened:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// of returns who is present in a topic.
func (r *roll) of(ctx context.Context, topic broadcast.Topic) ([]*broadcast.Message, error) {
	if err := r.open(ctx); err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.membersLocked(topic), nil
}

func (r *roll) membersLocked(topic broadcast.Topic) []*broadcast.Message {
	var members []*broadcast.Message
	for _, l := range r.book.lines[topic] {
		members = append(members, l.joined)
	}
	return members
}

// add has f told of the changes of a topic, and returns who is there.
func (r *roll) add(topic broadcast.Topic, f *follower) []*broadcast.Message {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.followers[topic] = append(r.followers[topic][:len(r.followers[topic]):len(r.followers[topic])], f)
	return r.membersLocked(topic)
}

func (r *roll) remove(topic broadcast.Topic, f *follower) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var rest []*follower
	for _, other := range r.followers[topic] {
		if other != f {
			rest = append(rest, other)
		}
	}
	if len(rest) > 0 {
		r.followers[topic] = rest
	} else {
		delete(r.followers, topic)
	}
}

// subject returns the one on which the line of m stands.
func (r *roll) subject(m *broadcast.Message) string {
	return r.b.config.Prefix + rollSubjects + keyToken(m.Node) + "." + keyToken(m.From) + "." + topicSubject(m.Topic)
}

// publish writes a line of a hub of ours.
func (r *roll) publish(ctx context.Context, m *broadcast.Message) error {
	select {
	case r.turn <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-r.turn }()
	if err := r.write(ctx, m, r.subject(m)); err != nil {
		return err
	}
	if m.Kind == broadcast.Joined {
		r.mine[r.subject(m)] = m
	} else {
		delete(r.mine, r.subject(m))
	}
	return nil
}

// write puts a line into the stream. One that says Left stays there only until all have read it.
func (r *roll) write(ctx context.Context, m *broadcast.Message, subject string, options ...jetstream.PublishOpt) error {
	data, err := m.MarshalBinary()
	if err != nil {
		return err
	}
	if m.Kind == broadcast.Left {
		options = append(options, jetstream.WithMsgTTL(time.Minute))
	}
	_, err = r.b.store(ctx, &natsgo.Msg{Subject: subject, Header: natsgo.Header{ownerField: {r.b.owner}}, Data: data}, options...)
	return err
}
