package engine

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// blocking drives one connection from a goroutine that it has to itself. That goroutine is the owner, from run's first line
// to its last; the fields below say which few of them others touch.
type blocking struct {
	Conn
	engine *Engine
	nc     net.Conn
	turn   Turn
	wait   patience
	place  int // in the registry, which guards it

	state     atomic.Int32  // see the constants below
	received  atomic.Uint64 // bytes, for the registry's counts
	sent      atomic.Uint64
	readBy    timer // set by the owner, watched by the sweep
	writeBy   timer
	hangup    hangup
	deaf      atomic.Bool // the turn reads no more: see Turn.Interrupt
	finishes  atomic.Bool // somebody wants the connection closed once what was sent has left
	drainTold atomic.Bool
	switched  bool // the protocol is not the first one any more: the outbox is in use
	detached  bool
	filling   sync.Mutex    // held while a turn reads; detach waits for it
	stray     atomic.Uint32 // write deadlines in a row that were meant for another write
	outbox    outbox
}

// The states of a connection as the outside sees it. The owner moves between active and idle; whoever moves it from idle to
// ended, or sets ended, closes the socket, and the owner finds out by its next read or write.
const (
	active int32 = iota // a turn runs, or input for one is awaited
	idle                // between two messages: a shutdown may close it
	ended
)

// aLongTimeAgo is a deadline that is over.
var aLongTimeAgo = time.Unix(1, 0)

var turnBuffers = sync.Pool{New: func() any { return new(turnBuffer) }}

// turnBuffer is what a connection borrows while it is open.
type turnBuffer struct{ in, out []byte }

// keepBuffer is the capacity beyond which a buffer is dropped instead of kept for the next message.
const keepBuffer = 64 << 10

// serveConn owns nc until it ends.
func (e *Engine) serveConn(nc net.Conn) {
	if e.config.Admit != nil && !e.admits(nc) {
		return
	}
	e.drive(nc, e.config.Accept, AwaitHead)
}

// admits asks Config.Admit. A Goexit or a panic in there closes nc, and gives its place back.
func (e *Engine) admits(nc net.Conn) (stays bool) {
	returned := false
	defer func() {
		if !returned {
			if v := recover(); v != nil {
				e.config.Failed(panicked(v))
			}
			nc.Close()
		}
		if !stays {
			e.release()
		}
	}()
	stays = e.config.Admit(nc)
	returned = true
	return stays
}

// drive owns nc until it ends. Its first wait is next.
func (e *Engine) drive(nc net.Conn, accept func(*Conn) Protocol, next Next) {
	b := &blocking{engine: e, nc: nc}
	b.driver = b
	b.turn.conn = &b.Conn
	b.outbox.limit = e.config.OutboxLimit
	b.switched = next == AwaitForever
	b.run(accept, next)
}

// run serves the connection's turns until it ends, then tidies up. A Goexit in foreign code passes through the deferred
// call too, and ends this connection only.
func (b *blocking) run(accept func(*Conn) Protocol, next Next) {
	buffer := turnBuffers.Get().(*turnBuffer)
	if cap(buffer.in) < b.engine.readBuffer(b.switched) {
		buffer.in = make([]byte, 0, b.engine.readBuffer(b.switched))
	}
	b.turn.base, b.turn.Out = buffer.in[:0], buffer.out[:0]
	err := errGoexit
	defer func() {
		failed := err == errGoexit
		if v := recover(); v != nil {
			err = panicked(v)
		}
		if failed {
			b.engine.config.Failed(err)
		}
		b.end(err)
		if failed {
			return // without the buffers, of which foreign code may have kept a part
		}
		if cap(b.turn.base) <= keepBuffer && cap(b.turn.Out) <= keepBuffer {
			buffer.in, buffer.out = b.turn.base, b.turn.Out
			turnBuffers.Put(buffer)
		}
	}()
	p := accept(&b.Conn)
	if p == nil {
		err = nil
		return
	}
	b.setProtocol(p)
	b.engine.blocking.add(b)
	if b.engine.draining.Load() {
		b.tellDrain() // Shutdown may have gone through the registry just before
	}
	select {
	case <-b.engine.done: // so may Close
		b.kick(false)
	default:
	}
	err = b.turns(next)
}

