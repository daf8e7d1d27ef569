// Package spin is the work of the handlers that keep a core busy, the same for all servers.
package spin

import "time"

// gap is the longest step between two looks at the clock that counts as work. What takes longer was an interruption.
const gap = 20 * time.Microsecond

// For computes for the duration d of its own running time: the time in which others had the core does not count.
func For(d time.Duration) {
	last := time.Now()
	for worked := time.Duration(0); worked < d; {
		now := time.Now()
		worked += min(now.Sub(last), gap)
		last = now
	}
}
