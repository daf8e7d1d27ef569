package engine

import (
	"sync/atomic"
	"time"
)

// instant is a point of the engine's coarse time, in nanoseconds since the engine's clock was first set; never 0.
type instant int64

// clock is time as the engine sees it: one goroutine moves it every tick, everybody reads it for the price of a load.
type clock struct {
	start time.Time
	now   atomic.Int64
}

// set moves the clock to t. The first call is its beginning.
func (c *clock) set(t time.Time) {
	if c.start.IsZero() {
		c.start = t
	}
	c.now.Store(int64(t.Sub(c.start)) + 1)
}

// after returns the instant that is d from now, or 0, which is never, if d is not positive.
func (c *clock) after(d time.Duration) instant {
	if d <= 0 {
		return 0
	}
	return instant(c.now.Load() + int64(d))
}

// passed reports whether i is over. 0 never is.
func (c *clock) passed(i instant) bool { return i != 0 && int64(i) <= c.now.Load() }

// timer is a deadline that its connection's owner sets and the engine's sweep reads.
type timer struct{ at atomic.Int64 }

func (t *timer) set(i instant) { t.at.Store(int64(i)) }
func (t *timer) stop()         { t.at.Store(0) }
func (t *timer) get() instant  { return instant(t.at.Load()) }