// turns is the life of the connection: wait, serve, send.
func (b *blocking) turns(next Next) error {
	t := &b.turn
	for moved := false; ; {
		if moved && len(t.In) > 0 {
			t.Err = nil // the rest of the old protocol's input is the new one's first
		} else if t.Err = b.await(next); t.Err == errFinished {
			err := b.send(t, nil)
			if err == nil {
				b.linger()
			}
			return err
		} else if t.Err != nil && (next == AwaitMessage || len(t.In) == 0 && next != AwaitForever) {
			return orderly(t.Err)
		}
		t.Restart, t.Need = false, 0
		speaker := b.protocol()
		next = speaker.Serve(t)
		b.listen()
		moved = b.protocol() != speaker
		if moved && b.engine.config.Switched > 0 {
			t.base = append(make([]byte, 0, max(len(t.In), b.engine.readBuffer(true))), t.In...)
			t.In = t.base
		}
		if next == Detached {
			return nil
		}
		if next == Abort {
			return t.Err
		}
		if err := b.send(t, nil); err != nil {
			return err
		}
		switch {
		case t.Err != nil && (next == Close || next == Linger):
			return orderly(t.Err)
		case next == Close && len(t.In) == 0:
			return nil
		case next == Close || next == Linger:
			b.linger()
			return nil
		case t.Err != nil || next == OffLoop:
			return fmt.Errorf("engine: protocol asked for %d, which cannot be given", next)
		}
	}
}

// orderly returns what is wrong with the end of input, if anything is.
func orderly(err error) error {
	if err == io.EOF || err == ErrTimeout {
		return nil
	}
	return err
}

// await waits as next says, until there is something to serve.
func (b *blocking) await(next Next) error {
	t := &b.turn
	if next == AwaitMessage {
		if len(t.In) > 0 {
			return nil
		}
		if cap(t.base) > keepBuffer {
			t.base = make([]byte, 0, b.engine.readBuffer(false))
		}
		if !b.state.CompareAndSwap(active, idle) || b.engine.draining.Load() {
			return ErrClosed
		}
		err := b.read(next, t.Restart)
		if !b.state.CompareAndSwap(idle, active) {
			return ErrClosed
		}
		return err
	}
	restart := t.Restart
	for {
		if err := b.read(next, restart); err != nil {
			return err
		}
		if next != AwaitBody || len(t.In) >= t.Need {
			return nil
		}
		restart = false
	}
}

// read brings more input, or says why there is none. It grows or compacts the buffer when that is full.
func (b *blocking) read(wait Next, restart bool) error {
	t := &b.turn
	b.room()
	b.readBy.set(b.wait.begin(b.engine, wait, restart))
	defer b.readBy.stop()
	for {
		if b.finishes.Load() && wait == AwaitForever {
			return errFinished
		}
		used := len(t.base)
		n, err := b.nc.Read(t.base[used:cap(t.base)])
		if n > 0 {
			start := used - len(t.In)
			t.base = t.base[:used+n]
			t.In = t.base[start:]
			b.wait.grown += int64(n)
			b.received.Add(uint64(n))
			return nil
		}
		if err == nil {
			continue
		}
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			return b.readError(err)
		}
		// The sweep speaks through the read deadline, and may have meant a wait that is over.
		if b.engine.clock.passed(b.readBy.get()) {
			b.engine.blocking.past.timeouts.Add(1)
			return ErrTimeout
		}
		if err := b.nc.SetReadDeadline(time.Time{}); err != nil {
			return b.readError(err)
		}
		if b.deaf.Load() { // an interrupt that is not seen here passes the deadline after it was lifted
			return ErrInterrupted
		}
	}
}

func (b *blocking) readError(err error) error {
	if b.state.Load() == ended {
		return ErrClosed
	}
	if errors.Is(err, io.EOF) {
		return io.EOF
	}
	return err
}

// room makes space behind the input: at the front of the buffer if that is free, else in one twice as large, so that memory
// follows what has arrived and not what was announced.
func (b *blocking) room() {
	t := &b.turn
	if len(t.In) == 0 {
		t.base = t.base[:0]
		t.In = t.base
	}
	if cap(t.base)-len(t.base) > cap(t.base)/4 {
		return
	}
	if len(t.In) <= cap(t.base)/2 {
		t.base = t.base[:copy(t.base[:cap(t.base)], t.In)]
		t.In = t.base
		return
	}
	grown := make([]byte, len(t.In), 2*cap(t.base))
	copy(grown, t.In)
	t.base, t.In = grown, grown
}

func (b *blocking) onLoop() bool { return false }

func (b *blocking) enter(*Turn) {}

func (b *blocking) leave(t *Turn) bool {
	b.endWatch()
	b.hangup.take(t)
	return false
}

func (b *blocking) giveUpLoop(*Turn) {}

func (b *blocking) share() { b.switched = true }

func (b *blocking) loopNumber() int { return -1 }

func (b *blocking) netConn() net.Conn { return b.nc }

