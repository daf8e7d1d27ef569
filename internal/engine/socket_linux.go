//go:build !386

package engine

import (
	"net"
	"os"
	"syscall"
	"unsafe"
)

// The calls below are on non-blocking descriptors and never wait. Short ones bypass the scheduler; long ones tell it, so that
// copying much does not hold up a garbage collection.

// closeSocket never waits, as long as SO_LINGER is not set to, which Config refuses with loops. So it needs no help of the scheduler, which
// would take the P away from a loop in a call as long as this one.
func closeSocket(fd int) { syscall.RawSyscall(syscall.SYS_CLOSE, uintptr(fd), 0, 0) }

// shutdownSocket does not wait either.
func shutdownSocket(fd, how int) error {
	if _, _, errno := syscall.RawSyscall(syscall.SYS_SHUTDOWN, uintptr(fd), uintptr(how), 0); errno != 0 {
		return os.NewSyscallError("shutdown", errno)
	}
	return nil
}

// receive reads what is there into p, which is not empty.
func receive(fd int, p []byte) (int, syscall.Errno) {
	for {
		n, _, errno := syscall.RawSyscall6(syscall.SYS_RECVFROM, uintptr(fd), uintptr(unsafe.Pointer(&p[0])), uintptr(len(p)), 0, 0, 0)
		if errno != syscall.EINTR {
			return int(n), errno
		}
	}
}

// transmit gives p, which is not empty, to the kernel, and returns how much of it was taken.
func transmit(fd int, p []byte) (int, syscall.Errno) {
	const flags = syscall.MSG_NOSIGNAL | syscall.MSG_DONTWAIT
	for {
		var n uintptr
		var errno syscall.Errno
		if len(p) <= piece {
			n, _, errno = syscall.RawSyscall6(syscall.SYS_SENDTO, uintptr(fd), uintptr(unsafe.Pointer(&p[0])), uintptr(len(p)), flags, 0, 0)
		} else {
			n, _, errno = syscall.Syscall6(syscall.SYS_SENDTO, uintptr(fd), uintptr(unsafe.Pointer(&p[0])), uintptr(len(p)), flags, 0, 0)
		}
		if errno != syscall.EINTR {
			return int(n), errno
		}
	}
}

// transmitBoth gives head and then tail, neither empty, to the kernel with one call.
func transmitBoth(fd int, head, tail []byte) (int, syscall.Errno) {
	parts := [2]syscall.Iovec{{Base: &head[0]}, {Base: &tail[0]}}
	parts[0].SetLen(len(head))
	parts[1].SetLen(len(tail))
	message := syscall.Msghdr{Iov: &parts[0], Iovlen: 2}
	for {
		n, _, errno := syscall.Syscall(syscall.SYS_SENDMSG, uintptr(fd), uintptr(unsafe.Pointer(&message)), syscall.MSG_NOSIGNAL|syscall.MSG_DONTWAIT)
		if errno != syscall.EINTR {
			return int(n), errno
		}
	}
}

// acceptOne takes one connection from a listener. Socket options are inherited from it.
func acceptOne(fd int) (int, syscall.Errno) {
	const flags = syscall.SOCK_NONBLOCK | syscall.SOCK_CLOEXEC
	n, _, errno := syscall.RawSyscall6(syscall.SYS_ACCEPT4, uintptr(fd), 0, 0, flags, 0, 0)
	return int(n), errno
}

// socketAddrs asks the kernel for the two ends of an open socket.
func socketAddrs(fd int) (local, remote net.Addr) {
	if sa, err := syscall.Getsockname(fd); err == nil {
		local = socketAddr(sa)
	}
	if sa, err := syscall.Getpeername(fd); err == nil {
		remote = socketAddr(sa)
	}
	return local, remote
}

func socketAddr(sa syscall.Sockaddr) net.Addr {
	switch sa := sa.(type) {
	case *syscall.SockaddrInet4:
		return &net.TCPAddr{IP: append(net.IP(nil), sa.Addr[:]...), Port: sa.Port}
	case *syscall.SockaddrInet6:
		addr := &net.TCPAddr{IP: append(net.IP(nil), sa.Addr[:]...), Port: sa.Port}
		if sa.ZoneId != 0 {
			if nic, err := net.InterfaceByIndex(int(sa.ZoneId)); err == nil {
				addr.Zone = nic.Name
			}
		}
		return addr
	case *syscall.SockaddrUnix:
		return &net.UnixAddr{Name: sa.Name, Net: "unix"}
	}
	return nil
}

// duplicate returns a descriptor of its own for the socket of a listener. The listener's stays non-blocking: File would tell
// both otherwise.
func duplicate(from syscall.Conn) (fd int, err error) {
	raw, err := from.SyscallConn()
	if err != nil {
		return -1, err
	}
	fd = -1
	controlErr := raw.Control(func(own uintptr) {
		n, _, errno := syscall.RawSyscall(syscall.SYS_FCNTL, own, syscall.F_DUPFD_CLOEXEC, 0)
		if errno != 0 {
			err = os.NewSyscallError("fcntl", errno)
			return
		}
		fd = int(n)
	})
	if controlErr != nil {
		return -1, controlErr
	}
	return fd, err
}
