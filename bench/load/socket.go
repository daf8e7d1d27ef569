//go:build linux

package load

import (
	"bytes"
	"fmt"
	"io"
	"net/netip"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// patience is how long a blocking socket waits for anything.
const patience = 5 * time.Second

// socket is a connection that blocks, for the time before the load. It costs this process nothing but a descriptor.
type socket int

// connect opens a connection to an IPv4 address.
func connect(addr netip.AddrPort) (socket, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, os.NewSyscallError("socket", err)
	}
	limit := unix.NsecToTimeval(patience.Nanoseconds())
	for _, option := range []int{unix.SO_RCVTIMEO, unix.SO_SNDTIMEO} {
		if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, option, &limit); err != nil {
			unix.Close(fd)
			return -1, os.NewSyscallError("setsockopt", err)
		}
	}
	peer := &unix.SockaddrInet4{Port: int(addr.Port()), Addr: addr.Addr().As4()}
	for {
		switch err := unix.Connect(fd, peer); err {
		case nil:
			return socket(fd), nil
		case unix.EINTR:
		default:
			unix.Close(fd)
			return -1, os.NewSyscallError("connect", err)
		}
	}
}

// Read implements io.Reader.
func (s socket) Read(b []byte) (int, error) {
	for {
		n, err := unix.Read(int(s), b)
		switch {
		case err == unix.EINTR:
		case err != nil:
			return 0, os.NewSyscallError("read", err)
		case n == 0:
			return 0, io.EOF
		default:
			return n, nil
		}
	}
}

// Write implements io.Writer.
func (s socket) Write(b []byte) (int, error) {
	written := 0
	for written < len(b) {
		n, err := unix.Write(int(s), b[written:])
		if err != nil && err != unix.EINTR {
			return written, os.NewSyscallError("write", err)
		}
		written += max(n, 0)
	}
	return written, nil
}

// reset closes the connection so that it does not wait in TIME_WAIT.
func (s socket) reset() {
	// Without the linger option the close below is only slower.
	_ = unix.SetsockoptLinger(int(s), unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
	unix.Close(int(s))
}

// open sends a request and reads the head of its response, which must have the status. It returns what came after the head.
func open(rw io.ReadWriter, request []byte, status int) (rest []byte, err error) {
	if _, err := rw.Write(request); err != nil {
		return nil, err
	}
	var got []byte
	buf := make([]byte, 4<<10)
	for {
		n, err := rw.Read(buf)
		got = append(got, buf[:n]...)
		if _, after, ok := bytes.Cut(got, []byte(endOfHead)); ok {
			line, _, _ := bytes.Cut(got, []byte("\r\n"))
			if answered, err := parseStatus(string(line)); err != nil || answered != status {
				return nil, fmt.Errorf("answered %.80q, want %d", line, status)
			}
			return after, nil
		}
		if err != nil {
			return nil, err
		}
	}
}