func (b *blocking) fill(t *Turn, wait Next) error {
	b.filling.Lock()
	defer b.filling.Unlock()
	if b.state.Load() == ended {
		return ErrClosed // or it was detached in this turn, and belongs to another
	}
	b.endWatch()
	if t.Err != nil {
		return t.Err
	}
	if b.hangup.take(t) {
		return nil
	}
	if t.Restart {
		b.listen() // the message that was interrupted is over
	}
	if b.deaf.Load() {
		return ErrInterrupted
	}
	restart := t.Restart
	t.Restart = false
	err := b.read(wait, restart)
	if err != ErrInterrupted {
		t.Err = err
	}
	return err
}

// interrupt speaks through the read deadline. Whoever lifts that looks at the mark afterwards.
func (b *blocking) interrupt() {
	b.deaf.Store(true)
	if b.state.Load() != ended { // else it was detached, and its deadlines are another's
		b.nc.SetReadDeadline(aLongTimeAgo)
	}
}

// listen ends what interrupt began. The owner calls it.
func (b *blocking) listen() {
	if b.deaf.Load() {
		b.deaf.Store(false)
		b.nc.SetReadDeadline(time.Time{})
	}
}

// linger closes the sending side and reads on until the peer has closed too, for a second and some bytes at most.
func (b *blocking) linger() {
	b.outbox.close() // what is posted from here on could only cut the linger short
	half, ok := b.nc.(interface{ CloseWrite() error })
	if !ok || b.turn.Err == io.EOF || half.CloseWrite() != nil {
		return
	}
	b.nc.SetReadDeadline(time.Now().Add(lingerTime))
	scratch := b.turn.base[:cap(b.turn.base)]
	for left := lingerBytes; left > 0; {
		n, err := b.nc.Read(scratch)
		if err != nil {
			return
		}
		left -= n
	}
}

const (
	lingerTime  = time.Second
	lingerBytes = 16 << 20
)

func (b *blocking) detach(t *Turn) (net.Conn, error) {
	b.endWatch()
	if err := b.send(t, nil); err != nil {
		return nil, err
	}
	if !b.filling.TryLock() { // by a goroutine of this turn that waits for input
		b.interrupt()
		b.filling.Lock()
	}
	was := b.state.Swap(ended)
	b.filling.Unlock()
	if was == ended {
		return nil, ErrClosed
	}
	b.hangup.take(t)
	b.hangup.mu.Lock()
	b.hangup.closing = true // no watcher reads from now on
	b.hangup.mu.Unlock()
	b.engine.blocking.remove(b)
	b.engine.release()
	b.detached = true
	if err := b.nc.SetDeadline(time.Time{}); err != nil {
		return nil, err
	}
	if len(t.In) == 0 {
		return b.nc, nil
	}
	read := append([]byte(nil), t.In...)
	t.In = nil
	return &prefixed{Conn: b.nc, read: read}, nil
}

// end closes the socket and tells the protocol, once.
func (b *blocking) end(err error) {
	if b.detached {
		return
	}
	b.state.Store(ended)
	b.nc.Close()
	b.endWatch()
	b.outbox.close()
	b.engine.blocking.remove(b)
	defer b.engine.release() // a Shutdown returns when the last has been told
	if b.speaker.Load() != nil {
		b.guard(func() { b.protocol().Closed(err) })
	}
}

// guard makes a call of the protocol whose panic nobody above would catch.
func (b *blocking) guard(call func()) {
	defer func() {
		if v := recover(); v != nil {
			b.engine.config.Failed(panicked(v))
		}
	}()
	call()
}

// tellDrain tells the protocol, once.
func (b *blocking) tellDrain() {
	if !b.drainTold.Swap(true) {
		b.guard(func() { b.protocol().Drain() })
	}
}

// kick is how others end the connection: at once, or, for a drain, if it is between two messages.
func (b *blocking) kick(drain bool) {
	switch {
	case !drain:
		if b.state.Swap(ended) != ended {
			go b.nc.Close() // a TLS connection says goodbye first, which may take seconds
		}
	case b.state.CompareAndSwap(idle, ended):
		go b.nc.Close()
	default:
		b.tellDrain()
	}
}

func (b *blocking) addrs() (local, remote net.Addr) { return b.nc.LocalAddr(), b.nc.RemoteAddr() }

// expire is called by the sweep. Passing a deadline that is over makes a read or write under way return; the owner then looks
// at the timer again, so a deadline that was moved meanwhile does no harm.
func (b *blocking) expire() {
	if b.engine.clock.passed(b.readBy.get()) {
		b.nc.SetReadDeadline(aLongTimeAgo)
	}
	if b.engine.clock.passed(b.writeBy.get()) {
		b.nc.SetWriteDeadline(aLongTimeAgo)
	}
}
