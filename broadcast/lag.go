package broadcast

import "fmt"

// Lag is the policy for a receiver or a subscriber that is too slow and has no room for what comes next.
type Lag uint8

const (
	// DropOldest keeps the newest: what has waited longest makes room, and the slow one is told how many it missed before
	// it reads on.
	DropOldest Lag = iota

	// DropNewest keeps what waits: the slow one misses what comes while it has no room, and is told how many after it
	// has read what it had.
	DropNewest

	// Block makes the publisher wait, as long as its context allows. One that never reads holds up everybody: give Publish and
	// Send a context with a deadline. In a Hub the slow one must call Subscription.Resume when it has room.
	Block

	// Disconnect ends the slow one with ErrLagged. It is right for those that can come back and recover from a history.
	Disconnect
)

// String returns the name of the policy as Go code has it.
func (l Lag) String() string {
	switch l {
	case DropOldest:
		return "DropOldest"
	case DropNewest:
		return "DropNewest"
	case Block:
		return "Block"
	case Disconnect:
		return "Disconnect"
	}
	return fmt.Sprintf("Lag(%d)", uint8(l))
}

// Missed is the error that stands in the place of values or messages that a slow receiver did not get. It does not end anything:
// the next read returns what came after the gap.
type Missed struct {
	Count uint64 // at least 1
}

func (m *Missed) Error() string { return fmt.Sprintf("broadcast: missed %d", m.Count) }
