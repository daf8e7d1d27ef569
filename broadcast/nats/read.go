package nats

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	natsgo "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/hyperlane-go/hyperlane/broadcast"
)

// stored is a message as it is in the stream.
type stored struct {
	seq    uint64
	time   time.Time
	header natsgo.Header
	data   []byte
}

// read returns what topic has after since. The leader says how far the topic has come; any server may then give the messages, and is asked
// again while it has not come as far.
func (l *log) read(ctx context.Context, topic broadcast.Topic, since broadcast.Position) (broadcast.Snapshot, error) {
	life, err := l.open(ctx)
	if err != nil {
		return broadcast.Snapshot{}, err
	}
	subject := topicSubject(topic)
	e := epoch(life, subject)
	if since != (broadcast.Position{}) && since.Epoch != e {
		return broadcast.Snapshot{}, broadcast.ErrUnrecoverable
	}
	for {
		last, err := l.last(ctx, life, subject)
		switch {
		case err != nil:
			return broadcast.Snapshot{}, err
		case since.Offset > last:
			return broadcast.Snapshot{}, broadcast.ErrUnrecoverable
		case last == 0:
			return broadcast.Snapshot{}, nil
		}
		at := broadcast.Position{Epoch: e, Offset: last}
		if since == at {
			return broadcast.Snapshot{Position: at}, nil
		}
		list, err := l.fetch(ctx, life, subject, max(since.Offset, 1))
		if err != nil {
			return broadcast.Snapshot{}, err
		}
		if n := len(list); n > 0 && list[n-1].seq >= last {
			at.Offset = list[n-1].seq
			messages, err := history(list, since, e)
			return broadcast.Snapshot{Position: at, Messages: messages}, err
		}
		if !pause(ctx, 10*time.Millisecond) {
			return broadcast.Snapshot{}, ctx.Err()
		}
	}
}

// history returns the messages in list that the topic keeps. List begins with since, if that is still there.
func history(list []stored, since broadcast.Position, epoch string) ([]*broadcast.Message, error) {
	var kept []stored
	for _, s := range list {
		if s.header.Get(anchorField) == "" && s.seq > since.Offset {
			kept = append(kept, s)
		}
	}
	exact := since == (broadcast.Position{})
	if !exact && list[0].seq != since.Offset {
		return nil, broadcast.ErrUnrecoverable
	}
	if len(kept) == 0 {
		return nil, nil
	}
	keep, err := retention(kept[len(kept)-1].header)
	if err != nil {
		return nil, fmt.Errorf("nats: a message of the log: %w", err)
	}
	first := max(0, len(kept)-keep.Count)
	for first < len(kept) && time.Since(kept[first].time) >= keep.Age {
		first++
	}
	if first > 0 && !exact {
		return nil, broadcast.ErrUnrecoverable
	}
	var messages []*broadcast.Message
	for _, s := range kept[first:] {
		m, err := message(s.header, s.data)
		if err != nil {
			return nil, fmt.Errorf("nats: a message of the log: %w", err)
		}
		m.Position = broadcast.Position{Epoch: epoch, Offset: s.seq}
		messages = append(messages, m)
	}
	return messages, nil
}

// open waits until the stream is known, and returns its life.
func (l *log) open(ctx context.Context) (string, error) {
	select {
	case <-l.opened:
	case <-ctx.Done():
		return "", ctx.Err()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.life, nil
}

// last returns the sequence of the last message of a topic, as the leader knows it, and no less than what has been read here; 0 if
// there is none.
func (l *log) last(ctx context.Context, life, subject string) (uint64, error) {
	var answer struct {
		Message struct {
			Seq uint64 `json:"seq"`
		} `json:"message"`
	}
	question := fmt.Sprintf(`{"last_by_subj":%q}`, l.b.config.Prefix+logSubjects+life+subject)
	err := l.b.ask(ctx, question, &answer)
	if isNotFound(err) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if t, followed := l.topics[subject]; followed && l.life == life {
		return max(answer.Message.Seq, t.last), nil
	}
	return answer.Message.Seq, nil
}

// ask puts a question about a message of the log to its leader, until there is one.
func (b *Backplane) ask(ctx context.Context, question string, answer any) error {
	for {
		try, cancel := context.WithTimeout(ctx, 2*time.Second)
		reply, err := b.nc.RequestWithContext(try, jetstream.DefaultAPIPrefix+"STREAM.MSG.GET."+b.logName(), []byte(question))
		cancel()
		if err == nil {
			var failed struct {
				Error *jetstream.APIError `json:"error"`
			}
			if err := json.Unmarshal(reply.Data, &failed); err != nil {
				return fmt.Errorf("nats: %w", err)
			}
			if failed.Error != nil {
				return fmt.Errorf("nats: %w", failed.Error)
			}
			return json.Unmarshal(reply.Data, answer)
		}
		if !pause(ctx, 50*time.Millisecond) {
			return err
		}
	}
}

func isNotFound(err error) bool {
	var refused *jetstream.APIError
	return errors.As(err, &refused) && refused.ErrorCode == jetstream.JSErrCodeMessageNotFound
}

// fetch returns what one of the servers has of a topic, from the sequence first on.
func (l *log) fetch(ctx context.Context, life, subject string, first uint64) ([]stored, error) {
	inbox := l.b.nc.NewRespInbox()
	sub, err := l.b.nc.SubscribeSync(inbox)
	if err != nil {
		return nil, fmt.Errorf("nats: %w", err)
	}
	defer sub.Unsubscribe()
	if err := sub.SetPendingLimits(-1, -1); err != nil {
		return nil, fmt.Errorf("nats: %w", err)
	}
	var list []stored
	for {
		question := fmt.Sprintf(`{"seq":%d,"next_by_subj":%q,"batch":%d}`, first, l.b.config.Prefix+logSubjects+life+subject, l.b.config.History+2)
		if err := l.b.nc.PublishRequest(jetstream.DefaultAPIPrefix+"DIRECT.GET."+l.b.logName(), inbox, []byte(question)); err != nil {
			return nil, fmt.Errorf("nats: %w", err)
		}
		more := true
		for more {
			msg, err := sub.NextMsgWithContext(ctx)
			if err != nil {
				return nil, fmt.Errorf("nats: failed to read the history: %w", err)
			}
			switch msg.Header.Get("Status") {
			case "":
				s, err := newStored(msg)
				if err != nil {
					return nil, err
				}
				list, first = append(list, s), s.seq+1
			case "204": // the end of the batch
				if msg.Header.Get("Nats-Num-Pending") == "0" {
					return list, nil
				}
				more = false
			case "404":
				return list, nil
			default:
				return nil, fmt.Errorf("nats: failed to read the history: %s %s", msg.Header.Get("Status"), msg.Header.Get("Description"))
			}
		}
	}
}

func newStored(msg *natsgo.Msg) (stored, error) {
	seq, err1 := strconv.ParseUint(msg.Header.Get("Nats-Sequence"), 10, 64)
	at, err2 := time.Parse(time.RFC3339Nano, msg.Header.Get("Nats-Time-Stamp"))
	if err := errors.Join(err1, err2); err != nil {
		return stored{}, fmt.Errorf("nats: a message of the log: %w", err)
	}
	return stored{seq, at, msg.Header, msg.Data}, nil
}
