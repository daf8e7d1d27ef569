package engine

import (
	"errors"
	"net"
)

// ErrNoLoops is what ServeLoops reports where there is no event loop for a listener.
var ErrNoLoops = errors.New("engine: no event loop for this listener")

// ServeLoops serves ln by event loops.
func (e *Engine) ServeLoops(net.Listener) error { return ErrNoLoops }
