package broadcast

// Publication is what one publishes. Who gets it: everybody who has subscribed to the topic, or fewer, if To or Group is set, and
// always without Except and ExceptKey.
type Publication struct {
	// Data is the message itself. It belongs to the hub from now on.
	Data []byte

	// Name says what kind of message it is, for those who get it. An event stream sends it as the event's name. May be empty.
	Name string

	// From is the key of the publisher. The hub only passes it on.
	From string

	// ID makes it safe to publish again what may or may not have been kept: the history takes a message with an ID that it
	// already has as the same one, and nobody gets it twice. Empty: a new one.
	ID string

	// To is the key of the only one who gets it, on all its connections. Empty: everybody.
	To string

	// Group is the only group that gets it. Empty: everybody.
	Group string

	// ExceptKey is a key that does not get it: the sender's, on all its connections, also when it recovers. Empty: none.
	ExceptKey string

	// Except is the one connection that does not get it: the sender's own. Nil: none.
	Except *Subscription
}

// Result says what became of a publication.
type Result struct {
	// Position is the place in the history. It is zero if the message was not kept.
	Position Position

	// Delivered and Behind are the subscribers of this node that it was for: those who took it at once, and those who lag and get
	// it as soon as they have room, if that is soon enough. A backplane that carries messages between machines may deliver
	// later than Publish returns, and then they are zero.
	Delivered, Behind int
}
