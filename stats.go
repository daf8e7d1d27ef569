package hyperlane

import (
	"math/rand/v2"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/hyperlane-go/hyperlane/internal/engine"
)

// Stats is what Server.Stats returns: everything since New, for health checks, metrics and dashboards. The JSON names are for good.
type Stats struct {
	Uptime time.Duration `json:"uptime_ns"`
	Total  LoopStats     `json:"total"`

	// Loops are the event loops, in their order. What is served otherwise (by goroutines of the blocking driver, by net/http) is part
	// of Total only.
	Loops []LoopStats `json:"loops,omitempty"`

	// Refused are connections beyond Config.MaxConns, Shed requests beyond Config.MaxInFlight: each was answered 503.
	Refused uint64 `json:"refused"`
	Shed    uint64 `json:"shed"`

	// AcceptFails counts the times that no connection could be accepted, because descriptors or memory had run out.
	AcceptFails uint64 `json:"accept_fails"`

	// SlowRoutes are the routes that have held up a loop, and were moved off it for a while, each with how often.
	SlowRoutes []SlowRoute `json:"slow_routes,omitempty"`
}

// LoopStats is what has happened on one event loop.
type LoopStats struct {
	Connections  int    `json:"connections"`   // open now
	Accepted     uint64 `json:"accepted"`      // connections
	Requests     uint64 `json:"requests"`      // that have begun
	InFlight     int    `json:"in_flight"`     // requests that have begun and not ended
	BytesRead    uint64 `json:"bytes_read"`    // not counted where net/http has the connection
	BytesWritten uint64 `json:"bytes_written"` // likewise
	HandOvers    uint64 `json:"hand_overs"`    // times that the loop went to another goroutine, because a handler took long or was about to wait

	Errors ErrorStats `json:"errors"`

	// Latency is of the handlers. Of those that ran to their end on a loop one in sixteen is timed, and counts for sixteen.
	Latency Histogram `json:"latency"`
}

// ErrorStats counts what went wrong, by kind.
type ErrorStats struct {
	Malformed uint64 `json:"malformed"` // messages that are no HTTP, or break a limit: refused before they had a route
	Client    uint64 `json:"client"`    // answers with a status of 400 to 499
	Server    uint64 `json:"server"`    // answers with a status of 500 to 599
	Panics    uint64 `json:"panics"`    // of handlers and hooks
	Broken    uint64 `json:"broken"`    // responses that were broken off: the client has gone, or the handler failed half-way
	Timeouts  uint64 `json:"timeouts"`  // deadlines of heads, bodies, idle connections and writes that have passed
}

// SlowRoute is a route that the server has learned to run off the event loop.
type SlowRoute struct {
	Method    string `json:"method,omitempty"`
	Pattern   string `json:"pattern"`
	Overstays uint64 `json:"overstays"` // times that its handler held up a loop for longer than a tick
	OffLoop   bool   `json:"off_loop"`  // the next request runs off the loop
}

// cell counts what happens on one loop, or among some of the other connections. It is mostly one goroutine that writes to it.
type cell struct {
	requests, ended                             atomic.Uint64
	malformed, client, server, panicked, broken atomic.Uint64
	latency                                     growing
	_                                           [64]byte // the next cell is another processor's
}

// cells are those of a server: one for each loop, and some for the rest, which share them by chance.
type cells struct {
	born  time.Time
	loops []cell
	rest  []cell
	shed  atomic.Uint64
}

func newCells(loops int) *cells {
	return &cells{born: time.Now(), loops: make([]cell, loops), rest: make([]cell, runtime.GOMAXPROCS(0))}
}

// of returns the cell of a connection.
func (cs *cells) of(handle *engine.Conn) *cell {
	if n := handle.Loop(); n >= 0 {
		return &cs.loops[n]
	}
	return cs.other()
}

func (cs *cells) other() *cell { return &cs.rest[rand.IntN(len(cs.rest))] }

// now is the time since the server was made. It costs half of time.Now.
func (cs *cells) now() time.Duration { return time.Since(cs.born) }

// sampled is one in how many inline requests is timed.
const sampled = 16

// end counts a request that has ended with that status.
func (l *cell) end(status int, broken bool) {
	switch {
	case broken:
		l.broken.Add(1)
	case status >= 500:
		l.server.Add(1)
	case status >= 400:
		l.client.Add(1)
	}
	l.ended.Add(1)
}

func (l *cell) addTo(s *LoopStats) {
	ended := l.ended.Load() // before requests, so that there are never more
	n := l.requests.Load()
	s.Requests += n
	s.InFlight += int(n - ended)
	s.Errors.Malformed += l.malformed.Load()
	s.Errors.Client += l.client.Load()
	s.Errors.Server += l.server.Load()
	s.Errors.Panics += l.panicked.Load()
	s.Errors.Broken += l.broken.Load()
	latency := l.latency.histogram()
	s.Latency.add(&latency)
}

func (s *LoopStats) addCounts(c engine.Counts) {
	s.Connections += int(c.Open)
	s.Accepted += c.Accepted
	s.BytesRead += c.Read
	s.BytesWritten += c.Written
	s.HandOvers += c.HandOvers
	s.Errors.Timeouts += c.Timeouts
}

// Stats returns what has happened so far. It may be called by any goroutine; requests do not wait for it. The figures are taken one
// after the other, so they may differ by what happens meanwhile.
func (s *Server) Stats() Stats {
	e := s.engine.Stats()
	stats := Stats{
		Uptime: s.cells.now(), Refused: e.Refused, Shed: s.cells.shed.Load(), AcceptFails: e.AcceptFails,
		Loops: make([]LoopStats, len(e.Loops)),
	}
	for i := range s.cells.loops {
		s.cells.loops[i].addTo(&stats.Total)
	}
	for i := range s.cells.rest {
		s.cells.rest[i].addTo(&stats.Total)
	}
	stats.Total.addCounts(e.Blocking)
	for i, counts := range e.Loops {
		s.cells.loops[i].addTo(&stats.Loops[i])
		stats.Loops[i].addCounts(counts)
		stats.Total.addCounts(counts)
	}
	if s.frozen.Load() {
		for _, r := range s.registrations {
			if n := r.pace.overstays.Load(); n > 0 {
				stats.SlowRoutes = append(stats.SlowRoutes, SlowRoute{r.Method, r.Pattern, n, r.offLoop()})
			}
		}
	}
	return stats
}
