package engine

import "sync"

// outbox holds bytes that goroutines other than the owner want to leave by a blocking connection. mu guards the bytes; turn is held by
// whoever writes to the socket, so that nobody waits for a slow peer but the one goroutine that drains.
type outbox struct {
	limit int

	mu       sync.Mutex
	waiting  []byte
	draining bool // a goroutine will take what waits
	closed   bool

	turn sync.Mutex
}

func (o *outbox) lock()   { o.turn.Lock() }
func (o *outbox) unlock() { o.turn.Unlock() }

// flush writes what waits. The caller holds the lock.
func (o *outbox) flush(b *blocking) error {
	for {
		o.mu.Lock()
		out := o.waiting
		o.waiting = nil
		o.mu.Unlock()
		if len(out) == 0 {
			return nil
		}
		if err := b.write(out, nil); err != nil {
			return err
		}
	}
}

func (o *outbox) close() {
	o.mu.Lock()
	o.closed, o.waiting = true, nil
	o.mu.Unlock()
}

// post is Conn.Send: it queues p, and starts a goroutine that drains the queue unless one is at it.
func (b *blocking) post(p []byte) error {
	o := &b.outbox
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed || b.state.Load() == ended {
		return ErrClosed
	}
	if len(o.waiting) > 0 && len(o.waiting)+len(p) > o.limit {
		return ErrOutboxFull
	}
	o.waiting = append(o.waiting, p...)
	if !o.draining {
		o.draining = true
		go b.drainOutbox()
	}
	return nil
}

func (b *blocking) drainOutbox() {
	o := &b.outbox
	for {
		o.lock()
		err := o.flush(b)
		o.unlock()
		o.mu.Lock()
		o.draining = err == nil && len(o.waiting) > 0
		more := o.draining
		o.mu.Unlock()
		if err != nil {
			b.kick(false) // the owner's read ends with the socket
		}
		if !more {
			return
		}
	}
}
