//go:build linux

package main

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"

	"golang.org/x/sys/unix"
)

// pinSelf moves every thread of this process to the cores. Threads that start
// later inherit them.
func pinSelf(cpus []int) error {
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return err
	}
	for _, thread := range threads {
		id, err := strconv.Atoi(thread.Name())
		if err != nil {
			return err
		}
		if err := pinThread(id, cpus); err != nil && err != unix.ESRCH {
			return fmt.Errorf("pinning to cores %v: %w", cpus, err)
		}
	}
	return nil
}

// startOn starts the command on the cores. A child inherits the cores of the
// thread that forks it, so it is on them from its first instruction.
func startOn(cpus []int, cmd *exec.Cmd) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var before unix.CPUSet
	if err := unix.SchedGetaffinity(0, &before); err != nil {
		return fmt.Errorf("reading the affinity: %w", err)
	}
	if err := pinThread(0, cpus); err != nil {
		return fmt.Errorf("pinning to cores %v: %w", cpus, err)
	}
	startErr := cmd.Start()
	if err := unix.SchedSetaffinity(0, &before); err != nil {
		return fmt.Errorf("restoring the affinity: %w", err)
	}
	return startErr
}

// pinThread pins one thread; 0 is the calling one.
func pinThread(id int, cpus []int) error {
	var set unix.CPUSet
	for _, cpu := range cpus {
		set.Set(cpu)
	}
	return unix.SchedSetaffinity(id, &set)
}
