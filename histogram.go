package hyperlane

import (
	"encoding/json"
	"iter"
	"math/bits"
	"sync/atomic"
	"time"
)

// Histogram says how long requests took, from the end of the head, or of a body that was read before, until the handler had returned.
// Its buckets are at most a quarter wider than the shortest time in them, so that is how exact it is.
type Histogram struct {
	counts [buckets]uint64
}

// Each power of two nanoseconds from 2^firstPower on has four buckets. The first takes all that is shorter, the last all that is longer.
const (
	firstPower = 9  // 512 ns
	lastPower  = 36 // 68 s
	buckets    = 4 * (lastPower - firstPower)
)

// bucketOf returns the bucket of d.
func bucketOf(d time.Duration) int {
	if d < 1<<firstPower {
		return 0
	}
	power := bits.Len64(uint64(d)) - 1
	if power >= lastPower {
		return buckets - 1
	}
	return 4*(power-firstPower) + int(d>>(power-2)&3)
}

// bucketEnd returns the shortest time that is too long for the bucket.
func bucketEnd(i int) time.Duration {
	return time.Duration(4+i%4+1) << (firstPower + i/4 - 2)
}

// Count returns how many requests there were.
func (h *Histogram) Count() uint64 {
	var n uint64
	for _, c := range h.counts {
		n += c
	}
	return n
}

// Quantile returns the time that a part q (0 to 1) of the requests did not exceed, 0.99 say, rounded up to the end of its bucket. It is 0
// if there were none.
func (h *Histogram) Quantile(q float64) time.Duration {
	total := h.Count()
	if total == 0 {
		return 0
	}
	rank := max(uint64(q*float64(total)+0.5), 1)
	for i, c := range h.counts {
		if rank <= c {
			return bucketEnd(i)
		}
		rank -= c
	}
	return bucketEnd(buckets - 1)
}

// Buckets yields, from the shortest to the longest time, the end of each bucket that is not empty and how many requests are in it.
func (h *Histogram) Buckets() iter.Seq2[time.Duration, uint64] {
	return func(yield func(time.Duration, uint64) bool) {
		for i, c := range h.counts {
			if c > 0 && !yield(bucketEnd(i), c) {
				return
			}
		}
	}
}

// MarshalJSON returns the count, and some quantiles in seconds.
func (h Histogram) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Count uint64  `json:"count"`
		P50   float64 `json:"p50"`
		P90   float64 `json:"p90"`
		P99   float64 `json:"p99"`
		P999  float64 `json:"p999"`
	}{h.Count(), h.Quantile(.5).Seconds(), h.Quantile(.9).Seconds(), h.Quantile(.99).Seconds(), h.Quantile(.999).Seconds()})
}

func (h *Histogram) add(other *Histogram) {
	for i, c := range other.counts {
		h.counts[i] += c
	}
}

// growing is a Histogram that many write.
type growing struct {
	counts [buckets]atomic.Uint64
}

func (g *growing) note(d time.Duration, weight uint64) { g.counts[bucketOf(d)].Add(weight) }

func (g *growing) histogram() Histogram {
	var h Histogram
	for i := range g.counts {
		h.counts[i] = g.counts[i].Load()
	}
	return h
}
