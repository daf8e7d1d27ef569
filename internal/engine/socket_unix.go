//go:build unix

package engine

import (
	"errors"
	"net"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// set is called between socket(2) and bind(2).
func (o *SocketOptions) set(fd uintptr, network string) error {
	option := func(name string, level, opt, value int) error {
		return os.NewSyscallError("setsockopt "+name, unix.SetsockoptInt(int(fd), level, opt, value))
	}
	errs := []error{option("SO_KEEPALIVE", unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1)}
	if o.NoDelay != nil {
		errs = append(errs, option("TCP_NODELAY", unix.IPPROTO_TCP, unix.TCP_NODELAY, toInt(*o.NoDelay)))
	}
	if o.Linger != nil {
		l := unix.Linger{Onoff: 1, Linger: int32((*o.Linger + time.Second - 1) / time.Second)}
		errs = append(errs, os.NewSyscallError("setsockopt SO_LINGER", unix.SetsockoptLinger(int(fd), unix.SOL_SOCKET, unix.SO_LINGER, &l)))
	}
	if o.TTL > 0 {
		if strings.HasSuffix(network, "6") {
			errs = append(errs, option("IPV6_UNICAST_HOPS", unix.IPPROTO_IPV6, unix.IPV6_UNICAST_HOPS, o.TTL))
		}
		// A dual-stack socket has both; an IPv6-only one may refuse this.
		if err := option("IP_TTL", unix.IPPROTO_IP, unix.IP_TTL, o.TTL); err != nil && !strings.HasSuffix(network, "6") {
			errs = append(errs, err)
		}
	}
	if o.ReusePort {
		errs = append(errs, option("SO_REUSEPORT", unix.SOL_SOCKET, unix.SO_REUSEPORT, 1))
	}
	return errors.Join(errs...)
}

// setBacklog calls listen(2) once more, which only changes the backlog.
func (o *SocketOptions) setBacklog(ln *net.TCPListener) error {
	if o.Backlog <= 0 {
		return nil
	}
	raw, err := ln.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = raw.Control(func(fd uintptr) { failed = os.NewSyscallError("listen", unix.Listen(int(fd), o.Backlog)) })
	return errors.Join(err, failed)
}

func toInt(b bool) int {
	if b {
		return 1
	}
	return 0
}
