//go:build linux

package main

import (
	"context"
	"fmt"
	"os/exec"
	"syscall"
)

// neighbours are processes that compute on the cores of a server.
type neighbours []*exec.Cmd

// startNeighbours starts one on each core.
func startNeighbours(ctx context.Context, cpus []int) (neighbours, error) {
	var all neighbours
	for _, cpu := range cpus {
		cmd := exec.CommandContext(ctx, "sh", "-c", "while :; do :; done")
		cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
		if err := startOn([]int{cpu}, cmd); err != nil {
			all.stop()
			return nil, fmt.Errorf("a neighbour: %w", err)
		}
		all = append(all, cmd)
	}
	return all, nil
}

func (n neighbours) stop() {
	for _, cmd := range n {
		_ = cmd.Process.Kill() // the only error is that it has ended
		_ = cmd.Wait()
	}
}
