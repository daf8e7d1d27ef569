package engine

import (
	"errors"
	"fmt"
	"runtime/debug"
)

// errGoexit is why a connection ends whose Protocol has ended the goroutine of its turn.
var errGoexit = errors.New("engine: the goroutine was ended by runtime.Goexit")

// panicked is the error of a panic with value v. Who has recovered it calls it at once, for the stack.
func panicked(v any) error {
	return fmt.Errorf("engine: panic on a connection: %v\n%s", v, debug.Stack())
}

// Protocol speaks on one connection. Serve and Closed are called by the connection's owner, never at the same time. A Hangup or Drain that
// comes while Turn.Switch replaces the Protocol may still be told to the old one, which must pass on what it hears.
type Protocol interface {
	// Serve looks at t.In, answers into t.Out, and says what the connection waits for. It is called when there is new
	// input, and once more when input ends (t.Err is io.EOF) or a deadline passes (t.Err is [ErrTimeout]) while it waits for
	// the rest of something; it may then still answer, and must return [Close], [Linger], [Abort] or [Detached].
	Serve(t *Turn) Next

	// Hangup tells that the peer has closed its side while Serve runs. Any goroutine may call it, at most once per
	// turn; it must not block.
	Hangup()

	// Drain tells that the server is shutting down. Any goroutine may call it, once; it must not block. A connection that
	// waits for [AwaitMessage] is closed by the engine and is not told.
	Drain()

	// Closed is the last call, by the owner. err is nil after an orderly end, else the reason.
	Closed(err error)
}

// Next is what a connection waits for after a turn.
type Next uint8

const (
	// AwaitMessage waits for the first byte of a new message; nothing is kept. Config.IdleTimeout applies.
	AwaitMessage Next = iota
	// AwaitHead waits for the rest of a message's head. Config.HeadTimeout applies, counted from the head's first byte,
	// or from the start of the connection for its first message.
	AwaitHead
	// AwaitBody waits until len(t.In) reaches t.Need. Config.BodyTimeout and Config.BodyRate apply, counted from the
	// first AwaitBody of the message.
	AwaitBody
	// AwaitForever waits for input without a deadline: an upgraded Protocol keeps its own time.
	AwaitForever
	// OffLoop asks for Serve to be called again, with the same input, on a goroutine of its own.
	OffLoop
	// Close sends t.Out and closes the connection. Right where the peer has nothing more to say.
	Close
	// Linger sends t.Out, closes the sending side, and reads on for a short while before it closes, so that the last answer
	// is not lost to a reset (RFC 9112 section 9.6). Right where input was left unread.
	Linger
	// Abort closes the connection at once; t.Out is dropped.
	Abort
	// Detached says that t.Detach was called.
	Detached
)
