package sse

import (
	"sync"
	"sync/atomic"
	"time"
)

// keeper has one timer for the heartbeats of all streams of a Source, and one for all that have had no room. Neither runs while there
// is nobody to be kept.
type keeper struct {
	every  time.Duration // between two ticks; 0 if there are no heartbeats
	buffer int           // bytes that may wait for one client
	tick   atomic.Uint32

	mu      sync.Mutex // guards what follows
	streams []*stream
	beat    *time.Timer   // nil while there are no streams
	lagging []*stream     // that have had no room
	look    *time.Timer   // nil while there are none
	pause   time.Duration // before that look
}

// A stream that has said nothing for quiet ticks gets a heartbeat. There are ticksPerHeartbeat, and the first may be short.
const (
	ticksPerHeartbeat = 8
	quiet             = ticksPerHeartbeat - 1
)

// A stream that has room again gets what waits for it at the next look, which comes the later the more streams there are to be looked at,
// and the longer none of them has had room.
const (
	firstLook = time.Millisecond
	lookAtOne = 10 * time.Microsecond
	lastLook  = 50 * time.Millisecond
)

func (k *keeper) init(heartbeat time.Duration, buffer int) {
	if heartbeat > 0 {
		k.every = max(heartbeat/ticksPerHeartbeat, time.Millisecond)
	}
	k.buffer = buffer
}

func (k *keeper) count() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.streams)
}

// add keeps st from now on.
func (k *keeper) add(st *stream) {
	k.mu.Lock()
	defer k.mu.Unlock()
	st.last.Store(k.tick.Load())
	k.streams = append(k.streams, st)
	st.place = len(k.streams)
	if k.beat == nil && k.every > 0 {
		k.beat = time.AfterFunc(k.every, k.sweep)
	}
}

// remove keeps st no more.
func (k *keeper) remove(st *stream) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if st.place == 0 {
		return
	}
	last := k.streams[len(k.streams)-1]
	k.streams[st.place-1], last.place = last, st.place
	k.streams[len(k.streams)-1] = nil
	k.streams = k.streams[:len(k.streams)-1]
	st.place = 0
	if len(k.streams) == 0 && k.beat != nil {
		k.beat.Stop()
		k.beat = nil
	}
}

// sweep sends a heartbeat to those who have said nothing for long. Who is slow has something to say anyway.
func (k *keeper) sweep() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.beat == nil {
		return
	}
	now := k.tick.Add(1)
	for _, st := range k.streams {
		if now-st.last.Load() >= quiet && st.feed.Waiting() == 0 {
			st.feed.Send([]byte(heartbeat))
			st.last.Store(now)
		}
	}
	k.beat.Reset(k.every)
}

// lag notes that st has had no room.
func (k *keeper) lag(st *stream) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if st.lagging {
		return
	}
	st.lagging = true
	k.lagging = append(k.lagging, st)
	if k.look == nil {
		k.pause = 0
		k.lookAgain()
	}
}

// lookAgain has resume called later. The caller holds mu.
func (k *keeper) lookAgain() {
	k.pause = min(max(2*k.pause, firstLook+time.Duration(len(k.lagging))*lookAtOne), lastLook)
	k.look = time.AfterFunc(k.pause, k.resume)
}

// resume looks for those who have room again.
func (k *keeper) resume() {
	k.mu.Lock()
	streams := k.lagging
	k.lagging = nil
	for _, st := range streams {
		st.lagging = false
	}
	k.mu.Unlock()
	var full []*stream
	for _, st := range streams {
		if st.feed.Waiting() > k.buffer/2 || !st.resume() { // outside of mu: the hub calls back
			full = append(full, st)
		}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, st := range full {
		if !st.lagging {
			st.lagging = true
			k.lagging = append(k.lagging, st)
		}
	}
	k.look = nil
	if len(full) < len(streams) {
		k.pause = 0
	}
	if len(k.lagging) > 0 {
		k.lookAgain()
	}
}
