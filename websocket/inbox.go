package websocket

import (
	"context"
	"sync"
)

// inbox stands between the owner of a connection, who puts messages, and the goroutine of the blocking style, who takes them. Who puts
// waits while there is much, and so the connection is not read from: that is the backpressure.
type inbox struct {
	ctx    context.Context // ends when the inbox is closed
	cancel context.CancelCauseFunc

	mu      sync.Mutex // guards what follows
	changed sync.Cond
	waiting []message
	size    int
	err     error // why there is no more
}

type message struct {
	kind Type
	data []byte
}

// inboxRoom is how many bytes may wait before who puts has to wait. A message finds room when there is none.
const inboxRoom = 64 << 10

func newInbox() *inbox {
	in := new(inbox)
	in.changed.L = &in.mu
	in.ctx, in.cancel = context.WithCancelCause(context.Background())
	return in
}

// put adds a message, of which it makes a copy. After close it does nothing.
func (in *inbox) put(kind Type, data []byte) {
	in.mu.Lock()
	defer in.mu.Unlock()
	for in.err == nil && in.size > 0 && in.size+len(data) > inboxRoom {
		in.changed.Wait()
	}
	if in.err != nil {
		return
	}
	in.waiting = append(in.waiting, message{kind, append([]byte(nil), data...)})
	in.size += len(data)
	in.changed.Broadcast()
}

// take returns the next message, and waits for it until ctx is done.
func (in *inbox) take(ctx context.Context) (message, error) {
	stop := context.AfterFunc(ctx, func() {
		in.mu.Lock()
		in.changed.Broadcast()
		in.mu.Unlock()
	})
	defer stop()
	in.mu.Lock()
	defer in.mu.Unlock()
	for len(in.waiting) == 0 {
		switch {
		case in.err != nil:
			return message{}, in.err
		case ctx.Err() != nil:
			return message{}, context.Cause(ctx)
		}
		in.changed.Wait()
	}
	m := in.waiting[0]
	in.waiting[0] = message{}
	if in.waiting = in.waiting[1:]; len(in.waiting) == 0 {
		in.waiting = nil
	}
	in.size -= len(m.data)
	in.changed.Broadcast()
	return m, nil
}

// close ends the inbox. What waits can still be taken; then there is err.
func (in *inbox) close(err error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.err == nil {
		in.err = err
		in.cancel(err)
		in.changed.Broadcast()
	}
}
