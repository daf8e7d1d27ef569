package nats

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	natsgo "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/hyperlane-go/hyperlane/broadcast"
)

// Header fields of our own.
const (
	keepField   = "Hyperlane-Keep"   // count and age of the Retention, in a message of the log
	anchorField = "Hyperlane-Anchor" // set in an anchor
	ownerField  = "Hyperlane-Owner"  // the Backplane that wrote a line of the roll
)

// linger is how much longer than its age a message stays in the stream. Nobody gets it any more, but it says that nothing is
// missing between it and the next.
const linger = time.Hour

// log is the messages of all topics. Its run reads the stream and hands on what is followed here.
type log struct {
	b *Backplane

	mu     sync.Mutex
	life   string        // of the stream that is read, with a dot after it; empty before the first
	opened chan struct{} // closed when life is set
	seen   uint64        // sequence of the last message of it that was read
	topics map[string]*topic
}

func (l *log) init(b *Backplane) {
	l.b = b
	l.opened = make(chan struct{})
	l.topics = make(map[string]*topic)
	b.faults.set("log", errors.New("not read yet"))
}

// run reads the stream until the backplane is closed.
func (l *log) run() {
	for l.b.ctx.Err() == nil {
		err := l.readOn(l.b.ctx)
		if l.b.ctx.Err() == nil {
			l.b.faults.set("log", err)
			pause(l.b.ctx, 100*time.Millisecond)
		}
	}
}

// readOn reads from where the last one has stopped, until something is wrong.
func (l *log) readOn(ctx context.Context) error {
	setUp, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	info, err := l.b.logStream(setUp)
	if err != nil {
		return err
	}
	begin := func(uint64) { l.b.faults.set("log", nil) }
	life := strings.TrimPrefix(strings.TrimSuffix(info.Config.Subjects[0], ">"), l.b.config.Prefix+logSubjects)
	first := l.resume(life, info.State.LastSeq) + 1
	return l.b.consume(ctx, l.b.logName(), first, begin, func(msg jetstream.Msg, meta *jetstream.MsgMetadata) error {
		subject, ok := strings.CutPrefix(msg.Subject(), l.b.config.Prefix+logSubjects+life)
		if !ok {
			return errors.New("the log has begun anew")
		}
		return l.take(subject, life, msg, meta.Sequence.Stream)
	})
}

// resume returns the sequence of the last message that need not be read.
func (l *log) resume(life string, last uint64) uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.life == "":
		l.life, l.seen = life, last
		close(l.opened)
	case l.life != life: // the old one is lost, and with it what nobody here had read
		l.life, l.seen = life, 0
		for _, t := range l.topics {
			t.last, t.doubt = 0, lost
		}
	default:
		for _, t := range l.topics {
			t.doubt = max(t.doubt, reread)
		}
	}
	return l.seen
}

// take hands a message to those here who follow its topic.
func (l *log) take(subject, life string, msg jetstream.Msg, seq uint64) error {
	l.mu.Lock()
	t, followed := l.topics[subject]
	if !followed {
		l.seen = seq
	}
	l.mu.Unlock()
	if !followed {
		return nil
	}
	m, err := message(msg.Headers(), msg.Data())
	if err != nil {
		l.b.faults.set("a message that is no message", err) // and goes on: it will not get better
	}
	skipped, err := l.missing(t, seq)
	if err != nil {
		return err
	}
	l.mu.Lock()
	l.seen, t.last, t.doubt = seq, seq, none
	followers := t.followers
	l.mu.Unlock()
	if m == nil {
		return nil
	}
	m.Position = broadcast.Position{Epoch: epoch(life, subject), Offset: seq}
	for _, f := range followers {
		f.message(m, skipped)
	}
	return nil
}

