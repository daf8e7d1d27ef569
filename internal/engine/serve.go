package engine

import (
	"context"
	"errors"
	"net"
	"syscall"
	"time"
)

// ErrEngineClosed is what Serve returns after Shutdown or Close.
var ErrEngineClosed = errors.New("engine: closed")

// Serve accepts connections from ln and serves each on a goroutine of its own, until the engine is shut down or ln fails for
// good. It closes ln.
func (e *Engine) Serve(ln net.Listener) error {
	if !e.listen(ln) {
		ln.Close()
		return ErrEngineClosed
	}
	defer e.unlisten(ln)
	var pause time.Duration
	for {
		nc, err := ln.Accept()
		if err == nil {
			pause = 0
			e.admit(nc)
			continue
		}
		if e.draining.Load() {
			return ErrEngineClosed
		}
		if !passing(err) {
			return err
		}
		// Out of descriptors, or the peer gave up: neither is the end. Say so once, then wait for better times.
		e.acceptFails.Add(1)
		if pause == 0 {
			e.config.Failed(err)
		}
		pause = min(max(2*pause, 5*time.Millisecond), time.Second)
		select {
		case <-time.After(pause):
		case <-e.done:
		}
	}
}

// ServeConn serves one connection that was accepted elsewhere, on the caller's goroutine. It begins with the Protocol that accept
// makes, and returns when the connection has ended or was detached.
func (e *Engine) ServeConn(nc net.Conn, accept func(c *Conn) Protocol) {
	if e.counts(nc) {
		e.drive(nc, accept, AwaitForever)
	}
}

// admit starts the goroutine of a new connection.
func (e *Engine) admit(nc net.Conn) {
	if e.counts(nc) {
		go e.serveConn(nc)
	}
}

// counts adds nc to the open connections, or refuses it.
func (e *Engine) counts(nc net.Conn) bool {
	if open := e.open.Add(1); e.config.MaxConns > 0 && open > int64(e.config.MaxConns) {
		e.release()
		e.refused.Add(1)
		if len(e.config.Refusal) > 0 {
			nc.SetWriteDeadline(time.Now().Add(e.config.Tick))
			nc.Write(e.config.Refusal)
		}
		nc.Close()
		return false
	}
	e.tick()
	return true
}

// passing reports whether an accept error says something of this moment rather than of the listener.
func passing(err error) bool {
	for _, errno := range []syscall.Errno{
		syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, // there is too little of something
		syscall.ECONNABORTED, syscall.ECONNRESET, syscall.EINTR, syscall.EAGAIN,
	} {
		if errors.Is(err, errno) {
			return true
		}
	}
	return false
}

func (e *Engine) listen(ln net.Listener) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.draining.Load() {
		return false
	}
	e.listeners[ln] = struct{}{}
	return true
}

func (e *Engine) unlisten(ln net.Listener) {
	ln.Close()
	e.mu.Lock()
	delete(e.listeners, ln)
	e.mu.Unlock()
}

// tick starts the sweep, once. The clock has stood still until then.
func (e *Engine) tick() {
	e.ticking.Do(func() {
		e.clock.set(time.Now())
		go e.sweep()
	})
}

// sweep moves the clock and looks for deadlines that have passed, once a tick, until the engine is closed.
func (e *Engine) sweep() {
	ticker := time.NewTicker(e.config.Tick)
	defer ticker.Stop()
	for {
		select {
		case now := <-ticker.C:
			e.clock.set(now)
			if e.config.Ticked != nil {
				e.config.Ticked(now)
			}
			e.blocking.each((*blocking).expire)
			e.loops.sweep()
		case <-e.done:
			return
		}
	}
}

// Shutdown stops accepting, closes the connections that wait for a message, tells the others to finish (Protocol.Drain), and
// returns when all have ended. When ctx ends first it closes the rest and returns ctx's error.
func (e *Engine) Shutdown(ctx context.Context) error {
	e.stopListening()
	e.blocking.each(func(b *blocking) { b.kick(true) })
	e.loops.kick(true)
	defer e.Close()
	for e.open.Load() > 0 {
		select {
		case <-e.empty:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	select { // another Shutdown may wait for the same token
	case e.empty <- struct{}{}:
	default:
	}
	return nil
}

// Close stops accepting and closes every connection at once. It does not wait for handlers.
func (e *Engine) Close() {
	e.stopListening()
	e.mu.Lock()
	if !e.closed {
		e.closed = true
		close(e.done)
	}
	e.mu.Unlock()
	e.blocking.each(func(b *blocking) { b.kick(false) })
	e.loops.close()
}

func (e *Engine) stopListening() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.draining.Store(true)
	for ln := range e.listeners {
		ln.Close()
	}
	e.loops.stopListening()
}

// Hold counts one more connection, against Config.MaxConns and for a Shutdown to wait for, until release is called, once: for a connection
// that is to be detached and goes on to count.
func (e *Engine) Hold() (release func()) {
	e.open.Add(1)
	return e.release
}

// release takes one connection off the count, and tells a waiting Shutdown.
func (e *Engine) release() {
	e.open.Add(-1)
	select {
	case e.empty <- struct{}{}:
	default:
	}
}

func (e *Engine) readBuffer(switched bool) int {
	if switched && e.config.Switched > 0 {
		return e.config.Switched
	}
	if e.config.ReadBuffer > 0 {
		return e.config.ReadBuffer
	}
	return 4 << 10
}
