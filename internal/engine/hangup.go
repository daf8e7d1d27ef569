package engine

import (
	"errors"
	"os"
	"sync"
	"time"
)

// hangup watches a blocking connection for the peer's end while foreign code runs. The runtime's poller reports readiness, not
// an end, so watching means reading, on a goroutine of its own, started only when somebody asks.
//
// mu guards all fields. The watcher owns the reading side of the socket from start to the close of done; endWatch waits for that.
type hangup struct {
	mu      sync.Mutex
	done    chan struct{} // not nil while a watcher runs or has not been waited for
	closing bool          // the turn has no more use for a watcher
	read    []byte        // what the watcher has read
	err     error         // why it stopped, unless that was endWatch
}

// watch starts a watcher if there is none. Anybody may call it while foreign code runs (between enter and leave).
func (b *blocking) watch(t *Turn) {
	h := &b.hangup
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.done != nil || h.err != nil || len(h.read) > 0 || h.closing {
		return
	}
	h.done = make(chan struct{})
	go b.watchHangup(h.done)
}

// watchHangup reads one byte. If one comes the peer is alive and has sent more: reading on would take what the connection must
// not buffer, so the watch ends there (as net/http's does).
func (b *blocking) watchHangup(done chan struct{}) {
	defer close(done)
	h := &b.hangup
	for {
		var one [1]byte
		n, err := b.nc.Read(one[:])
		stray := errors.Is(err, os.ErrDeadlineExceeded) // unless it was endWatch that passed the deadline
		if stray {
			b.nc.SetReadDeadline(time.Time{})
		}
		h.mu.Lock()
		if n > 0 {
			h.read = append(h.read, one[0])
		}
		stopped := h.closing
		ended := err != nil && !stray && !stopped
		if ended {
			h.err = b.readError(err)
		}
		h.mu.Unlock()
		if ended {
			b.guard(func() { b.protocol().Hangup() })
		}
		if stopped || !stray {
			return
		}
	}
}

// endWatch stops a watcher and waits for it. The owner calls it before it reads again.
func (b *blocking) endWatch() {
	h := &b.hangup
	h.mu.Lock()
	done := h.done
	h.closing = h.closing || done != nil
	h.mu.Unlock()
	if done == nil {
		return
	}
	b.nc.SetReadDeadline(aLongTimeAgo)
	<-done
	b.nc.SetReadDeadline(time.Time{})
	h.mu.Lock()
	h.done, h.closing = nil, false
	h.mu.Unlock()
}

// take moves what the watcher has read into the turn's input, and reports whether that was something. The owner calls it, after
// endWatch.
func (h *hangup) take(t *Turn) (some bool) {
	if len(h.read) == 0 {
		return false
	}
	start := len(t.base) - len(t.In)
	t.base = append(t.base, h.read...)
	t.In = t.base[start:]
	h.read = h.read[:0]
	return true
}
