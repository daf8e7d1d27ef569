package websocket

// Idle reports whether the function of c waits for the next message.
func Idle(c *Conn) bool { return c.inbox.idle() }
