//go:build !386

package engine

import (
	"sync/atomic"
	"time"
)

const (
	// monitorTick is how long foreign code may keep a loop, at least; at most it keeps it twice as long.
	monitorTick = 500 * time.Microsecond
	// monitorPatience is how many ticks without foreign code the monitor waits before it goes to sleep.
	monitorPatience = 40
)

// monitor takes loops away from leaders that are stuck in foreign code. One goroutine runs it; it sleeps while there is none.
type monitor struct {
	asleep atomic.Bool
	alarm  chan struct{} // gets a token when somebody has found the monitor asleep
	stop   chan struct{} // closed when the last loop has ended
}

func (m *monitor) init() {
	m.alarm = make(chan struct{}, 1)
	m.stop = make(chan struct{})
}

// rouse wakes the monitor. A leader calls it after it has entered foreign code, when it sees the monitor asleep. The monitor
// says that it sleeps before it looks at the phases for the last time: one of the two sees the other.
func (m *monitor) rouse() {
	if m.asleep.CompareAndSwap(true, false) {
		m.alarm <- struct{}{} // there is room: one token for each sleep
	}
}

func (m *monitor) run(list []*loop) {
	last := make([]uint64, len(list))
	for quiet := 0; ; {
		select {
		case <-m.stop:
			return
		default:
		}
		time.Sleep(monitorTick)
		if m.look(list, last) {
			quiet = 0
			continue
		}
		if quiet++; quiet < monitorPatience {
			continue
		}
		quiet = 0
		m.asleep.Store(true)
		if someInside(list) && m.asleep.CompareAndSwap(true, false) {
			continue
		}
		select {
		case <-m.alarm:
		case <-m.stop:
			return
		}
	}
}

// look deposes the leaders that have been inside the same foreign code since the last look. It reports whether any loop
// has been inside foreign code since.
func (m *monitor) look(list []*loop, last []uint64) (busy bool) {
	for i, l := range list {
		phase := l.phase.Load()
		switch {
		case phase != last[i]:
			last[i] = phase
			busy = true
		case phase&1 == 1:
			l.depose(phase)
			busy = true
		}
	}
	return busy
}

func someInside(list []*loop) bool {
	for _, l := range list {
		if l.phase.Load()&1 == 1 {
			return true
		}
	}
	return false
}
