//go:build !386

package engine

import (
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
)

// loop is one poller and the connections that are registered with it. It is led by one goroutine at a time, its leader; the
// fields below say what others touch.
//
// phase is the leader's right to the loop. It is even while the leader is at its own work, and odd while foreign code runs on
// the leader (between enter and leave). It only grows, so a value never comes back. The leader alone changes it when it is
// even, by a plain store. When it is odd, the leader that comes out of foreign code and whoever wants to take the loop away
// both try to exchange it for a larger even value, and one of them succeeds:
//
//	odd -> +1  by the leader: it still leads
//	odd -> +1  by the monitor, or by the leader itself before it waits: a follower leads from then on, and the goroutine
//	           that led finds out by its own exchange that fails
//
// Everything that the leader owns is written before such an exchange and read by a follower that was started after it. The
// rest of the batch is the loop's and not the seat's, so the follower goes on where the leader was.
type loop struct {
	set    *loops
	number int
	poller *poller
	phase  atomic.Uint64
	steps  atomic.Uint64 // polls that brought something; tests count them

	count   counters
	at, n   int         // the leader's: the next event of the batch, and where the batch ends
	tasks   []*loopConn // the leader's: connections that were pushed, taken from pushed
	tasksAt int

	mu       sync.Mutex // guards what follows
	pushed   []*loopConn
	sleeping bool // the leader waits, or is about to
	ended    bool
	open     atomic.Int64 // connections; it grows under mu only, so an ended loop gets none
}

func newLoop(set *loops, number int) (*loop, error) {
	p, err := newPoller()
	if err != nil {
		return nil, err
	}
	return &loop{set: set, number: number, poller: p}, nil
}

// lead is the life of a leader: until the loop ends or is given away, and the turn that it had then has ended. Foreign code may
// end the goroutine by a panic or by runtime.Goexit: then its connection is closed, and a follower takes the loop.
func (l *loop) lead(phase uint64) {
	s := takeLeaderSeat(max(l.set.engine.loopReadBuffer(false), l.set.engine.loopReadBuffer(true)))
	s.loop, s.leads, s.phase = l, true, phase
	orderly := false
	defer func() {
		if !s.leads {
			l.set.away.Add(-1)
		}
		if orderly {
			s.give()
			return
		}
		l.fail(s, recover())
	}()
	l.run(s)
	orderly = true
}

// fail cleans up after a goroutine that foreign code has ended. Its seat is not used again: that code may have kept a part.
func (l *loop) fail(s *seat, reason any) {
	err := errGoexit
	if reason != nil {
		err = panicked(reason)
	}
	if s.leads {
		l.stepDown(s)
		defer l.set.away.Add(-1)
	}
	l.set.engine.config.Failed(err)
	if c := s.conn; c != nil && c.state.Load()&over == 0 {
		c.end(s, err)
	}
}

func (l *loop) run(s *seat) {
	yielded := false
	for {
		for l.at < l.n {
			event := &l.poller.events[l.at]
			l.at++
			if l.dispatch(s, event); !s.leads {
				return
			}
		}
		if l.work(s); !s.leads {
			return
		}
		if l.set.closing.Load() && l.finish() {
			return
		}
		if l.set.away.Load() > 0 {
			runtime.Gosched() // handlers off the loop would otherwise wait for this goroutine to be preempted
		}
		l.at, l.n = 0, l.poller.poll()
		switch {
		case l.n > 0:
			yielded = false
			l.steps.Add(1)
		case !yielded:
			yielded = true
			runtime.Gosched()
		default:
			l.sleep()
		}
	}
}

// sleep waits for events or for a wake.
func (l *loop) sleep() {
	l.mu.Lock()
	if len(l.pushed) > 0 || l.set.closing.Load() && l.open.Load() == 0 {
		l.mu.Unlock()
		return
	}
	l.sleeping = true
	l.mu.Unlock()
	l.n = l.poller.wait()
	l.steps.Add(1)
	l.mu.Lock()
	l.sleeping = false
	l.mu.Unlock()
}

