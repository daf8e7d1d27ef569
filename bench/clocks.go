//go:build linux

package main

import (
	"os"
	"slices"
	"time"
)

// clocks are readings that only mean something as a difference of two.
type clocks struct {
	at     time.Time
	wall   time.Duration // in a difference
	server time.Duration // CPU time of the server
	load   time.Duration // CPU time of this process
	cores  time.Duration // what the cores of both did, for anybody
}

func readClocks(set settings, s *process) (clocks, error) {
	server, err := cpuTime(s.pid())
	if err != nil {
		return clocks{}, err
	}
	load, err := cpuTime(os.Getpid())
	if err != nil {
		return clocks{}, err
	}
	now := clocks{at: time.Now(), server: server, load: load}
	for _, cpu := range slices.Concat(s.cpus, set.LoadCPUs) {
		busy, err := busyTime(cpu)
		if err != nil {
			return clocks{}, err
		}
		now.cores += busy
	}
	return now, nil
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
