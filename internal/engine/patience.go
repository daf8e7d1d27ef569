package engine

import "time"

// patience turns what a connection waits for into its read deadline. It belongs to the connection's owner.
//
// A deadline counts from the moment a wait of its kind began, and bytes that trickle in do not move it: only the end of a
// message does (Turn.Restart), or, for a body, the bytes that it has brought (Config.BodyRate).
type patience struct {
	kind  Next
	start instant // when the wait of this kind began
	grown int64   // bytes that have come since
}

// begin is called with what the connection waits for now, and returns the deadline; 0 is none.
func (p *patience) begin(e *Engine, next Next, restart bool) instant {
	if restart || next != p.kind || p.start == 0 {
		*p = patience{kind: next, start: e.clock.after(1)}
	}
	switch next {
	case AwaitMessage:
		return p.deadline(int64(e.config.IdleTimeout))
	case AwaitHead:
		return p.deadline(int64(e.config.HeadTimeout))
	case AwaitBody:
		d := int64(e.config.BodyTimeout)
		if d > 0 && e.config.BodyRate > 0 {
			d += p.grown / int64(e.config.BodyRate) * int64(time.Second)
		}
		return p.deadline(d)
	}
	return 0
}

func (p *patience) deadline(d int64) instant {
	if d <= 0 {
		return 0
	}
	return p.start + instant(d)
}
