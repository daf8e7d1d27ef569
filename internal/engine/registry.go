package engine

import "sync"

// registry knows the open connections of the blocking driver, for the sweep and for shutdown. A connection knows its place in
// the list, so that leaving costs no search.
type registry struct {
	mu   sync.Mutex
	list []*blocking
}

func (r *registry) add(b *blocking) {
	r.mu.Lock()
	b.place = len(r.list)
	r.list = append(r.list, b)
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
}

// each calls f for every connection, with the registry locked: f must not block, add or remove.
func (r *registry) each(f func(*blocking)) {
	r.mu.Lock()
	for _, b := range r.list {
		f(b)
	}
	r.mu.Unlock()
}
