package engine

import "sync/atomic"

// Counts is what has happened on one loop, or on the blocking driver, since the engine was made.
type Counts struct {
	Open      int64  // connections, now
	Accepted  uint64 // connections
	Read      uint64 // bytes
	Written   uint64 // bytes
	Timeouts  uint64 // deadlines that have passed on a connection
	HandOvers uint64 // times that a loop was given to another goroutine, because foreign code took long or was about to wait
}

// Stats is what Engine.Stats returns.
type Stats struct {
	Loops       []Counts // empty before the first listener of loops
	Blocking    Counts
	Refused     uint64 // connections beyond Config.MaxConns
	AcceptFails uint64 // times that a listener could not accept for a while, for want of descriptors or memory
}

// counters is Counts while it grows: written by few, read by anybody.
type counters struct {
	accepted, read, written, timeouts, handOvers atomic.Uint64
}

func (c *counters) counts(open int64) Counts {
	return Counts{
		Open: open, Accepted: c.accepted.Load(), Read: c.read.Load(), Written: c.written.Load(),
		Timeouts: c.timeouts.Load(), HandOvers: c.handOvers.Load(),
	}
}

// Stats returns what has happened so far. The figures are taken one after the other while the engine works.
func (e *Engine) Stats() Stats {
	return Stats{
		Loops: e.loops.counts(), Blocking: e.blocking.counts(), Refused: e.refused.Load(), AcceptFails: e.acceptFails.Load(),
	}
}
