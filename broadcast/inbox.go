package broadcast

import (
	"context"
	"iter"
)

// Inbox is a subscriber for Go code: the messages of one topic, to be read one after the other. Any goroutine may call its methods;
// if several call Next, each message goes to one of them.
type Inbox struct {
	sub *Subscription
	box mailbox
}

// Inbox subscribes to a topic and returns what comes as an Inbox. As.Room is its size. The errors are those of Subscribe.
func (h *Hub) Inbox(ctx context.Context, topic Topic, as As) (*Inbox, error) {
	b := &Inbox{}
	room := as.Room
	if room <= 0 {
		room = 64
	}
	b.box.queue.init(room)
	sub, err := h.Subscribe(ctx, topic, &b.box, as)
	if err != nil {
		return nil, err
	}
	b.sub = sub
	return b, nil
}

// Next returns the next message, and waits for it until ctx is done. Where messages were lost it returns a *[Missed] in their place,
// once, and goes on with the next call. After the last message it returns [ErrClosed] if the inbox or the hub was closed, or
// [ErrLagged] if the policy Disconnect ended it.
func (b *Inbox) Next(ctx context.Context) (*Message, error) {
	m, err := b.box.queue.next(ctx)
	if b.box.queue.relieved() {
		b.sub.Resume()
	}
	return m, err
}

// All returns what Next returns, until ctx is done or the inbox was closed. An error that does not end the loop by these two is
// yielded: a *[Missed], after which the loop goes on, or [ErrLagged], which is the last.
func (b *Inbox) All(ctx context.Context) iter.Seq2[*Message, error] {
	return all(ctx, b.Next)
}

// Subscription returns the inbox's place in its topic.
func (b *Inbox) Subscription() *Subscription { return b.sub }

// Close ends the subscription and drops what waits. It may be called more than once.
func (b *Inbox) Close() {
	b.sub.Close()
	b.box.queue.discard()
}

// mailbox is the end of an Inbox that the hub sees.
type mailbox struct{ queue queue[*Message] }

func (b *mailbox) Deliver(m *Message) error {
	switch b.queue.offer(m, Block) {
	case took:
		return nil
	case refused:
		return ErrFull
	}
	return ErrClosed
}

func (b *mailbox) Missed(n uint64) error {
	if !b.queue.skip(n) {
		return ErrClosed
	}
	return nil
}

func (b *mailbox) Ended(reason error) { b.queue.close(reason) }