// dispatch gives one event to whom it concerns. An event whose generation is not that of the connection on the descriptor was
// meant for one that has ended meanwhile.
func (l *loop) dispatch(s *seat, event *syscall.EpollEvent) {
	fd, generation, events := int(event.Fd), event.Pad, event.Events
	if generation == 0 {
		if fd == l.poller.bell {
			l.poller.hush()
		} else if ln := l.set.listenerAt(fd); ln != nil {
			ln.ready(l, s)
		}
		return
	}
	c := l.set.table.at(fd)
	if c == nil || c.generation != generation {
		return
	}
	for !c.claim() {
		if c.met(events) {
			return
		}
	}
	c.ready(s, events)
}

// work does what connections have been pushed for.
func (l *loop) work(s *seat) {
	if l.tasksAt == len(l.tasks) {
		clear(l.tasks)
		l.tasksAt = 0
		l.mu.Lock()
		l.tasks, l.pushed = l.pushed, l.tasks[:0]
		l.mu.Unlock()
	}
	for l.tasksAt < len(l.tasks) {
		c := l.tasks[l.tasksAt]
		l.tasksAt++
		if c.attend(s); !s.leads {
			return
		}
	}
}

// push asks the leader to attend to c. Anybody may call it; c is pushed once until the leader looks.
func (l *loop) push(c *loopConn) {
	if c.state.Or(pushed)&pushed != 0 {
		return
	}
	l.mu.Lock()
	l.pushed = append(l.pushed, c)
	l.wakeLocked()
	l.mu.Unlock()
}

// wake makes a leader that waits look around. A leader at work looks before it waits.
func (l *loop) wake() {
	l.mu.Lock()
	l.wakeLocked()
	l.mu.Unlock()
}

func (l *loop) wakeLocked() {
	if l.sleeping && !l.ended {
		l.sleeping = false
		l.poller.ring()
	}
}

// enter and leave bracket foreign code on the goroutine of s.
func (l *loop) enter(s *seat) {
	if !s.leads {
		return
	}
	s.phase++
	l.phase.Store(s.phase)
	if m := &l.set.monitor; m.asleep.Load() {
		m.rouse()
	}
}

func (l *loop) leave(s *seat) {
	if !s.leads || s.phase&1 == 0 {
		return
	}
	if l.phase.CompareAndSwap(s.phase, s.phase+1) {
		s.phase++
		return
	}
	s.leads, s.overstayed = false, true
}

// stillLeads reports whether the goroutine of s leads the loop, at this moment.
func (l *loop) stillLeads(s *seat) bool { return s.leads && l.phase.Load() == s.phase }

// stepDown gives the loop away, if s still leads it.
func (l *loop) stepDown(s *seat) {
	if !s.leads {
		return
	}
	s.leads = false
	if !l.depose(s.phase) {
		s.overstayed = true
	}
}

// depose takes the loop from the leader that last set phase, and starts a follower.
func (l *loop) depose(phase uint64) bool {
	next := phase + 2 - phase&1
	if !l.phase.CompareAndSwap(phase, next) {
		return false
	}
	l.count.handOvers.Add(1)
	l.set.away.Add(1) // the goroutine that led; it takes itself off the count when it ends
	go l.lead(next)
	return true
}

// reserve counts one more connection, unless the loop has ended.
func (l *loop) reserve() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		return false
	}
	l.open.Add(1)
	l.count.accepted.Add(1)
	return true
}

// finish ends the loop of an engine that closes, once it has no connection left.
func (l *loop) finish() bool {
	l.mu.Lock()
	if l.open.Load() > 0 {
		l.mu.Unlock()
		return false
	}
	l.ended = true
	l.mu.Unlock()
	l.poller.close()
	l.set.loopEnded()
	return true
}
