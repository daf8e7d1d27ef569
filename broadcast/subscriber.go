package broadcast

// Subscriber receives the messages of a topic: a WebSocket, an event stream, an Inbox. It is handed to Hub.Subscribe.
//
// A hub calls Deliver and Missed of one subscription one at a time, in order. A subscriber that subscribes to several topics is
// called for them at the same time. The two are called while the topic is locked: they must not wait, and must not call the hub
// or a Subscription. A panic in them ends the subscription.
type Subscriber interface {
	// Deliver takes m, or returns ErrFull if there is no room for it: then Rules.Lag decides what happens, and the subscriber
	// says Subscription.Resume when it has room again. Any other error ends the subscription, and becomes the reason for Ended.
	Deliver(m *Message) error

	// Missed takes the news that n messages are missing here, or returns an error, as Deliver does. It may be called more
	// than once for one gap.
	Missed(n uint64) error

	// Ended is called once, after everything else and on a goroutine of its own, when the hub ends the subscription: with
	// ErrLagged, with ErrClosed when the hub closes, or with the error of Deliver. It is not called after Subscription.Close.
	Ended(reason error)
}

// As says as whom one subscribes, or asks for a history.
type As struct {
	// Key is the name under which Publication.To finds the subscriber, and presence lists it: of a user, say. Several
	// connections may have the same. Empty: nobody in particular; then presence does not count it.
	Key string

	// Groups are the groups of the topic that the subscriber is in, for Publication.Group.
	Groups []string

	// Data is what presence tells of the member. Of several connections with one key the latest counts.
	Data []byte

	// Hidden keeps the subscriber out of presence.
	Hidden bool

	// Room is how many messages may wait in the Inbox. Zero: 64. Only Hub.Inbox looks at it.
	Room int

	// Since is the position that a returning client has read up to. What was published after it is delivered first, without
	// a gap to what is published from now on. Zero: from now on. Only Hub.Subscribe and Hub.Inbox look at it.
	Since Position
}