// missing returns 1 if messages of t between the last that was read and the one with seq may have gone, and 0 if none has. Messages of
// a topic go oldest first: as long as the last that was read is there, all after it are.
func (l *log) missing(t *topic, seq uint64) (uint64, error) {
	l.mu.Lock()
	last, doubt := t.last, t.doubt
	l.mu.Unlock()
	switch {
	case doubt == lost:
		return 1, nil
	case doubt == none || last == 0 || last >= seq:
		return 0, nil
	}
	ctx, cancel := context.WithTimeout(l.b.ctx, 5*time.Second)
	defer cancel()
	var there struct{}
	err := l.b.ask(ctx, fmt.Sprintf(`{"seq":%d}`, last), &there)
	if isNotFound(err) {
		return 1, nil
	}
	return 0, err
}

// publish puts m into the stream. It tries again until ctx is done: JetStream drops what it has already.
func (l *log) publish(ctx context.Context, m *broadcast.Message, keep broadcast.Retention) error {
	if keep.Count > l.b.config.History {
		return fmt.Errorf("nats: Retention.Count is %d, and Config.History allows %d", keep.Count, l.b.config.History)
	}
	data, err := m.MarshalBinary()
	if err != nil {
		return err
	}
	age := keep.Age
	if keep.Count <= 0 {
		keep.Count, age = 0, time.Minute // for nodes that are cut off for a moment
	} else if age == 0 {
		age = 10 * time.Minute
	}
	life, err := l.open(ctx)
	if err != nil {
		return err
	}
	subject := topicSubject(m.Topic)
	ack, err := l.b.store(ctx, &natsgo.Msg{
		Subject: l.b.config.Prefix + logSubjects + life + subject,
		Header:  natsgo.Header{keepField: {fmt.Sprint(keep.Count, " ", int64(age))}},
		Data:    data,
	}, jetstream.WithMsgID(digest(subject, m.ID)), jetstream.WithMsgTTL(wholeSeconds(age+linger)))
	if err != nil {
		return err
	}
	m.Position = broadcast.Position{Epoch: epoch(life, subject), Offset: ack.Sequence}
	return nil
}

// store publishes msg to a stream, and tries again until ctx is done.
func (b *Backplane) store(ctx context.Context, msg *natsgo.Msg, options ...jetstream.PublishOpt) (*jetstream.PubAck, error) {
	for {
		try, cancel := context.WithTimeout(ctx, 2*time.Second)
		ack, err := b.js.PublishMsg(try, msg, append(options, jetstream.WithRetryAttempts(0))...)
		cancel()
		if err == nil {
			return ack, nil
		}
		var refused *jetstream.APIError
		if errors.As(err, &refused) && refused.Code < 500 || errors.Is(err, natsgo.ErrMaxPayload) || errors.Is(err, natsgo.ErrBadSubject) {
			return nil, fmt.Errorf("nats: %w", err)
		}
		if !pause(ctx, 50*time.Millisecond) {
			return nil, err
		}
	}
}

// wholeSeconds rounds up: JetStream counts the life of a message in seconds.
func wholeSeconds(d time.Duration) time.Duration { return (d + time.Second - 1).Truncate(time.Second) }

// epoch names the life of one topic's numbering.
func epoch(life, subject string) string { return digest(life, subject) }

// message returns the message of the log or the roll that data holds; nil for an anchor.
func message(header natsgo.Header, data []byte) (*broadcast.Message, error) {
	if header.Get(anchorField) != "" {
		return nil, nil
	}
	m := new(broadcast.Message)
	if err := m.UnmarshalBinary(data); err != nil {
		return nil, err
	}
	return m, nil
}

// retention returns what a message of the log says of its history.
func retention(header natsgo.Header) (broadcast.Retention, error) {
	count, age, _ := strings.Cut(header.Get(keepField), " ")
	n, err1 := strconv.Atoi(count)
	d, err2 := strconv.ParseInt(age, 10, 64)
	return broadcast.Retention{Count: n, Age: time.Duration(d)}, errors.Join(err1, err2)
}
