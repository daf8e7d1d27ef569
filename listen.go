package hyperlane

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/hyperlane-go/hyperlane/internal/engine"
)

// listen opens the listener that addr names, see Run.
func (s *Server) listen(ctx context.Context, addr string) (net.Listener, error) {
	kind, rest, _ := strings.Cut(addr, ":")
	switch kind {
	case "unix":
		return s.listenUnix(ctx, rest)
	case "fd":
		fd, err := strconv.Atoi(rest)
		if err != nil || fd < 0 {
			return nil, fmt.Errorf("address %q: want fd: and the number of a descriptor", addr)
		}
		return inherit(fd, addr)
	case "systemd":
		fd, err := systemdSocket(rest, os.Getpid(), os.Getenv)
		if err != nil {
			return nil, fmt.Errorf("address %q: %w", addr, err)
		}
		return inherit(fd, addr)
	}
	c := &s.config
	return engine.Listen(ctx, addr, engine.SocketOptions{
		NoDelay: c.NoDelay, Linger: c.Linger, TTL: c.TTL, ReusePort: c.ReusePort, Backlog: c.Backlog,
	})
}

// listenUnix opens a unix socket. One that a dead process has left is removed; one that answers is somebody's.
func (s *Server) listenUnix(ctx context.Context, path string) (net.Listener, error) {
	var config net.ListenConfig
	ln, err := config.Listen(ctx, "unix", path)
	if err == nil || strings.HasPrefix(path, "@") {
		return ln, err
	}
	if info, statErr := os.Lstat(path); statErr != nil || info.Mode()&os.ModeSocket == 0 {
		return nil, err
	}
	if nc, dialErr := (&net.Dialer{}).DialContext(ctx, "unix", path); dialErr == nil {
		nc.Close()
		return nil, err
	}
	if removeErr := os.Remove(path); removeErr != nil {
		return nil, err
	}
	return config.Listen(ctx, "unix", path)
}

// inherit makes a listener of a descriptor that the process was started with.
func inherit(fd int, addr string) (net.Listener, error) {
	f := os.NewFile(uintptr(fd), addr)
	if f == nil {
		return nil, fmt.Errorf("address %q: no such descriptor", addr)
	}
	defer f.Close() // the listener has a copy
	ln, err := net.FileListener(f)
	if err != nil {
		return nil, fmt.Errorf("address %q: %w", addr, err)
	}
	return ln, nil
}

// systemdSocket returns the descriptor that systemd has passed under name, or the first one (sd_listen_fds(3)).
func systemdSocket(name string, pid int, getenv func(string) string) (int, error) {
	const first = 3
	if getenv("LISTEN_PID") != strconv.Itoa(pid) {
		return 0, errors.New("systemd has passed no sockets to this process")
	}
	n, err := strconv.Atoi(getenv("LISTEN_FDS"))
	if err != nil || n < 1 {
		return 0, fmt.Errorf("LISTEN_FDS is %q", getenv("LISTEN_FDS"))
	}
	if name == "" {
		return first, nil
	}
	names := strings.Split(getenv("LISTEN_FDNAMES"), ":")
	i := slices.Index(names, name)
	if i < 0 || i >= n {
		return 0, fmt.Errorf("systemd has passed no socket of that name, but %s", strings.Join(names, ", "))
	}
	return first + i, nil
}
