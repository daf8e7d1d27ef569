package main

import (
	"os"
	"path/filepath"
	"runtime/metrics"
	"time"
)

var started = time.Now()

// readSelf reads this process, by what the Go runtime knows of it, for systems without /proc. The page says so.
func readSelf() *reading {
	samples := []metrics.Sample{
		{Name: "/cpu/classes/total:cpu-seconds"}, {Name: "/cpu/classes/idle:cpu-seconds"}, {Name: "/memory/classes/total:bytes"},
		{Name: "/memory/classes/heap/released:bytes"},
	}
	metrics.Read(samples)
	total, idle := samples[0].Value.Float64(), samples[1].Value.Float64()
	mapped, released := samples[2].Value.Uint64(), samples[3].Value.Uint64()
	r := &reading{at: time.Now()}
	r.Time, r.Source, r.Processes = r.at.UnixMilli(), "process", 1
	r.Uptime = time.Since(started).Seconds()
	r.Memory = Memory{Used: mapped - released, Total: mapped}
	r.cores = []ticks{{uint64((total - idle) * 1e6), uint64(total * 1e6)}}
	name := filepath.Base(os.Args[0])
	used := time.Duration((total - idle) * float64(time.Second))
	r.procs = map[int]process{os.Getpid(): {Process: Process{PID: os.Getpid(), Name: name, Memory: r.Memory.Used}, used: used}}
	return r
}
