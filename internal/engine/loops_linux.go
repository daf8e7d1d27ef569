//go:build !386

package engine

import (
	"net"
	"sync"
	"sync/atomic"
)

// loops is the event-loop driver of one engine: its loops, their monitor, and the connections. It starts with the first
// listener, and ends after Close with the last connection.
type loops struct {
	engine  *Engine
	list    []*loop // set once, before the first connection
	monitor monitor
	table   table
	away    atomic.Int64 // goroutines that run a turn off their loop, and do not wait
	closing atomic.Bool
	serial  atomic.Int32 // the last generation given

	listening atomic.Pointer[[]*listener] // copied when it changes

	mu    sync.Mutex // guards what follows, and the changes of listening
	alive int        // loops that have not ended
}

func (e *loops) serve(engine *Engine, ln net.Listener) error {
	from, ok := pollable(ln)
	if !ok {
		return ErrNoLoops
	}
	if !engine.listen(ln) {
		ln.Close()
		return ErrEngineClosed
	}
	defer engine.unlisten(ln)
	if err := e.start(engine); err != nil {
		return err
	}
	l, err := e.listen(from)
	if err != nil {
		if engine.draining.Load() {
			return ErrEngineClosed // its listener or its loops have ended meanwhile
		}
		return err
	}
	if _, tcp := ln.(*net.TCPListener); tcp {
		ln.Close() // ours is a descriptor of its own; this one would only wake the runtime's poller for each connection
	}
	return <-l.done
}

// start makes the loops, once.
func (e *loops) start(engine *Engine) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.list != nil {
		return nil
	}
	e.engine = engine
	var list []*loop
	for number := range engine.loopCount() {
		l, err := newLoop(e, number)
		if err != nil {
			for _, l := range list {
				l.poller.close()
			}
			return err
		}
		list = append(list, l)
	}
	engine.tick()
	e.list, e.alive = list, len(list)
	e.monitor.init()
	go e.monitor.run(list)
	for _, l := range list {
		go l.lead(0)
	}
	return nil
}

func (e *loops) loopEnded() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.alive--; e.alive == 0 {
		close(e.monitor.stop)
	}
}

// started returns the loops, or nil before there are any.
func (e *loops) started() []*loop {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.list
}

func (e *loops) counts() []Counts {
	var list []Counts
	for _, l := range e.started() {
		list = append(list, l.count.counts(l.open.Load()))
	}
	return list
}

// lightest returns the loop with the fewest connections; own wins a tie.
func (e *loops) lightest(own *loop) *loop {
	best, fewest := own, own.open.Load()
	for _, l := range e.list {
		if n := l.open.Load(); n < fewest {
			best, fewest = l, n
		}
	}
	return best
}

// generation returns a number that tells a connection from others that had its descriptor. 0 is for what is no connection.
func (e *loops) generation() int32 {
	for {
		if g := e.serial.Add(1); g != 0 {
			return g
		}
	}
}

// sweep looks for deadlines that have passed. The engine's sweep calls it.
func (e *loops) sweep() {
	if e.started() == nil {
		return
	}
	for _, ln := range e.listeners() {
		ln.sweep()
	}
	clock := &e.engine.clock
	e.table.each(func(c *loopConn) {
		if clock.passed(c.due.get()) {
			c.expire()
		}
	})
}

func (e *loops) stopListening() {
	for _, ln := range e.listeners() {
		ln.close(ErrEngineClosed)
	}
}

// kick drains or closes every connection.
func (e *loops) kick(drain bool) {
	e.table.each(func(c *loopConn) { c.kick(drain) })
}

// close ends the loops; each waits for its last connection.
func (e *loops) close() {
	e.closing.Store(true)
	e.kick(false)
	for _, l := range e.started() {
		l.wake()
	}
}
