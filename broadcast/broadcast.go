// Package broadcast hands what one goroutine says to many that listen: in one process, or on many machines.
//
//	hub := broadcast.NewHub(broadcast.HubConfig{})
//	lobby := broadcast.TopicOf("chat", "lobby")
//
//	inbox, err := hub.Inbox(ctx, lobby, broadcast.As{Key: "ann"})
//	if err != nil {
//		return err
//	}
//	defer inbox.Close()
//	for m, err := range inbox.All(ctx) {
//		if missed := (*broadcast.Missed)(nil); errors.As(err, &missed) {
//			fmt.Println("too slow for", missed.Count, "messages")
//			continue
//		}
//		if err != nil {
//			return err
//		}
//		fmt.Printf("%s: %s\n", m.From, m.Data)
//	}
//
// and elsewhere
//
//	hub.Publish(ctx, lobby, broadcast.Publication{From: "bob", Data: []byte("hello")})
//
// # The idea
//
// There are two tools. A [Broadcast] sends values of one Go type to the receivers of one process, and that is all it does. A
// [Hub] keeps topics: a message that is published to a [Topic] goes to each [Subscriber] of it, or to those with one key,
// or to a group. A WebSocket and an event stream are subscribers; an [Inbox] is one for Go code. A hub also knows who is here
// (presence) and, for topics that ask for it in their [Rules], what was said lately (history), so that a subscriber which
// was away gets exactly what it missed, or is told that it cannot.
//
// The hubs of many nodes become one by a [Backplane]. It numbers and keeps the messages of a topic, and carries them between
// nodes. [Memory] is the one in the box, for hubs of one process.
//
// Each receiver and each subscriber has limited room. The [Lag] policy says what happens when it is full. Nobody is skipped
// silently: who missed messages learns how many, at the place where they would have been.
//
// # Guarantees
//
//   - The messages of one publisher reach every subscriber of a topic in the order in which they were published, and all
//     subscribers of a topic see its numbered messages in the same order.
//   - A subscriber gets every message that is for it, once, or is told how many it missed, or is ended with a reason.
//   - Memory is bounded: a receiver's room is Config.Capacity, the lag of all subscribers of a topic shares Rules.Backlog
//     messages, and a history has a count and an age.
//   - A message is encoded once in each form, however many subscribers it has (see [Message.Form]).
//   - Recovery never returns a message of another topic, nor one that was for somebody else.
//   - Without its backplane a hub goes on delivering between its own subscribers. A message that could not be kept is an error
//     of Publish, and the state is in [Stats].
//   - A subscriber costs no goroutine. After Close none is left.
package broadcast

import (
	"context"
	"fmt"
	"slices"
	"sync"
)

// Config is for [New]. The zero value is ready to use.
type Config struct {
	// Capacity is how many values may wait in one receiver. Zero: 1024. The memory for them is taken as they come.
	Capacity int

	// Lag says what happens to a value for which a receiver has no room. Zero: DropOldest.
	Lag Lag
}

// Broadcast sends values of one type to all its receivers. Its methods may be called by any goroutine.
//
// The values are shared: a pointer or a slice that is sent belongs to all receivers, and nobody may change what it points to.
type Broadcast[T any] struct {
	config Config
	turn   chan struct{} // with Block, holds one token while a Send is under way
	done   chan struct{} // closed by Close

	mu        sync.Mutex
	receivers []*Receiver[T]
	closed    bool
}

// New returns a broadcast without receivers. It panics if config makes no sense.
func New[T any](config Config) *Broadcast[T] {
	if config.Capacity < 0 || config.Lag > Disconnect {
		panic(fmt.Sprintf("broadcast: %+v: capacity must not be negative, and lag must be one of the policies", config))
	}
	if config.Capacity == 0 {
		config.Capacity = 1024
	}
	return &Broadcast[T]{config: config, turn: make(chan struct{}, 1), done: make(chan struct{})}
}

// Subscribe returns a receiver of every value that is sent from now on. The caller closes it when it has had enough. After
// Close of the broadcast it returns a receiver that has ended.
func (b *Broadcast[T]) Subscribe() *Receiver[T] {
	r := &Receiver[T]{from: b}
	r.queue.init(b.config.Capacity)
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		r.queue.close(ErrClosed)
		return r
	}
	r.place = len(b.receivers)
	b.receivers = append(b.receivers, r)
	return r
}

// Send gives v to every receiver, and returns to how many. It waits only where the policy is Block, until each has room; if ctx
// is done first, it returns the error of ctx, and the receivers without room have missed v. After Close it returns ErrClosed.
func (b *Broadcast[T]) Send(ctx context.Context, v T) (int, error) {
	if b.config.Lag == Block {
		return b.sendAndWait(ctx, v)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return 0, ErrClosed
	}
	sent := 0
	for i := len(b.receivers) - 1; i >= 0; i-- { // backwards, because a receiver may go
		r := b.receivers[i]
		switch r.queue.offer(v, b.config.Lag) {
		case took:
			sent++
		case ended:
			b.remove(r)
		}
	}
	return sent, nil
}

// sendAndWait is Send for Block. Sends take turns, so that a value which waits for one receiver is not overtaken.
func (b *Broadcast[T]) sendAndWait(ctx context.Context, v T) (int, error) {
	select {
	case b.turn <- struct{}{}:
	case <-ctx.Done():
		return 0, context.Cause(ctx)
	case <-b.done:
		return 0, ErrClosed
	}
	defer func() { <-b.turn }()

	b.mu.Lock()
	if b.closed {
		b.mu.Unlock()
		return 0, ErrClosed
	}
	sent := 0
	var full []*Receiver[T]
	for _, r := range b.receivers {
		switch r.queue.offer(v, Block) {
		case took:
			sent++
		case refused:
			full = append(full, r)
		}
	}
	b.mu.Unlock()

	var err error
	for _, r := range full {
		got, e := r.queue.wait(ctx, v)
		if got {
			sent++
		}
		if e != nil {
			err = e
		}
	}
	return sent, err
}

// Receivers returns how many receivers there are.
func (b *Broadcast[T]) Receivers() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.receivers)
}

// Close ends the broadcast. Each receiver still returns what is waiting in it, and then ErrClosed. A second Close does nothing.
func (b *Broadcast[T]) Close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return
	}
	b.closed = true
	close(b.done)
	for _, r := range slices.Backward(b.receivers) {
		b.remove(r)
		r.queue.close(ErrClosed)
	}
}

// remove forgets r. The caller holds mu.
func (b *Broadcast[T]) remove(r *Receiver[T]) {
	if r.place >= len(b.receivers) || b.receivers[r.place] != r {
		return
	}
	last := b.receivers[len(b.receivers)-1]
	b.receivers[r.place], last.place = last, r.place
	b.receivers[len(b.receivers)-1] = nil
	b.receivers = b.receivers[:len(b.receivers)-1]
}
