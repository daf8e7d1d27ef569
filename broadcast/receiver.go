package broadcast

import (
	"context"
	"iter"
)

// Receiver is one who listens to a [Broadcast]. Any goroutine may call its methods; if several call Next, each value goes to one
// of them.
type Receiver[T any] struct {
	from  *Broadcast[T]
	place int // in from.receivers; belongs to from.mu
	queue queue[T]
}

// Next returns the next value, and waits for it until ctx is done. Where values were lost it returns a *[Missed] in their
// place, once, and goes on with the next call. It returns [ErrClosed] after the last value if the receiver or the
// broadcast was closed, and [ErrLagged] if the policy Disconnect ended it.
func (r *Receiver[T]) Next(ctx context.Context) (T, error) { return r.queue.next(ctx) }

// All returns what Next returns, until ctx is done or the receiver was closed. An error that does not end the loop by these two is
// yielded: a *[Missed], after which the loop goes on, or [ErrLagged], which is the last.
func (r *Receiver[T]) All(ctx context.Context) iter.Seq2[T, error] {
	return all(ctx, r.Next)
}

// Waiting returns how many values wait to be read.
func (r *Receiver[T]) Waiting() int { return r.queue.waitingValues() }

// Close ends the receiver and drops what waits in it. It may be called more than once.
func (r *Receiver[T]) Close() {
	r.from.mu.Lock()
	r.from.remove(r)
	r.from.mu.Unlock()
	r.queue.discard()
}
