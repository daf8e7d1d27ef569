package soak

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// kind is a way to be a client.
type kind struct {
	name     string
	clients  int // that are there at the same time
	exchange func(c *client) error
}

// kinds are all there are.
func kinds() []kind {
	var all []kind
	for _, some := range [][]kind{
		plainKinds, slowKinds, failingKinds, uploadKinds, downloadKinds, leavingKinds, timedOutKinds, hostileKinds,
		webSocketKinds, topicKinds, stdKinds,
	} {
		all = append(all, some...)
	}
	return all
}

// client is one client. It belongs to one goroutine.
type client struct {
	*stage
	*rand.Rand
	ctx  context.Context // ends when the client has to go, in the middle of whatever it does: a hang, or the failure of another
	kept *line           // the connection that it uses again, or nil
}

// errLate is the error of an exchange that says nothing, because the machine was too slow for it. It is not counted.
var errLate = errors.New("late")

// chance is true n times in a hundred.
func (c *client) chance(n int) bool { return c.IntN(100) < n }

// upTo waits for a time of up to most.
func (c *client) upTo(most time.Duration) { time.Sleep(rand.N(most)) }

// ribbon draws a body of up to most bytes; small ones are as likely as large ones.
func (c *client) ribbon(most int64) ribbon {
	return ribbon{c.Int64N(ringSize), c.Int64N(1 + c.Int64N(most))}
}

// admit has all clients come, each again and again until the time is over, and at least for one exchange. It returns when they have gone.
func (s *stage) admit(t *testing.T, seed uint64, long time.Duration, done tally) {
	t.Helper()
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	end := time.Now().Add(long)
	var clients sync.WaitGroup
	number := uint64(0)
	for _, kind := range kinds() {
		count := done[kind.name]
		if count == nil {
			count = new(atomic.Int64)
			done[kind.name] = count
		}
		before := count.Load()
		for range kind.clients {
			number++
			c := &client{stage: s, Rand: rand.New(rand.NewPCG(seed, number)), ctx: ctx}
			clients.Go(func() {
				if err := c.live(kind, end, count); err != nil {
					t.Logf("%s: %v", kind.name, err)
					cancel(fmt.Errorf("%s: %w", kind.name, err)) // the first tells; what follows may follow from it
				}
			})
		}
		defer func() {
			if count.Load() == before && !t.Failed() {
				t.Errorf("%s: no exchange was finished", kind.name)
			}
		}()
	}
	stop := make(chan struct{})
	var others sync.WaitGroup
	others.Go(func() { s.publish(t, stop) })
	others.Go(func() { s.pulse.beat(stop) })
	others.Go(func() { keepDiary(t, long, stop) })
	clients.Wait()
	if ctx.Err() != nil {
		t.Error(context.Cause(ctx))
	}
	close(stop)
	others.Wait()
	s.http.CloseIdleConnections()
}

// live makes exchanges until the end, and one at least.
func (c *client) live(kind kind, end time.Time, count *atomic.Int64) error {
	defer c.drop()
	for last := time.Now().Add(patience); ; {
		err := kind.exchange(c)
		switch {
		case err == errLate && time.Now().After(last):
			return fmt.Errorf("nothing but late for %v", patience)
		case err == errLate:
			c.drop()
			continue
		case err != nil:
			return err
		}
		count.Add(1)
		if last = time.Now().Add(patience); c.ctx.Err() != nil || time.Now().After(end) {
			return nil
		}
		c.upTo(2 * time.Millisecond) // a client that does nothing but ask would leave the others no processor
	}
}
