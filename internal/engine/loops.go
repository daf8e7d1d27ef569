package engine

import (
	"errors"
	"net"
	"runtime"
)

// ErrNoLoops is what ServeLoops returns where there are no event loops: on another system than Linux, or for a listener that
// is no plain TCP or Unix socket. The listener is as it was, and Serve can have it.
var ErrNoLoops = errors.New("engine: no event loops for this listener")

// ServeLoops serves ln by event loops until the engine is shut down or ln fails for good. It takes a *net.TCPListener or
// *net.UnixListener, and closes it. Config.Admit is not asked. The error is ErrEngineClosed after Shutdown or Close.
func (e *Engine) ServeLoops(ln net.Listener) error { return e.loops.serve(e, ln) }

// loopReadBuffer is how many bytes one read may bring. By default that is 64 KiB and room for a head, since what people choose for the size
// of a piece is a power of two: a message that is a little more than a read is gathered, and so copied.
func (e *Engine) loopReadBuffer(switched bool) int {
	if switched && e.config.Switched > 0 {
		return e.config.Switched
	}
	if e.config.ReadBuffer > 0 {
		return e.config.ReadBuffer
	}
	return (64 + 4) << 10
}

func (e *Engine) loopCount() int {
	if e.config.Loops > 0 {
		return e.config.Loops
	}
	return runtime.GOMAXPROCS(0)
}
