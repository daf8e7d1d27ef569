//go:build linux

package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"time"

	"github.com/hyperlane-go/hyperlane/bench/load"
)

// sample is one measurement of one server under one workload.
type sample struct {
	Server   string `json:"server"`
	Workload string `json:"workload"`
	Round    int    `json:"round"`
	Loops    int    `json:"loops"` // and cores of the server

	Unit    string `json:"unit,omitempty"`          // what is counted; empty where memory is measured
	Base    string `json:"base,omitempty"`          // the server that it is compared with
	Against string `json:"compared_with,omitempty"` // the workload that it is compared with

	Seconds  float64           `json:"seconds,omitempty"`
	Requests uint64            `json:"requests,omitempty"` // right responses, messages or deliveries, of all groups
	Errors   map[string]uint64 `json:"errors,omitempty"`

	CPUMicros  float64 `json:"cpu_us,omitempty"`      // for each of Requests
	Rate       float64 `json:"per_second,omitempty"`  // of the measured group
	P50Micros  float64 `json:"p50_us,omitempty"`      // of the measured group
	P99Micros  float64 `json:"p99_us,omitempty"`      // of the measured group
	ServerBusy float64 `json:"server_busy,omitempty"` // cores that the server kept busy
	LoadBusy   float64 `json:"load_busy,omitempty"`   // cores that the load kept busy
	Foreign    float64 `json:"foreign,omitempty"`     // cores, of those of both, that others kept busy

	LoadThreads int `json:"load_threads,omitempty"`

	BytesPerConn float64 `json:"bytes_per_idle_connection,omitempty"`
}

// measureAll takes all samples. The servers take turns: in each round every
// server is measured once, and each round starts with another one, so that
// noise which comes and goes does not choose its victim.
func measureAll(ctx context.Context, set settings, programs []program) ([]sample, error) {
	var samples []sample
	for _, w := range set.workloads {
		var suited []program
		for _, p := range programs {
			if w.suits(p.server) {
				suited = append(suited, p)
			}
		}
		for _, loops := range set.Loops {
			taken, err := measureRounds(ctx, set, w, suited, loops)
			if err != nil {
				return nil, err
			}
			samples = append(samples, taken...)
		}
	}
	fmt.Fprint(os.Stderr, "\r\x1b[K")
	return samples, nil
}

func measureRounds(ctx context.Context, set settings, w workload, programs []program, loops int) ([]sample, error) {
	var samples []sample
	for round := range set.Rounds {
		for i := range programs {
			p := programs[(i+round)%len(programs)]
			fmt.Fprintf(os.Stderr, "\r\x1b[K%s, loops %d, round %d of %d: %s", w.name, loops, round+1, set.Rounds, p.name)
			s, err := measure(ctx, set, w, p, loops)
			if err != nil {
				fmt.Fprintln(os.Stderr)
				return nil, fmt.Errorf("%s under %s: %w", p.name, w.name, err)
			}
			s.Server, s.Workload, s.Round, s.Loops = p.name, w.name, round+1, loops
			s.Unit, s.Base, s.Against = w.unit, w.base, w.against
			samples = append(samples, s)
		}
	}
	return samples, nil
}

// measure starts the server anew and takes one sample. Everything
// it starts has ended when it returns.
func measure(ctx context.Context, set settings, w workload, p program, loops int) (sample, error) {
	ctx, cancel := context.WithTimeout(ctx, set.WarmUp+set.Measure+time.Minute)
	defer cancel()
	if w.routes > 0 {
		p.args = append(slices.Clip(p.args), "-routes", strconv.Itoa(w.routes))
	}
	s, err := startServer(ctx, p, set.ServerCPUs[:loops])
	if err != nil {
		return sample{}, err
	}
	defer s.stop()
	taken, err := w.measure(ctx, set, s)
	if err != nil && ctx.Err() != nil {
		return sample{}, fmt.Errorf("%w; what came of that: %w", ctx.Err(), err)
	}
	return taken, err
}

// newSample turns the tallies of one run, of which the first is the measured
// group's, and the clocks over it into figures.
func newSample(tallies []load.Tally, spent clocks, threads int) (sample, error) {
	s := sample{Seconds: spent.wall.Seconds(), LoadThreads: threads}
	for _, t := range tallies {
		s.Requests += t.Requests
		for kind, n := range t.Errors {
			if s.Errors == nil {
				s.Errors = make(map[string]uint64)
			}
			s.Errors[kind] += n
		}
	}
	if s.Requests == 0 {
		return sample{}, fmt.Errorf("no right response in %v; errors: %v", spent.wall, s.Errors)
	}
	measured := tallies[0]
	micros := func(quantile float64) float64 {
		return float64(measured.Latency.ValueAtQuantile(quantile)) / 1000
	}
	s.P50Micros, s.P99Micros = micros(50), micros(99)
	s.Rate = float64(measured.Requests) / s.Seconds
	s.CPUMicros = float64(spent.server.Nanoseconds()) / 1000 / float64(s.Requests)
	s.ServerBusy = spent.server.Seconds() / s.Seconds
	s.LoadBusy = spent.load.Seconds() / s.Seconds
	// Ticks are rounded, so a quiet machine can come out a little below zero.
	s.Foreign = max(0, (spent.cores-spent.server-spent.load).Seconds()/s.Seconds)
	return s, nil
}
