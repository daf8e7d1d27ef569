//go:build !unix

package engine

import (
	"errors"
	"net"
)

var errNoOptions = errors.New("engine: this system has no socket options that connections inherit")

func (o *SocketOptions) set(uintptr, string) error {
	if o.Linger != nil || o.TTL > 0 || o.ReusePort || o.NoDelay != nil && !*o.NoDelay {
		return errNoOptions
	}
	return nil
}

func (o *SocketOptions) setBacklog(*net.TCPListener) error {
	if o.Backlog > 0 {
		return errNoOptions
	}
	return nil
}
