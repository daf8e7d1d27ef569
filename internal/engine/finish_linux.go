//go:build !386

package engine

// finish leaves it to the owner: to release, at the end of its turn or of the one that the push begins.
func (c *loopConn) finish() {
	if c.state.Or(finishAsked)&(finishAsked|over) == 0 {
		c.loop.push(c)
	}
}

func (c *loopConn) waiting() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.out == nil {
		return 0
	}
	return c.out.size()
}
