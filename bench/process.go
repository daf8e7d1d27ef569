//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"time"
)

// process is a running server. It dies with its context, with stop, or with
// this process, whichever comes first.
type process struct {
	server
	cpus   []int // its cores, one for each loop
	cmd    *exec.Cmd
	addr   netip.AddrPort
	output bytes.Buffer
	exited chan struct{}
}

// startServer runs the program on the cores, with a loop for each, and waits until it listens.
func startServer(ctx context.Context, p program, cpus []int) (*process, error) {
	addr, err := freeAddress()
	if err != nil {
		return nil, err
	}
	args := append(append([]string{}, p.args...), "-addr", addr.String())
	if p.crate != "" {
		args = append(args, "-loops", strconv.Itoa(len(cpus)))
	}
	s := &process{server: p.server, cpus: cpus, cmd: exec.CommandContext(ctx, p.binary, args...), addr: addr, exited: make(chan struct{})}
	s.cmd.Env = append(os.Environ(), "GOMAXPROCS="+strconv.Itoa(len(cpus)))
	s.cmd.Stdout, s.cmd.Stderr = &s.output, &s.output
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := startOn(cpus, s.cmd); err != nil {
		return nil, err
	}
	go func() {
		// How it ended does not matter: we kill it, or find its output when
		// it no longer answers.
		_ = s.cmd.Wait()
		close(s.exited)
	}()
	if err := s.waitUntilItListens(ctx); err != nil {
		s.stop()
		return nil, fmt.Errorf("%w\n%s", err, s.output.Bytes())
	}
	return s, nil
}

// stop kills the server and waits for its end. The servers keep nothing, so
// there is nothing to drain.
func (s *process) stop() {
	// The only error is that it has ended already.
	_ = s.cmd.Process.Kill()
	<-s.exited
}

func (s *process) pid() int { return s.cmd.Process.Pid }

func (s *process) waitUntilItListens(ctx context.Context) error {
	deadline := time.After(10 * time.Second)
	for {
		conn, err := net.DialTimeout("tcp4", s.addr.String(), time.Second)
		if err == nil {
			return conn.Close()
		}
		select {
		case <-time.After(5 * time.Millisecond):
		case <-s.exited:
			return errors.New("the server ended before it listened")
		case <-deadline:
			return errors.New("the server does not listen")
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// freeAddress finds a port that nobody listens on. Somebody else may take it
// before the server does; then the server ends with its own message.
func freeAddress() (netip.AddrPort, error) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return netip.AddrPort{}, err
	}
	defer l.Close()
	return netip.ParseAddrPort(l.Addr().String())
}
