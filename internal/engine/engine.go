// Package engine moves bytes between sockets and a [Protocol]. It knows no HTTP.
//
//	e := engine.New(engine.Config{Accept: func(c *engine.Conn) engine.Protocol { return newEcho(c) }})
//	err := e.Serve(listener)
//
// # The seam
//
// A connection is spoken on by one Protocol at a time. The engine *pushes*: when bytes have arrived it calls
// [Protocol.Serve] with a [Turn], which holds the bytes that are read and not yet consumed (Turn.In) and the bytes that are
// to leave (Turn.Out). Serve consumes what it can, appends its answers, and returns what the connection waits for: a [Next].
// Between two turns nothing is kept for a connection but its struct, its Protocol, and what Serve left unconsumed.
//
// Inside a turn the Protocol may *pull*: [Turn.Fill] waits for more input, [Turn.Flush] waits until output has left. This is
// how a handler reads a large body, or writes a long stream, as ordinary blocking Go. Off a loop, one goroutine may do the one while
// another does the other: a proxy's handler does. [Turn.Interrupt] has the reader return when the writer is done.
//
// # Drivers
//
// The event loop (Linux) calls Serve on the goroutine that leads a loop, with the loop's own buffers. The blocking driver
// (any net.Conn: TLS, other systems, in-memory pipes) calls Serve on a goroutine that the connection has to itself. A
// Protocol is the same code on both; it asks [Turn.OnLoop] only to decide whether to move.
//
// # Who owns a connection when
//
// A connection is owned by exactly one goroutine at a time, and only the owner touches its Turn, reads from it, writes to it
// outside the outbox, or closes it:
//
//   - between turns, its loop's leader (event loop), or its own goroutine (blocking driver);
//   - during Serve, the goroutine that runs Serve, for as long as Serve runs, wherever it has moved meanwhile;
//   - after [Turn.Detach], the caller; the engine has forgotten the connection.
//
// Everyone else holds a *[Conn] and may call its methods only. They ask; the owner does.
//
// # How a handler leaves the loop and comes back
//
// There are three ways off a loop, and a Protocol needs to know of the first only:
//
//  1. Serve returns [OffLoop] without having consumed the request: the engine moves the unconsumed input to a buffer of its
//     own size, and calls Serve again, with the same input, on a new goroutine where Turn.OnLoop is false. For requests that
//     are known to be slow, and for bodies that are to be streamed.
//  2. The Protocol brackets foreign code with [Turn.Enter] and [Turn.Leave]. If that code is still running at the engine's
//     next tick, the engine gives the loop to another goroutine, and the one that runs the code keeps its buffers and its
//     connection. Leave reports this, so that the Protocol can choose way 1 the next time. OnLoop is false from then on.
//  3. Fill and Flush, when they would have to wait on a loop, give the loop away first.
//
// When a Serve that is off the loop returns, the connection goes back to its loop, together with its unconsumed input.
//
// # How output flows, and backpressure
//
// What Serve appended to Turn.Out leaves in one write when Serve returns, so pipelined answers share a write. What the kernel
// does not take becomes the connection's outbox; while the outbox is not empty the connection is not read from. A Protocol
// that produces more than fits calls Flush, which returns when the kernel has taken everything, or with an error when the
// peer has accepted nothing for Config.WriteTimeout.
//
// # How an upgrade takes over
//
// [Turn.Switch] gives the connection to another Protocol; the rest of Turn.In is its first input. Or [Turn.Detach] takes the
// connection out of the engine, as a net.Conn that first reads what was read already.
//
// # How a disconnect is told
//
// While Serve runs and the peer ends its side, the engine calls [Protocol.Hangup] once, from any goroutine: the event loop
// always, unless Serve reads by itself, the blocking driver from [Turn.Watch] on. Output still works, because a peer may end only its half. Between turns
// the end arrives as a Serve call with Turn.Err set to io.EOF if unconsumed input is left, else as Closed alone.
package engine

import (
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Config is what an engine is told once. The timeouts are coarse: a tick of Config.Tick watches them.
type Config struct {
	// Accept makes the Protocol for a new connection. The connection's owner calls it. nil closes the connection.
	Accept func(c *Conn) Protocol
	// Admit, if set, is asked first, on the goroutine that the blocking driver gives to a connection; it may block (a TLS
	// handshake), and must keep its own time. false says that the callee has taken the connection, or closed it.
	Admit func(nc net.Conn) bool
	// Ticked, if set, is told the time every tick while there are listeners or connections. It must not block.
	Ticked func(now time.Time)
	// Failed is told of errors that end no connection: failed accepts, panics of a Protocol. Any goroutine may call it.
	Failed func(err error)

	HeadTimeout  time.Duration // for one message head, see AwaitHead; 0 is none
	BodyTimeout  time.Duration // grace for one message body, see BodyRate; 0 is none
	BodyRate     int           // bytes per second by which a body earns more time than its grace; 0 earns none
	IdleTimeout  time.Duration // between messages; 0 is none
	WriteTimeout time.Duration // without the peer taking a byte; 0 is none
	Tick         time.Duration // 0 is 100 ms

	MaxConns    int    // open connections; one more is refused; 0 is no limit
	Refusal     []byte // what a refused connection is told before it is closed
	ReadBuffer  int    // bytes that one read may bring; 0 is 4 KiB on the blocking driver, 68 KiB on the event loop
	Switched    int    // ReadBuffer for a connection after Turn.Switch; 0 is the same
	OutboxLimit int    // bytes that Conn.Send may leave waiting; one call finds room when nothing waits; 0 is 1 MiB
	Loops       int    // event loops; 0 is GOMAXPROCS
}

// Engine serves listeners until it is shut down. Its methods may be called from any goroutine.
type Engine struct {
	config Config
	clock  clock
	open   atomic.Int64 // connections that count against MaxConns
	loops  loops

	refused, acceptFails atomic.Uint64 // see Stats

	blocking registry
	draining atomic.Bool
	ticking  sync.Once     // starts the sweep
	done     chan struct{} // closed by Close
	empty    chan struct{} // gets a token when a connection has ended

	mu        sync.Mutex // guards what follows
	listeners map[net.Listener]struct{}
	closed    bool
}

// New returns an engine that serves nothing yet.
func New(config Config) *Engine {
	if config.Tick <= 0 {
		config.Tick = 100 * time.Millisecond
	}
	if config.OutboxLimit <= 0 {
		config.OutboxLimit = 1 << 20
	}
	if config.Failed == nil {
		config.Failed = func(error) {}
	}
	e := &Engine{
		config:    config,
		listeners: make(map[net.Listener]struct{}),
		done:      make(chan struct{}),
		empty:     make(chan struct{}, 1),
	}
	e.clock.set(time.Now())
	return e
}
