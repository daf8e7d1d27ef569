package engine

import (
	"errors"
	"net"
	"os"
)

var (
	// ErrTimeout is what Fill, Flush and Turn.Err report when a deadline of the Config has passed.
	ErrTimeout = errors.New("engine: deadline passed")

	// ErrInterrupted is what Fill reports after Interrupt.
	ErrInterrupted = errors.New("engine: the turn reads no more")
)

// Turn is one stay of a connection on a goroutine: from the call of Serve to its return. It belongs to that goroutine; after
// Serve has returned nothing of it may be used, not even the bytes of In.
//
// Off a loop its two directions are apart: one goroutine may use In and call Fill while another uses Out and calls Flush, Write and
// SendFile. Serve must not return before both have.
type Turn struct {
	// In is what has been read and not yet consumed. Serve consumes by reslicing: t.In = t.In[n:]. The bytes stay where they
	// are until Fill is called or Serve returns; Serve may write into them.
	In []byte

	// Out is what is to leave. Serve appends to it; the engine empties it.
	Out []byte

	// Need is set by Serve before it returns AwaitBody: Serve is not called again before len(In) reaches it.
	Need int

	// Err says why there will be no more input: nil, io.EOF after the peer has closed its side, ErrTimeout, or the error
	// of the socket.
	Err error

	// Restart is set by Serve when a message has been completed in this turn, so that the deadline of the next one
	// starts anew.
	Restart bool

	conn *Conn
	base []byte // the buffer that In lies in; len is what has been read into it
}

// driver is what the event loop and the blocking driver do each in their own way. The first methods are called for the owner.
type driver interface {
	onLoop() bool
	enter(t *Turn)
	leave(t *Turn) (overstayed bool)
	giveUpLoop(t *Turn)
	fill(t *Turn, wait Next) error
	interrupt()
	send(t *Turn, tail []byte) error
	sendFile(t *Turn, f *os.File, offset, n int64) error
	watch(t *Turn)
	share()
	detach(t *Turn) (net.Conn, error)

	// These two are called by anybody.

	post(p []byte) error
	kick(drain bool)
	finish()
	waiting() int
	addrs() (local, remote net.Addr)
	loopNumber() int
	netConn() net.Conn
}

// Conn returns the handle by which others may reach the connection.
func (t *Turn) Conn() *Conn { return t.conn }

// OnLoop reports whether the goroutine leads an event loop, so that what takes long had better move: see OffLoop.
func (t *Turn) OnLoop() bool { return t.conn.driver.onLoop() }

// Enter says that foreign code, which may take its time, runs from now on. Nothing may be called on t but OnLoop, Fill,
// Flush, Write, SendFile and Watch before Leave. Calls do not nest.
func (t *Turn) Enter() { t.conn.driver.enter(t) }

// Leave ends what Enter began. It reports whether the code took so long that the loop was given away.
func (t *Turn) Leave() (overstayed bool) { return t.conn.driver.leave(t) }

// Fill waits until In has grown, under the deadline of wait (AwaitHead, AwaitBody or AwaitForever). It may move In: slices of it that were taken before are
// no longer valid. The error is io.EOF when the peer has closed its side, ErrTimeout, or the socket's.
func (t *Turn) Fill(wait Next) error { return t.conn.driver.fill(t, wait) }

// Interrupt makes a Fill that waits on another goroutine, and every later one of this turn, return ErrInterrupted. Input is not over
// by that. It is called between Enter and Leave.
func (t *Turn) Interrupt() { t.conn.driver.interrupt() }

// Flush sends Out and waits until the kernel has taken all of it. After an error the connection can only be closed.
func (t *Turn) Flush() error { return t.conn.driver.send(t, nil) }

// Write sends Out and then p, without copying p, and waits until the kernel has taken both.
func (t *Turn) Write(p []byte) error { return t.conn.driver.send(t, p) }

// SendFile sends Out and then n bytes of f from offset, by the kernel's own means where there are any.
func (t *Turn) SendFile(f *os.File, offset, n int64) error {
	return t.conn.driver.sendFile(t, f, offset, n)
}

// Watch asks for Hangup calls while Serve runs elsewhere than on a loop. It may be called from any goroutine between
// Enter and Leave, more than once.
func (t *Turn) Watch() { t.conn.driver.watch(t) }

// GiveUpLoop says that the goroutine is about to wait for something that is not the connection. On a loop it gives the loop away, so that
// nobody waits for the tick that would find out; elsewhere it does nothing. It is called between Enter and Leave.
func (t *Turn) GiveUpLoop() { t.conn.driver.giveUpLoop(t) }

// Switch gives the connection to p after this turn. Serve must then return AwaitForever. From Switch on others may send, and what they
// send leaves while the turn goes on: Out must have been flushed.
func (t *Turn) Switch(p Protocol) {
	t.conn.setProtocol(p)
	t.conn.driver.share()
}

// Detach sends Out and takes the connection out of the engine: the caller owns the result, which first reads what is left
// of In. Serve must then return Detached. Closed is not called any more.
func (t *Turn) Detach() (net.Conn, error) { return t.conn.driver.detach(t) }
