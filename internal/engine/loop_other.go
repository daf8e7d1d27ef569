//go:build !linux || 386

package engine

import "net"

// loops is the event-loop driver where there is none.
type loops struct{}

func (*loops) serve(*Engine, net.Listener) error { return ErrNoLoops }
func (*loops) sweep()                            {}
func (*loops) stopListening()                    {}
func (*loops) kick(drain bool)                   {}
func (*loops) counts() []Counts                  { return nil }
func (*loops) close()                            {}
