//go:build linux

package main

import (
	"os"
	"time"
)

// clocks are readings that only mean something as a difference of two.
type clocks struct {
	at     time.Time
	wall   time.Duration // in a difference
	server time.Duration // CPU time of the server
	load   time.Duration // CPU time of this process
	cores  time.Duration // what the two cores did, for anybody
}

func readClocks(set settings, pid int) (clocks, error) {
	server, err := cpuTime(pid)
	if err != nil {
		return clocks{}, err
	}
	load, err := cpuTime(os.Getpid())
	if err != nil {
		return clocks{}, err
	}
	first, err := busyTime(set.ServerCPU)
	if err != nil {
		return clocks{}, err
	}
	second, err := busyTime(set.LoadCPU)
	if err != nil {
		return clocks{}, err
	}
	return clocks{at: time.Now(), server: server, load: load, cores: first + second}, nil
}

// since is the difference of two readings.
func (c clocks) since(before clocks) clocks {
	return clocks{
		wall:   c.at.Sub(before.at),
		server: c.server - before.server,
		load:   c.load - before.load,
		cores:  c.cores - before.cores,
	}
}
