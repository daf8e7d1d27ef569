package engine

import "sync"

// registry knows the open connections of the blocking driver, for the sweep, for shutdown and for the counts. A connection knows its
// place in the list, so that leaving costs no search.
type registry struct {
	mu   sync.Mutex
	list []*blocking
	past counters // of connections that have ended
}

func (r *registry) add(b *blocking) {
	r.mu.Lock()
	b.place = len(r.list)
	r.list = append(r.list, b)
	r.past.accepted.Add(1)
	r.mu.Unlock()
}

// remove takes b out, if it is in.
func (r *registry) remove(b *blocking) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if b.place >= len(r.list) || r.list[b.place] != b {
		return
	}
	last := len(r.list) - 1
	r.list[b.place] = r.list[last]
	r.list[b.place].place = b.place
	r.list[last] = nil
	r.list = r.list[:last]
	r.past.read.Add(b.received.Load())
	r.past.written.Add(b.sent.Load())
}

func (r *registry) counts() Counts {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := r.past.counts(int64(len(r.list)))
	for _, b := range r.list {
		n.Read += b.received.Load()
		n.Written += b.sent.Load()
	}
	return n
}

// each calls f for every connection, with the registry locked: f must not block, add or remove.
func (r *registry) each(f func(*blocking)) {
	r.mu.Lock()
	defer r.mu.Unlock() // also when foreign code ends the goroutine
	for _, b := range r.list {
		f(b)
	}
}
