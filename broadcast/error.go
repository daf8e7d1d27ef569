package broadcast

import "errors"

var (
	// ErrClosed says that the broadcast, the hub, or one's own place in it has been closed.
	ErrClosed = errors.New("broadcast: closed")

	// ErrLagged ends who was too slow under the policy Disconnect.
	ErrLagged = errors.New("broadcast: disconnected, because it was too slow")

	// ErrFull is what a Subscriber returns when it has no room. The topic's policy decides what follows.
	ErrFull = errors.New("broadcast: no room")

	// ErrUnrecoverable says that what was missed since a position cannot be told exactly: the history does not reach back so far,
	// it has started anew, or the position was never one of this topic.
	ErrUnrecoverable = errors.New("broadcast: the history does not reach back to this position")

	// ErrNotKept says that the backplane has not taken a message: the subscribers of this node have it, those of other nodes
	// do not, and the history does not know it. It wraps the reason.
	ErrNotKept = errors.New("broadcast: delivered on this node only")

	// ErrTopicFull refuses a subscriber beyond Rules.Subscribers.
	ErrTopicFull = errors.New("broadcast: the topic has all the subscribers it may have")

	// ErrMessageTooLarge refuses a message beyond Rules.MessageSize.
	ErrMessageTooLarge = errors.New("broadcast: the message is larger than the topic allows")
)
