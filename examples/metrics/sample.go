package main

import (
	"cmp"
	"slices"
	"time"
)

// Sample is what the machine was like at one moment. Its JSON is what the page reads.
type Sample struct {
	Time      int64     `json:"time"`   // in milliseconds since 1970
	Source    string    `json:"source"` // what is measured: "machine", or "process" where the machine does not tell
	CPU       float64   `json:"cpu"`    // percent of all cores together
	Cores     []float64 `json:"cores"`  // percent of each
	Memory    Memory    `json:"memory"`
	Load      []float64 `json:"load,omitempty"` // of 1, 5 and 15 minutes
	Uptime    float64   `json:"uptime"`         // in seconds
	Processes int       `json:"processes"`
	Top       []Process `json:"top"` // those that use most of a core, at most eight
}

// Memory is in bytes.
type Memory struct {
	Used  uint64 `json:"used"`
	Total uint64 `json:"total"`
}

// Process is one process of the machine.
type Process struct {
	PID    int     `json:"pid"`
	Name   string  `json:"name"`
	CPU    float64 `json:"cpu"`    // percent of one core
	Memory uint64  `json:"memory"` // resident bytes
}

// reading is a sample whose percentages are still to be told, from the one before.
type reading struct {
	Sample
	at    time.Time
	cores []ticks // the first is of all together
	procs map[int]process
}

// ticks are times that grow from boot on, in one unit.
type ticks struct{ busy, total uint64 }

type process struct {
	Process
	used time.Duration // of CPU
	born uint64        // tells it from another one that has got its PID
}

// since fills in the percentages.
func (r *reading) since(before *reading) Sample {
	s := r.Sample
	for i := range min(len(r.cores), len(before.cores)) {
		p := percent(r.cores[i].busy-before.cores[i].busy, r.cores[i].total-before.cores[i].total)
		if i == 0 {
			s.CPU = p
		} else {
			s.Cores = append(s.Cores, p)
		}
	}
	for pid, p := range r.procs {
		if old, ok := before.procs[pid]; ok && old.born == p.born {
			p.CPU = 100 * float64(p.used-old.used) / float64(r.at.Sub(before.at))
		}
		s.Top = append(s.Top, p.Process)
	}
	slices.SortFunc(s.Top, func(a, b Process) int {
		return cmp.Or(cmp.Compare(b.CPU, a.CPU), cmp.Compare(b.Memory, a.Memory), cmp.Compare(a.PID, b.PID))
	})
	s.Top = s.Top[:min(len(s.Top), 8)]
	return s
}

// percent is of counters, which the kernel may set back a little.
func percent(part, whole uint64) float64 {
	if int64(part) <= 0 || int64(whole) <= 0 {
		return 0
	}
	return min(100*float64(part)/float64(whole), 100)
}
