package engine

import (
	"context"
	"net"
	"syscall"
	"time"
)

// SocketOptions are set on a listening socket; the connections it accepts inherit them, so that accepting one costs no further
// calls. The zero value leaves everything to the system.
type SocketOptions struct {
	NoDelay   *bool          // TCP_NODELAY; nil leaves it to package net, which sets it
	Linger    *time.Duration // SO_LINGER, in whole seconds, rounded up
	TTL       int            // IP_TTL
	ReusePort bool           // SO_REUSEPORT
	Backlog   int            // connections that wait to be accepted; 0 is the system's maximum
}

// Listen opens a TCP listener.
func Listen(ctx context.Context, addr string, options SocketOptions) (net.Listener, error) {
	var failed error
	config := net.ListenConfig{
		// Package net would set keep-alive on every connection, with four calls; the listener's own is inherited.
		KeepAlive: -1,
		Control: func(network, _ string, raw syscall.RawConn) error {
			if err := raw.Control(func(fd uintptr) { failed = options.set(fd, network) }); err != nil {
				return err
			}
			return failed
		},
	}
	ln, err := config.Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	if err := options.setBacklog(ln.(*net.TCPListener)); err != nil {
		ln.Close()
		return nil, err
	}
	return ln, nil
}
