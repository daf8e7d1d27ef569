package websocket

import (
	"context"
	"sync"
)

// inbox stands between the owner of a connection, who puts pieces of messages, and the goroutine of the blocking style, who takes them.
// Who puts waits while there is much, and so the connection is not read from: that is the backpressure.
type inbox struct {
	mayWait func()    // is called before put waits; set before the first put
	begun   *incoming // the last message, if it was not read to its end; belongs to those who call the reading methods of Conn

	mu      sync.Mutex // guards what follows
	changed sync.Cond
	waiting []piece
	size    int
	takers  int   // goroutines in take that wait
	err     error // why there is no more
}

// piece is a message, or the next of it.
type piece struct {
	kind Type
	data []byte
	last bool
}

// inboxRoom is how many bytes may wait before who puts has to wait. A piece finds room when there is none.
const inboxRoom = 64 << 10

func newInbox() *inbox {
	in := new(inbox)
	in.changed.L = &in.mu
	return in
}

// put adds a piece, with a copy of data. After close it does nothing.
func (in *inbox) put(kind Type, data []byte, last bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.size > 0 && in.size+len(data) > inboxRoom {
		in.mu.Unlock()
		in.mayWait()
		in.mu.Lock()
	}
	for in.err == nil && in.size > 0 && in.size+len(data) > inboxRoom {
		in.changed.Wait()
	}
	if in.err != nil {
		return
	}
	in.waiting = append(in.waiting, piece{kind, append([]byte(nil), data...), last})
	in.size += len(data)
	in.changed.Broadcast()
}

// take returns the next piece, and waits for it until ctx is done.
func (in *inbox) take(ctx context.Context) (piece, error) {
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
			return piece{}, in.err
		case ctx.Err() != nil:
			return piece{}, context.Cause(ctx)
		}
		in.takers++
		in.changed.Wait()
		in.takers--
	}
	p := in.waiting[0]
	in.waiting[0] = piece{}
	if in.waiting = in.waiting[1:]; len(in.waiting) == 0 {
		in.waiting = nil
	}
	in.size -= len(p.data)
	in.changed.Broadcast()
	return p, nil
}

// idle reports whether all pieces have been taken, and somebody waits for the next.
func (in *inbox) idle() bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.takers > 0 && len(in.waiting) == 0
}

// close ends the inbox. What waits can still be taken; then there is err.
func (in *inbox) close(err error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.err == nil {
		in.err = err
		in.changed.Broadcast()
	}
}
