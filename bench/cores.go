//go:build linux

package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// coreSplit is which cores the server and the load have. A server with fewer
// loops than cores gets the first ones.
type coreSplit struct {
	ServerCPUs []int `json:"server_cpus"`
	LoadCPUs   []int `json:"load_cpus"`
}

// splitCores reads the cores out of a flag, or, where it is empty, gives the
// server and the load as many each as the server has loops at most. The machine
// has so many cores.
func splitCores(text string, loops, cores int) (coreSplit, error) {
	if text == "" {
		if cores < 2*loops {
			return coreSplit{}, fmt.Errorf("%d loops need %d cores, half of them for the load, and this machine has %d; -cpus can give the load fewer",
				loops, 2*loops, cores)
		}
		return coreSplit{countUp(0, loops), countUp(loops, 2*loops)}, nil
	}
	server, load, ok := strings.Cut(text, ",")
	split := coreSplit{parseRange(server), parseRange(load)}
	if !ok || split.ServerCPUs == nil || split.LoadCPUs == nil {
		return coreSplit{}, fmt.Errorf("-cpus %q: want two cores or ranges of cores, as in 0,1 or 0-3,4-7", text)
	}
	for _, cpu := range split.ServerCPUs {
		if slices.Contains(split.LoadCPUs, cpu) {
			return coreSplit{}, fmt.Errorf("-cpus %q: the server and the load need cores of their own; this machine has %d", text, cores)
		}
	}
	if n := len(split.ServerCPUs); n < loops {
		return coreSplit{}, fmt.Errorf("-cpus %q: %d loops need %d cores, and the server has %d", text, loops, loops, n)
	}
	return split, nil
}

// loadThreads is how many threads load the server: as many as it has loops, if
// there is a core for each.
func (c coreSplit) loadThreads(s *process) int { return min(len(s.cpus), len(c.LoadCPUs)) }

// parseRange reads 3 or 0-3; nil if it is neither.
func parseRange(text string) []int {
	from, to, isRange := strings.Cut(text, "-")
	if !isRange {
		to = from
	}
	first, err1 := strconv.ParseUint(from, 10, 16)
	last, err2 := strconv.ParseUint(to, 10, 16)
	if err1 != nil || err2 != nil || last < first {
		return nil
	}
	return countUp(int(first), int(last)+1)
}

func countUp(from, to int) []int {
	var numbers []int
	for i := from; i < to; i++ {
		numbers = append(numbers, i)
	}
	return numbers
}

// parseLoops reads a list of numbers of loops.
func parseLoops(text string) ([]int, error) {
	var loops []int
	for item := range strings.SplitSeq(text, ",") {
		n, err := strconv.Atoi(item)
		if err != nil || n < 1 || slices.Contains(loops, n) {
			return nil, fmt.Errorf("-loops %q: want different numbers from 1 on, as in 1,2,4", text)
		}
		loops = append(loops, n)
	}
	return loops, nil
}
