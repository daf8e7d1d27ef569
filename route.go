package hyperlane

import (
	"sync/atomic"
	"time"

	"github.com/hyperlane-go/hyperlane/internal/route"
)

// RouteOption says something about one route where it is registered.
type RouteOption func(*registration)

// Name names a route, for Server.URL. A name can be taken once.
func Name(name string) RouteOption { return func(r *registration) { r.name = name } }

// MaxBody bounds the request bodies of one route, in bytes, where Config.Limits.Body would allow more. Beyond it the answer is 413.
func MaxBody(bytes int64) RouteOption { return func(r *registration) { r.maxBody = bytes } }

// Inline pins a route to the event loop: its handler always runs on the goroutine that reads and writes, the cheapest way, and right
// for a handler that never waits. One that does wait holds up no other connection for longer than a tick all the same.
func Inline() RouteOption { return func(r *registration) { r.pin = pinInline } }

// Blocking pins a route off the event loop: its handler always gets a goroutine, right for one that is known to wait. Without a pin
// the server learns which routes are slow.
func Blocking() RouteOption { return func(r *registration) { r.pin = pinBlocking } }

// RouteInfo is one line of Server.Routes.
type RouteInfo struct {
	Method  string // empty: any
	Host    string // empty: any
	Pattern string
	Name    string // empty: none
	Place   string // file:line of the registration
}

type pin uint8

const (
	unpinned pin = iota
	pinInline
	pinBlocking
)

// registration is what the user said of a route, and, once the server has started, what a request needs of it. After that it is
// read only, but for pace.
type registration struct {
	route.Route
	group   *Group
	handler Handler
	name    string
	maxBody int64 // 0: the server's
	pin     pin

	// set by freeze
	run      Handler   // handler, wrapped
	request  []Handler // phases of the groups
	response []Handler

	pace pace
}

func (r *registration) freeze() {
	r.run = r.group.wrap(r.handler)
	r.request, r.response = r.group.phases()
}

// offLoop reports whether the next request had better not run on an event loop.
func (r *registration) offLoop() bool {
	switch r.pin {
	case pinInline:
		return false
	case pinBlocking:
		return true
	}
	return r.pace.credit.Load() > 0
}

// pace learns whether a route is slow. A handler that overstays on a loop earns its route a number of requests off the loop; each
// of those that finishes quickly takes one away, and at zero the loop is tried again. Every overstay doubles the number, up to
// a bound. All goroutines share it; a lost update costs one wrong guess.
type pace struct {
	credit  atomic.Int32 // requests that are still to run off the loop
	penalty atomic.Int32 // what the last overstay cost

	overstays atomic.Uint64 // for Stats
}

const (
	firstPenalty = 16
	lastPenalty  = 1 << 14
	quick        = 200 * time.Microsecond
)

func (p *pace) overstayed() {
	p.overstays.Add(1)
	penalty := min(max(2*p.penalty.Load(), firstPenalty), lastPenalty)
	p.penalty.Store(penalty)
	p.credit.Store(penalty)
}

// took is told how long a request off the loop has taken.
func (p *pace) took(d time.Duration) {
	if d < quick {
		p.credit.Add(-1)
	} else if p.credit.Load() < p.penalty.Load() {
		p.credit.Store(p.penalty.Load())
	}
}
