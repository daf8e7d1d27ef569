package engine

import "errors"

// errFinished ends the wait of a connection whose Finish was called.
var errFinished = errors.New("engine: finished")

// Finish asks the owner to close the connection when what was sent has left: in an orderly way, as Linger does. It is meant for
// protocols that wait with AwaitForever. What is sent after it may be lost.
func (c *Conn) Finish() { c.driver.finish() }

// Waiting returns about how many bytes were sent and have not left yet, because the peer is slow.
func (c *Conn) Waiting() int { return c.driver.waiting() }

// finish speaks through the read deadline. Whoever lifts that looks at the mark afterwards.
func (b *blocking) finish() {
	b.finishes.Store(true)
	b.nc.SetReadDeadline(aLongTimeAgo)
}

func (b *blocking) waiting() int {
	b.outbox.mu.Lock()
	defer b.outbox.mu.Unlock()
	return len(b.outbox.waiting)
}
