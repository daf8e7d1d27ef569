package broadcast

import "context"

// Backplane makes one hub of the hubs of many nodes. For each topic it keeps two things: a log, the bounded list of numbered
// messages, and the roll, which says who is present on which node.
//
// # Contract
//
// All methods may be called by any goroutine, for different topics at the same time, and return an error once ctx is done. Messages
// are never changed after Publish; those that come from elsewhere are new ones, made by Message.UnmarshalBinary.
//
// A message whose Kind is Published belongs to the log. One that is Joined or Left belongs to the roll: Joined puts it there under its
// Node and From, in place of an earlier one, and Left takes that one away. Messages of the roll have no position.
//
// When a node is gone without having said Left for its members, the backplane says it in its place: after a timeout of its own it
// hands each follower a message Left with the Node and From of each member of that node. A node that was only cut off finds its
// members on the roll when it is back.
//
// If a backplane has a method Err() error, Hub.Stats asks it for outages that no call has met yet.
type Backplane interface {
	// Publish makes m known: to the followers of m.Topic on all nodes, this one included, and to Read as far as keep says.
	// It sets m.Position before anybody sees m. Positions of one topic have one epoch and growing offsets, as long as the
	// topic has followers or a log; when both are gone it may begin a new epoch. It returns nil when the message is kept and
	// will not be lost with this node. If the log has a message with the same ID, m gets the position of that one, and
	// nobody gets it again. On an error m.Position is not set; whether m was kept may be unknown.
	//
	// Messages that one goroutine publishes to one topic reach every follower in this order.
	Publish(ctx context.Context, m *Message, keep Retention) error

	// Follow hands every message of a topic to deliver, one at a time: first a Joined for each member on the roll, then, from the
	// position that Follow returns, each message of the log by its offsets, and the changes of the roll, of which one that another has
	// followed may be left out. Deliver may be called before Follow has returned, and does not wait. Skipped is how many messages of
	// the log are missing right before this one, because they were lost to this node for good, or 1 if it cannot be told how many;
	// usually 0. A message that comes twice does no harm.
	//
	// An outage does not end it: the backplane goes on where it had stopped. Stop ends it, and neither waits nor fails; a deliver that
	// is under way may still end after it.
	Follow(ctx context.Context, topic Topic, deliver func(m *Message, skipped uint64)) (at Position, stop func(), err error)

	// Read returns what the log has after since, exactly, or ErrUnrecoverable if that can no longer be told, and if since is no
	// position of this topic. With the zero Position it returns all that the log has. A topic that nobody knows is empty. What a Publish
	// on any node has kept before is there; the roll may be as it was a moment ago.
	Read(ctx context.Context, topic Topic, since Position) (Snapshot, error)
}

// Snapshot is what Backplane.Read returns.
type Snapshot struct {
	Position Position   // of the last message of the topic, also if that is not kept
	Messages []*Message // by offset
	Members  []*Message // the roll: each is Joined
}
