package nats

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// duplicateWindow is how long JetStream remembers the ID of a message.
const duplicateWindow = 2 * time.Minute

// What is in NATS, after the prefix. The subjects of the log have its life in them, a text that is new each time the stream is made. So what
// is meant for one life never reaches another.
const (
	logSubjects  = ".log."
	rollSubjects = ".roll."
	lifeSubjects = ".life."
)

// logStream returns the stream of the log. It is made if there is none.
func (b *Backplane) logStream(ctx context.Context) (*jetstream.StreamInfo, error) {
	return b.stream(ctx, jetstream.StreamConfig{
		Name:              b.logName(),
		Subjects:          []string{b.config.Prefix + logSubjects + rand.Text()[:16] + ".>"},
		MaxMsgsPerSubject: int64(b.config.History) + 1, // the one before them says that they are complete
		Duplicates:        duplicateWindow,
		AllowDirect:       true,
	})
}

func (b *Backplane) logName() string { return b.config.Prefix + "-log" }

// rollStream returns the stream of the roll and of the signs of life. It is made if there is none.
func (b *Backplane) rollStream(ctx context.Context) (*jetstream.StreamInfo, error) {
	return b.stream(ctx, jetstream.StreamConfig{
		Name:              b.config.Prefix + "-roll",
		Subjects:          []string{b.config.Prefix + rollSubjects + ">", b.config.Prefix + lifeSubjects + ">"},
		MaxMsgsPerSubject: 1,
	})
}

// stream returns the stream that has the name in config. If there is none, it is made, with as many replicas as there can be. If another
// node makes it at the same moment, that is an error, and the caller tries again.
func (b *Backplane) stream(ctx context.Context, config jetstream.StreamConfig) (*jetstream.StreamInfo, error) {
	stream, err := b.js.Stream(ctx, config.Name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		stream, err = b.js.CreateStream(ctx, b.complete(config))
	}
	if err != nil {
		return nil, fmt.Errorf("the stream %s: %w", config.Name, err)
	}
	return stream.CachedInfo(), nil
}

func (b *Backplane) complete(config jetstream.StreamConfig) jetstream.StreamConfig {
	config.MaxBytes = b.config.Bytes
	config.Discard = jetstream.DiscardOld
	config.AllowMsgTTL = true
	config.Storage = jetstream.FileStorage
	if b.server != nil && b.config.Dir == "" {
		config.Storage = jetstream.MemoryStorage
	}
	config.Replicas = orDefault(b.config.Replicas, 1)
	if b.config.Replicas == 0 && (b.config.Listen != "" || b.nc.ConnectedClusterName() != "") {
		config.Replicas = 3
	}
	return config
}

// errHole says that a message got lost on its way from JetStream, where there is still time to read it again.
var errHole = errors.New("a message of the stream did not arrive")

// heartbeat is how often JetStream says that there is nothing new. Two that do not come are an outage.
const heartbeat = time.Second

// consume hands every message of a stream from first on to take, in order, and how many are known to follow it. Pending is how many there
// are at the beginning. It returns when something is wrong, or ctx is done.
func (b *Backplane) consume(ctx context.Context, stream string, first uint64, begin func(pending uint64),
	take func(msg jetstream.Msg, meta *jetstream.MsgMetadata) error) error {

	setUp, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	consumer, err := b.js.CreateConsumer(setUp, stream, jetstream.ConsumerConfig{
		DeliverPolicy:     jetstream.DeliverByStartSequencePolicy,
		OptStartSeq:       first,
		AckPolicy:         jetstream.AckNonePolicy,
		MemoryStorage:     true,
		Replicas:          1,
		InactiveThreshold: 30 * time.Second, // after which JetStream forgets it
	})
	if err != nil {
		return fmt.Errorf("failed to begin to read: %w", err)
	}
	messages, err := consumer.Messages(jetstream.PullHeartbeat(heartbeat), jetstream.PullExpiry(10*heartbeat))
	if err != nil {
		return fmt.Errorf("failed to begin to read: %w", err)
	}
	defer messages.Stop()
	begin(consumer.CachedInfo().NumPending)
	for next := uint64(1); ; next++ {
		msg, err := messages.Next(jetstream.NextContext(ctx))
		if err != nil {
			return fmt.Errorf("failed to read on: %w", err)
		}
		meta, err := msg.Metadata()
		if err != nil {
			return err
		}
		if meta.Sequence.Consumer != next {
			return errHole
		}
		if err := take(msg, meta); err != nil {
			return err
		}
	}
}
