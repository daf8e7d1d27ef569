//go:build !386

package engine

import (
	"sync"
	"sync/atomic"
)

// chunkSize is how many descriptors one piece of a table covers.
const chunkSize = 1024

type chunk [chunkSize]atomic.Pointer[loopConn]

// table finds a connection by its descriptor. Anybody may read it; a place is written by the connection's owner, between
// accept and close of the descriptor, so no two ever write the same one. mu guards the growing.
type table struct {
	chunks atomic.Pointer[[]*chunk]
	mu     sync.Mutex
}

// at returns the connection on fd, or nil.
func (t *table) at(fd int) *loopConn {
	chunks := t.chunks.Load()
	if chunks == nil || uint(fd)/chunkSize >= uint(len(*chunks)) {
		return nil
	}
	return (*chunks)[uint(fd)/chunkSize][uint(fd)%chunkSize].Load()
}

func (t *table) set(fd int, c *loopConn) {
	chunks := t.chunks.Load()
	if chunks == nil || fd/chunkSize >= len(*chunks) {
		chunks = t.grow(fd/chunkSize + 1)
	}
	(*chunks)[fd/chunkSize][fd%chunkSize].Store(c)
}

func (t *table) grow(n int) *[]*chunk {
	t.mu.Lock()
	defer t.mu.Unlock()
	var grown []*chunk
	if old := t.chunks.Load(); old != nil {
		if len(*old) >= n {
			return old
		}
		grown = append(grown, *old...)
	}
	for len(grown) < n {
		grown = append(grown, new(chunk))
	}
	t.chunks.Store(&grown)
	return &grown
}

// each calls f for every connection that is there all the while.
func (t *table) each(f func(*loopConn)) {
	chunks := t.chunks.Load()
	if chunks == nil {
		return
	}
	for _, part := range *chunks {
		for i := range part {
			if c := part[i].Load(); c != nil {
				f(c)
			}
		}
	}
}
