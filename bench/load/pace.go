//go:build linux

package load

import (
	"fmt"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// pace sends the requests of groups with a rate that are due, and returns how
// long to wait for something else. When no connection is free, the request
// stays due: its latency counts from then.
//
// Without such a group it is not to wait at all. Over the loopback it is the
// server that pays for waking the load, in the system call that sends, and it
// pays more often the less the load has to do: so a slower server would look
// slower still.
func (g *Generator) pace(now time.Duration) (wait time.Duration, err error) {
	paced := false
	wait = time.Hour
	for _, group := range g.groups {
		if group.interval == 0 {
			continue
		}
		paced = true
		for group.due <= now && len(group.free) > 0 {
			c := group.free[0]
			group.free = group.free[1:]
			c.begin(group.due)
			group.due += group.interval
			if err := c.flush(); err != nil {
				if err := g.fail(c, err); err != nil {
					return 0, err
				}
			}
		}
		if len(group.free) > 0 {
			wait = min(wait, group.due-now)
		}
	}
	if !paced {
		wait = 0
	}
	return wait, nil
}

// waitExactly has the kernel end the waits of this thread when they are over,
// and not up to 50 µs later, as is usual.
func waitExactly() error {
	if err := unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("load: timer slack: %w", err)
	}
	return nil
}

// epollWait waits with the precision of nanoseconds, which a rate needs.
func epollWait(epoll int, events []unix.EpollEvent, wait time.Duration) (int, error) {
	limit := unix.NsecToTimespec(max(wait, 0).Nanoseconds())
	n, _, errno := unix.Syscall6(unix.SYS_EPOLL_PWAIT2, uintptr(epoll), uintptr(unsafe.Pointer(&events[0])), uintptr(len(events)),
		uintptr(unsafe.Pointer(&limit)), 0, 0)
	switch errno {
	case 0:
		return int(n), nil
	case unix.EINTR:
		return 0, nil
	}
	return 0, errno
}
