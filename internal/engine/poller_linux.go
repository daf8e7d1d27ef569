//go:build !386

package engine

import (
	"os"
	"syscall"
	"unsafe"
)

// Interests: what a connection's descriptor is registered for. The kernel always adds EPOLLERR and EPOLLHUP, except to an
// EPOLLONESHOT registration that has fired.
const (
	wantInput   uint32 = syscall.EPOLLIN | syscall.EPOLLRDHUP
	wantOutput  uint32 = syscall.EPOLLOUT
	wantHangup  uint32 = syscall.EPOLLRDHUP | syscall.EPOLLONESHOT
	wantNothing uint32 = syscall.EPOLLONESHOT // an end is reported once more, and then not again
	once        uint32 = syscall.EPOLLONESHOT

	peerEnded uint32 = syscall.EPOLLRDHUP | syscall.EPOLLHUP | syscall.EPOLLERR
)

// eventsPerPoll is how many events one call brings at most.
const eventsPerPoll = 256

// poller is one epoll instance with a descriptor to wake it. add, change and remove may be called by any goroutine that knows
// fd to be open; poll and wait belong to the loop's leader.
type poller struct {
	fd   int
	bell int // an eventfd
	file *os.File
	raw  syscall.RawConn

	events [eventsPerPoll]syscall.EpollEvent // what the last poll brought
	found  int
	try    func(uintptr) bool // poll, as the runtime's poller wants it
}

func newPoller() (*poller, error) {
	fd, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	bell, _, errno := syscall.RawSyscall(syscall.SYS_EVENTFD2, 0, syscall.O_CLOEXEC|syscall.O_NONBLOCK, 0)
	if errno != 0 {
		syscall.Close(fd)
		return nil, os.NewSyscallError("eventfd2", errno)
	}
	p := &poller{fd: fd, bell: int(bell)}
	if err := p.add(p.bell, 0, syscall.EPOLLIN); err != nil {
		p.close()
		return nil, err
	}
	// The descriptor is made non-blocking only so that the runtime's poller takes it, see wait.
	if err := syscall.SetNonblock(fd, true); err != nil {
		p.close()
		return nil, os.NewSyscallError("fcntl", err)
	}
	p.file = os.NewFile(uintptr(fd), "epoll")
	if p.raw, err = p.file.SyscallConn(); err != nil {
		p.close()
		return nil, err
	}
	p.try = func(uintptr) bool {
		p.found = p.poll()
		return p.found > 0
	}
	return p, nil
}

func (p *poller) add(fd int, generation int32, events uint32) error {
	return p.control(syscall.EPOLL_CTL_ADD, fd, generation, events)
}

func (p *poller) change(fd int, generation int32, events uint32) error {
	return p.control(syscall.EPOLL_CTL_MOD, fd, generation, events)
}

func (p *poller) remove(fd int) error { return p.control(syscall.EPOLL_CTL_DEL, fd, 0, 0) }

// control never blocks, so it needs no help of the scheduler. The kernel is given numbers only, never a Go pointer to keep.
func (p *poller) control(op, fd int, generation int32, events uint32) error {
	event := syscall.EpollEvent{Events: events, Fd: int32(fd), Pad: generation}
	_, _, errno := syscall.RawSyscall6(syscall.SYS_EPOLL_CTL, uintptr(p.fd), uintptr(op), uintptr(fd), uintptr(unsafe.Pointer(&event)), 0, 0)
	if errno != 0 {
		return os.NewSyscallError("epoll_ctl", errno)
	}
	return nil
}

// poll asks what is ready now.
func (p *poller) poll() int {
	n, _, errno := syscall.RawSyscall6(syscall.SYS_EPOLL_PWAIT, uintptr(p.fd), uintptr(unsafe.Pointer(&p.events[0])), eventsPerPoll, 0, 0, 0)
	if errno != 0 {
		return 0
	}
	return int(n)
}

// wait blocks until something is ready. It parks the goroutine in the runtime's own poller, so that it holds neither a thread
// nor a P meanwhile: a blocking system call would keep its P for up to 10 ms.
func (p *poller) wait() int {
	p.raw.Read(p.try)
	return p.found
}

// ring wakes the leader that waits.
func (p *poller) ring() {
	one := uint64(1)
	syscall.RawSyscall(syscall.SYS_WRITE, uintptr(p.bell), uintptr(unsafe.Pointer(&one)), 8)
}

// hush takes the ring back.
func (p *poller) hush() {
	var count uint64
	syscall.RawSyscall(syscall.SYS_READ, uintptr(p.bell), uintptr(unsafe.Pointer(&count)), 8)
}

func (p *poller) close() {
	syscall.Close(p.bell)
	if p.file != nil {
		p.file.Close()
		return
	}
	syscall.Close(p.fd)
}
