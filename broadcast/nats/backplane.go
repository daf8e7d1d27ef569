// Package nats is a [broadcast.Backplane] on NATS and its JetStream: it makes one hub of the hubs of many machines.
//
//	backplane, err := nats.Open(nats.Config{})                                  // one process
//	backplane, err := nats.Open(nats.Config{URL: "nats://10.0.0.5:4222"})       // servers that are there already
//	backplane, err := nats.Open(nats.Config{Name: "n1", Listen: "10.0.0.1:6222", // or a cluster of the processes themselves
//		Routes: []string{"10.0.0.1:6222", "10.0.0.2:6222", "10.0.0.3:6222"}, Secret: secret, Dir: "/var/lib/app"})
//	if err != nil {
//		return err
//	}
//	defer backplane.Close()
//	hub := broadcast.NewHub(broadcast.HubConfig{Backplane: backplane})
//
// # The idea
//
// A stream holds the messages of all topics: its sequence numbers are the offsets, and the number of its life is in the epochs. Every node
// reads the stream from where it is, and hands on what its own topics are. Recovery asks the leader how far a topic has come, and
// reads what is missing. A second stream holds the roll; every node has a copy of it in memory, and says every now and then that
// it is alive.
//
// # Guarantees
//
//   - What [Backplane.Publish] has taken without an error is on as many servers as Config.Replicas says, most of them.
//   - A node that was cut off goes on where it stopped. What the history no longer has is reported as skipped, as one message at least.
//   - An ID is known for two minutes: within them a message that is published again is the same one.
//   - A node that is silent for Config.Timeout has left the roll. If it was only cut off, its members are back soon after it is.
//   - After [Backplane.Close] no goroutine is left, and no file if Config.Dir is empty.
package nats

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	natsgo "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/hyperlane-go/hyperlane/broadcast"
)

var errClosed = errors.New("nats: the backplane is closed")

// Backplane is a [broadcast.Backplane]. Its methods may be called by any goroutine. Hubs that use it are closed before it.
type Backplane struct {
	config Config
	owner  string    // names this Backplane, and no other, on the roll
	server *embedded // nil if the servers are elsewhere
	nc     *natsgo.Conn
	js     jetstream.JetStream

	ctx  context.Context // ends with Close
	end  context.CancelCauseFunc
	work sync.WaitGroup
	weak atomic.Bool // the last call waited in vain

	log    log
	roll   roll
	faults faults
}

// Open starts or joins the servers. It returns before a cluster is complete: until then calls wait, and fail when their patience is at
// an end. The caller closes the Backplane.
func Open(config Config) (*Backplane, error) {
	config, err := config.compile()
	if err != nil {
		return nil, err
	}
	b := &Backplane{config: config, owner: rand.Text()}
	b.ctx, b.end = context.WithCancelCause(context.Background())
	options := []natsgo.Option{
		natsgo.Name("hyperlane"),
		natsgo.MaxReconnects(-1),
		natsgo.ReconnectWait(200 * time.Millisecond),
		natsgo.ReconnectBufSize(-1), // a message that has to wait is an error, and not sent when its publisher has given up
		natsgo.PingInterval(5 * time.Second),
		natsgo.MaxPingsOutstanding(2),
		natsgo.RetryOnFailedConnect(true),
		natsgo.ErrorHandler(func(_ *natsgo.Conn, _ *natsgo.Subscription, err error) { b.faults.set("connection", err) }),
		natsgo.DisconnectErrHandler(func(_ *natsgo.Conn, err error) {
			b.faults.set("connection", orDefault(err, natsgo.ErrDisconnected))
		}),
		natsgo.ReconnectHandler(func(*natsgo.Conn) { b.faults.set("connection", nil) }),
	}
	url := config.URL
	if url == "" {
		if b.server, err = startServer(config); err != nil {
			return nil, err
		}
		options = append(options, natsgo.InProcessServer(b.server), natsgo.UserInfo(user, b.server.password))
	}
	if b.nc, err = natsgo.Connect(url, append(options, config.Client...)...); err == nil {
		b.js, err = jetstream.New(b.nc)
	}
	if err != nil {
		b.Close()
		return nil, fmt.Errorf("nats: failed to connect: %w", err)
	}
	b.log.init(b)
	b.roll.init(b)
	b.work.Go(b.log.run)
	b.work.Go(b.roll.run)
	b.work.Go(b.roll.keep)
	return b, nil
}

// Err says why the backplane does not do its work at the moment; nil if it does. Hub.Stats asks it.
func (b *Backplane) Err() error {
	if b.ctx.Err() != nil {
		return errClosed
	}
	return b.faults.join()
}

// Publish implements [broadcast.Backplane].
func (b *Backplane) Publish(ctx context.Context, m *broadcast.Message, keep broadcast.Retention) error {
	return b.call(ctx, func(ctx context.Context) error {
		if m.Kind == broadcast.Published {
			return b.log.publish(ctx, m, keep)
		}
		return b.roll.publish(ctx, m)
	})
}

// Follow implements [broadcast.Backplane].
func (b *Backplane) Follow(ctx context.Context, topic broadcast.Topic, deliver func(*broadcast.Message, uint64)) (broadcast.Position, func(), error) {
	var at broadcast.Position
	var stop func()
	err := b.call(ctx, func(ctx context.Context) (err error) {
		at, stop, err = b.follow(ctx, topic, deliver)
		return err
	})
	return at, stop, err
}

// Read implements [broadcast.Backplane]. The members are those that this node knows of at the moment.
func (b *Backplane) Read(ctx context.Context, topic broadcast.Topic, since broadcast.Position) (broadcast.Snapshot, error) {
	var s broadcast.Snapshot
	err := b.call(ctx, func(ctx context.Context) (err error) {
		s, err = b.log.read(ctx, topic, since)
		if err == nil {
			s.Members, err = b.roll.of(ctx, topic)
		}
		return err
	})
	if err != nil {
		return broadcast.Snapshot{}, err
	}
	return s, nil
}

// call bounds the time of a call, and says why it has failed.
func (b *Backplane) call(ctx context.Context, do func(context.Context) error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if b.ctx.Err() != nil {
		return errClosed
	}
	patience := b.config.Patience
	if b.weak.Load() {
		patience /= 10
	}
	limited, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	defer context.AfterFunc(b.ctx, cancel)()
	err := do(limited)
	switch {
	case err == nil:
		b.weak.Store(false)
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case b.ctx.Err() != nil:
		return errClosed
	case limited.Err() != nil:
		b.weak.Store(true)
		return fmt.Errorf("nats: no answer within %v: %w", patience, errors.Join(err, b.faults.join()))
	}
	return err
}

// Close ends the backplane and, if it is inside this process, the server. It waits until both have ended.
func (b *Backplane) Close() error {
	b.end(errClosed)
	b.work.Wait()
	if b.nc != nil {
		b.nc.Close()
	}
	if b.server != nil {
		b.server.stop()
	}
	return nil
}

// pause waits a moment, and reports false when ctx is done.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// faults are what does not work at the moment, by what it is.
type faults struct {
	mu   sync.Mutex
	list map[string]error
}

func (f *faults) set(what string, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.list == nil {
		f.list = make(map[string]error)
	}
	if err == nil {
		delete(f.list, what)
	} else {
		f.list[what] = fmt.Errorf("%s: %w", what, err)
	}
}

func (f *faults) join() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	var errs []error
	for _, what := range slices.Sorted(maps.Keys(f.list)) {
		errs = append(errs, f.list[what])
	}
	return errors.Join(errs...)
}
