package broadcast

import (
	"context"
	"errors"
	"iter"
	"sync"
	"sync/atomic"
)

// queue holds what waits for one reader: at most capacity values, and between them how many were lost there. Writers never wait,
// but in wait.
type queue[T any] struct {
	mu       sync.Mutex
	capacity int
	ring     []entry[T] // grows up to capacity, and is given back when it has been large and is empty
	head, n  int
	lost     uint64        // after the last entry
	end      error         // nothing comes any more; next returns it after the last entry
	readers  int           // goroutines in next that wait for wake
	wake     chan struct{} // room for one token
	starved  atomic.Bool   // a value was refused, and whoever refused it has not been called back; set under mu
	room     chan struct{} // closed when a value has been taken; nil if nobody waits for that
}

// entry is a value, and how many were lost right before it.
type entry[T any] struct {
	lost  uint64
	value T
}

// outcome is what became of a value that was offered.
type outcome uint8

const (
	took    outcome = iota // it waits
	missed                 // it is counted as lost
	refused                // there is no room, and the writer should wait
	ended                  // the queue takes nothing any more
)

const (
	firstRing = 8
	keptRing  = 64 // a larger ring is not kept while it is empty
)

func (q *queue[T]) init(capacity int) {
	q.capacity = capacity
	q.wake = make(chan struct{}, 1)
}

// offer adds v, as policy says if there is no room.
func (q *queue[T]) offer(v T, policy Lag) outcome {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.end != nil {
		return ended
	}
	if q.n == q.capacity {
		switch policy {
		case DropOldest:
			gone := q.shift()
			if q.n > 0 {
				q.ring[q.head].lost += gone.lost + 1
			} else {
				q.lost += gone.lost + 1
			}
		case DropNewest:
			q.lost++
			return missed
		case Block:
			q.starved.Store(true)
			return refused
		case Disconnect:
			q.closeLocked(ErrLagged)
			return ended
		}
	}
	q.push(v)
	return took
}

// wait adds v as soon as there is room. If ctx is done first, v is counted as lost.
func (q *queue[T]) wait(ctx context.Context, v T) (bool, error) {
	for {
		q.mu.Lock()
		switch {
		case q.end != nil:
			q.mu.Unlock()
			return false, nil
		case q.n < q.capacity:
			q.push(v)
			q.mu.Unlock()
			return true, nil
		case ctx.Err() != nil:
			q.lost++
			q.rouse()
			q.mu.Unlock()
			return false, context.Cause(ctx)
		}
		if q.room == nil {
			q.room = make(chan struct{})
		}
		room := q.room
		q.mu.Unlock()
		select {
		case <-room:
		case <-ctx.Done():
		}
	}
}

// skip counts n values as lost after what waits. It needs no room, and reports whether anybody can learn of it.
func (q *queue[T]) skip(n uint64) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.end != nil {
		return false
	}
	q.lost += n
	q.rouse()
	return true
}

// next waits until there is something to return.
func (q *queue[T]) next(ctx context.Context) (T, error) {
	var zero T
	if ctx.Err() != nil {
		return zero, context.Cause(ctx)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	for {
		if v, lost, ok := q.take(); ok {
			if q.n > 0 || q.lost > 0 {
				q.rouse() // for the next reader: there is one token for many
			}
			if lost > 0 {
				return zero, &Missed{Count: lost}
			}
			return v, nil
		}
		if q.end != nil {
			q.rouse()
			return zero, q.end
		}
		q.readers++
		q.mu.Unlock()
		select {
		case <-q.wake:
		case <-ctx.Done():
		}
		q.mu.Lock()
		q.readers--
		if ctx.Err() != nil {
			if q.n > 0 || q.lost > 0 || q.end != nil {
				q.rouse() // the token may have been meant for another
			}
			return zero, context.Cause(ctx)
		}
	}
}

// take removes what is first: a count of lost values, or a value.
func (q *queue[T]) take() (v T, lost uint64, ok bool) {
	if q.n == 0 {
		lost, q.lost = q.lost, 0
		return v, lost, lost > 0
	}
	if first := &q.ring[q.head]; first.lost > 0 {
		lost, first.lost = first.lost, 0
		return v, lost, true
	}
	v = q.shift().value
	if q.room != nil {
		close(q.room)
		q.room = nil
	}
	return v, 0, true
}

// push appends v, for which there is room, and wakes a reader.
func (q *queue[T]) push(v T) {
	if q.n == len(q.ring) {
		grown := make([]entry[T], min(q.capacity, max(firstRing, 2*q.n)))
		copied := copy(grown, q.ring[q.head:])
		copy(grown[copied:], q.ring[:q.head])
		q.ring, q.head = grown, 0
	}
	i := q.head + q.n
	if i >= len(q.ring) {
		i -= len(q.ring)
	}
	q.ring[i] = entry[T]{lost: q.lost, value: v}
	q.lost = 0
	q.n++
	q.rouse()
}

// shift removes the first entry.
func (q *queue[T]) shift() entry[T] {
	e := q.ring[q.head]
	q.ring[q.head] = entry[T]{}
	q.n--
	if q.head++; q.head == len(q.ring) {
		q.head = 0
	}
	if q.n == 0 && len(q.ring) > keptRing {
		q.ring, q.head = nil, 0
	}
	return e
}

func (q *queue[T]) rouse() {
	if q.readers > 0 {
		select {
		case q.wake <- struct{}{}:
		default:
		}
	}
}

// close ends the queue: what waits can still be read, then comes reason.
func (q *queue[T]) close(reason error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closeLocked(reason)
}

func (q *queue[T]) closeLocked(reason error) {
	if q.end != nil {
		return
	}
	q.end = reason
	q.rouse()
	if q.room != nil {
		close(q.room)
		q.room = nil
	}
}

// discard ends the queue and drops what waits.
func (q *queue[T]) discard() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closeLocked(ErrClosed)
	q.ring, q.head, q.n, q.lost = nil, 0, 0, 0
}

// relieved reports whether a value was refused and there is room again, once.
func (q *queue[T]) relieved() bool {
	if !q.starved.Load() {
		return false
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.n > q.capacity/2 {
		return false
	}
	return q.starved.Swap(false)
}

func (q *queue[T]) waitingValues() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.n
}

// all makes a loop of a Next method.
func all[T any](ctx context.Context, next func(context.Context) (T, error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for {
			v, err := next(ctx)
			lost := (*Missed)(nil)
			switch {
			case err == nil || errors.As(err, &lost):
				if !yield(v, err) {
					return
				}
			case ctx.Err() != nil || errors.Is(err, ErrClosed):
				return
			default:
				yield(v, err)
				return
			}
		}
	}
}
