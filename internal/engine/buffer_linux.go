//go:build !386

package engine

import (
	"math/bits"
	"sync"
)

// buffer is a slice that was borrowed from a pool. It belongs to whoever holds it, and exactly one does.
type buffer struct{ b []byte }

const (
	smallestBuffer = 9  // 512 B
	largestBuffer  = 20 // 1 MiB; a larger one is left to the garbage collector
)

var bufferPools [largestBuffer + 1]sync.Pool

// takeBuffer returns an empty buffer with room for size bytes.
func takeBuffer(size int) *buffer {
	class := max(bits.Len(uint(max(size, 1)-1)), smallestBuffer)
	if class > largestBuffer {
		return &buffer{make([]byte, 0, size+size/4)}
	}
	if b, ok := bufferPools[class].Get().(*buffer); ok {
		b.b = b.b[:0]
		return b
	}
	return &buffer{make([]byte, 0, 1<<class)}
}

// give returns b to its pool. nil is nothing to return.
func (b *buffer) give() {
	if b == nil {
		return
	}
	class := bits.Len(uint(cap(b.b))) - 1
	if class >= smallestBuffer && class <= largestBuffer && cap(b.b) == 1<<class {
		bufferPools[class].Put(b)
	}
}

// put appends p, in a larger buffer if need be, and returns the buffer that holds it all.
func (b *buffer) put(p []byte) *buffer {
	if len(b.b)+len(p) <= cap(b.b) {
		b.b = append(b.b, p...)
		return b
	}
	grown := takeBuffer(max(len(b.b)+len(p), 2*len(b.b)))
	grown.b = append(append(grown.b, b.b...), p...)
	b.give()
	return grown
}
