package broadcast

import (
	"context"
	"sync"
	"time"
)

// mender does for a hub what must reach the backplane some time, and need not be waited for: who is present, and topics that could not
// be followed. It has a goroutine only while there is something to do. What fails is tried again, after a pause, until the hub closes.
type mender struct {
	hub    *Hub
	ctx    context.Context // of the goroutine
	cancel context.CancelFunc
	hurry  chan struct{} // closed by close: no more pauses

	mu      sync.Mutex
	closing bool
	idle    chan struct{} // closed when the goroutine ends; nil while there is none
	order   []rollEntry
	facts   map[rollEntry]*Message // the latest for each entry in order
	broken  []*audience            // not followed
	failed  error                  // why close has given up
}

// rollEntry is a line of the roll that this node writes.
type rollEntry struct {
	topic Topic
	key   string
}

const (
	firstPause = 100 * time.Millisecond
	lastPause  = 5 * time.Second
	oneTry     = 10 * time.Second // that the backplane gets to answer
)

func (d *mender) init(h *Hub) {
	d.hub = h
	d.ctx, d.cancel = context.WithCancel(context.Background())
	d.hurry = make(chan struct{})
	d.facts = make(map[rollEntry]*Message)
}

// tell has the roll say what m says. Of several messages about the same entry only the last matters.
func (d *mender) tell(m *Message) {
	d.mu.Lock()
	defer d.mu.Unlock()
	e := rollEntry{m.Topic, m.From}
	if _, waiting := d.facts[e]; !waiting {
		d.order = append(d.order, e)
	}
	d.facts[e] = m
	d.start()
}

// follow has a topic followed as soon as that is possible.
func (d *mender) follow(a *audience) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.broken = append(d.broken, a)
	d.start()
}

func (d *mender) start() {
	if d.idle == nil {
		d.idle = make(chan struct{})
		go d.run()
	}
}

func (d *mender) run() {
	pause := firstPause
	for {
		try, ok := d.next()
		if !ok {
			return
		}
		ctx, cancel := context.WithTimeout(d.ctx, oneTry)
		err := try(ctx)
		cancel()
		if err == nil {
			pause = firstPause
			continue
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-d.hurry:
			d.giveUp(err)
		}
		timer.Stop()
		pause = min(2*pause, lastPause)
	}
}

// next returns what to do, or false: then the goroutine ends.
func (d *mender) next() (func(context.Context) error, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case len(d.broken) > 0:
		return d.followFirst, true
	case len(d.order) > 0:
		return d.tellFirst, true
	}
	close(d.idle)
	d.idle = nil
	return nil, false
}

// tellFirst makes the first fact known. Nobody else takes from the list.
func (d *mender) tellFirst(ctx context.Context) error {
	d.mu.Lock()
	e := d.order[0]
	m := d.facts[e]
	d.mu.Unlock()

	err := d.hub.backplane.Publish(ctx, m, Retention{})
	d.hub.note(d.ctx, err)
	if err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.order = d.order[1:]
	if d.facts[e] == m {
		delete(d.facts, e)
	} else {
		d.order = append(d.order, e) // it has changed meanwhile
	}
	return nil
}

func (d *mender) followFirst(ctx context.Context) error {
	d.mu.Lock()
	a := d.broken[0]
	d.mu.Unlock()

	if !a.isGone() {
		if err := a.follow(ctx); err != nil {
			return err
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.broken = d.broken[1:]
	return nil
}

// giveUp drops what is left.
func (d *mender) giveUp(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.failed = err
	d.broken, d.order = nil, nil
	clear(d.facts)
}

// close waits until all is done, with no more than one try, or until ctx is done.
func (d *mender) close(ctx context.Context) error {
	d.mu.Lock()
	if !d.closing {
		d.closing = true
		close(d.hurry)
	}
	idle := d.idle
	d.mu.Unlock()
	defer d.cancel()
	if idle != nil {
		select {
		case <-idle:
		case <-ctx.Done():
			d.cancel()
			<-idle
			return context.Cause(ctx)
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.failed
}
