package broadcast

import (
	"errors"
	"fmt"
	"time"
)

// Rules are what a hub does for one topic. They are read when the topic gets its first subscriber, and stay until its last has gone.
// All nodes must have the same.
type Rules struct {
	// Lag says what happens to messages for which a subscriber has no room. Zero: DropOldest.
	//
	// With Block, Publish waits before it publishes, until nobody on this node lags. Subscribers of other nodes do not make it wait:
	// what they cannot take waits in their Backlog, as with DropOldest.
	Lag Lag

	// Backlog is how many messages wait for those that lag. They share it, and it is empty while nobody lags. Beyond it the
	// oldest is dropped, and with Disconnect a subscriber that is still recovering is ended. Zero: 256.
	Backlog int

	// History is what is kept for those who come back. Zero: nothing.
	History Retention

	// Presence makes the hub keep account of who is here, and tell the subscribers who joins and who leaves.
	Presence bool

	// Subscribers is how many there may be on one node. Zero: any number.
	Subscribers int

	// MessageSize is how many bytes Publication.Data may have. Zero: 64 KiB. Negative: any number.
	MessageSize int
}

// Retention bounds a history.
type Retention struct {
	// Count is how many messages are kept. Zero: none.
	Count int

	// Age is how long a message is kept. Zero: ten minutes. The history outlives the last subscriber by its age.
	Age time.Duration
}

// compile returns the rules with the defaults filled in, or all mistakes.
func (r Rules) compile() (Rules, error) {
	var errs []error
	refuse := func(field string, value any) { errs = append(errs, fmt.Errorf("%s must not be %v", field, value)) }
	if r.Lag > Disconnect {
		refuse("Lag", r.Lag)
	}
	if r.Backlog < 0 {
		refuse("Backlog", r.Backlog)
	}
	if r.History.Count < 0 {
		refuse("History.Count", r.History.Count)
	}
	if r.History.Age < 0 {
		refuse("History.Age", r.History.Age)
	}
	if r.Subscribers < 0 {
		refuse("Subscribers", r.Subscribers)
	}
	if r.Backlog == 0 {
		r.Backlog = 256
	}
	r.History = r.History.orDefault()
	if r.MessageSize == 0 {
		r.MessageSize = 64 << 10
	}
	return r, errors.Join(errs...)
}

func (r Retention) orDefault() Retention {
	if r.Age == 0 {
		r.Age = 10 * time.Minute
	}
	return r
}
