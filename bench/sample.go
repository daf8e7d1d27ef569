//go:build linux

package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/hyperlane-go/hyperlane/bench/load"
)

// sample is one measurement of one server under one workload.
type sample struct {
	Server   string `json:"server"`
	Workload string `json:"workload"`
	Round    int    `json:"round"`

	Seconds  float64           `json:"seconds,omitempty"`
	Requests uint64            `json:"requests,omitempty"` // right responses, the sleepers' too
	Errors   map[string]uint64 `json:"errors,omitempty"`

	CPUMicros  float64 `json:"cpu_us_per_request,omitempty"`
	Rate       float64 `json:"requests_per_second,omitempty"` // of the measured group
	P50Micros  float64 `json:"p50_us,omitempty"`              // of the measured group
	P99Micros  float64 `json:"p99_us,omitempty"`              // of the measured group
	ServerBusy float64 `json:"server_busy,omitempty"`         // cores that the server kept busy
	LoadBusy   float64 `json:"load_busy,omitempty"`           // cores that the load kept busy
	Foreign    float64 `json:"foreign,omitempty"`             // cores, of the two, that others kept busy

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
		for round := range set.Rounds {
			for i := range suited {
				p := suited[(i+round)%len(suited)]
				fmt.Fprintf(os.Stderr, "\r\x1b[K%s, round %d of %d: %s", w.name, round+1, set.Rounds, p.name)
				s, err := measure(ctx, set, w, p)
				if err != nil {
					fmt.Fprintln(os.Stderr)
					return nil, fmt.Errorf("%s under %s: %w", p.name, w.name, err)
				}
				s.Server, s.Workload, s.Round = p.name, w.name, round+1
				samples = append(samples, s)
			}
		}
	}
	fmt.Fprint(os.Stderr, "\r\x1b[K")
	return samples, nil
}

// measure starts the server anew, probes it and takes one sample. Everything
// it starts has ended when it returns.
func measure(ctx context.Context, set settings, w workload, p program) (sample, error) {
	ctx, cancel := context.WithTimeout(ctx, set.WarmUp+set.Measure+30*time.Second)
	defer cancel()
	s, err := startServer(ctx, p, set.ServerCPU)
	if err != nil {
		return sample{}, err
	}
	defer s.stop()
	bodyLength, err := probe(ctx, s.addr, w.exchange)
	if err != nil {
		return sample{}, err
	}
	if w.idle > 0 {
		return measureMemory(ctx, set, w, s, bodyLength)
	}
	return measureCPU(ctx, set, w, s, bodyLength)
}

// measureCPU loads the server twice, and reads the clocks around the second
// time.
func measureCPU(ctx context.Context, set settings, w workload, s *process, bodyLength int) (sample, error) {
	g, err := load.Dial(s.addr, w.groups(s.addr, bodyLength)...)
	if err != nil {
		return sample{}, err
	}
	defer g.Close()
	if _, err := g.Run(ctx, set.WarmUp); err != nil {
		return sample{}, err
	}
	before, err := readClocks(set, s.pid())
	if err != nil {
		return sample{}, err
	}
	tallies, err := g.Run(ctx, set.Measure)
	if err != nil {
		return sample{}, err
	}
	after, err := readClocks(set, s.pid())
	if err != nil {
		return sample{}, err
	}
	return newSample(tallies, after.since(before))
}

// newSample turns the tallies of one run, of which the first is the measured
// group's, and the clocks over it into figures.
func newSample(tallies []load.Tally, spent clocks) (sample, error) {
	s := sample{Seconds: spent.wall.Seconds()}
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

// measureMemory warms the server up, so that what it needs once is there, and
// divides the growth by the number of idle connections that caused it.
func measureMemory(ctx context.Context, set settings, w workload, s *process, bodyLength int) (sample, error) {
	g, err := load.Dial(s.addr, w.groups(s.addr, bodyLength)...)
	if err != nil {
		return sample{}, err
	}
	_, err = g.Run(ctx, set.WarmUp)
	g.Close()
	if err != nil {
		return sample{}, err
	}
	before, err := userMemory(s.pid())
	if err != nil {
		return sample{}, err
	}
	idle, err := load.OpenIdle(ctx, s.addr, w.raw(s.addr, false), bodyLength, w.idle)
	if err != nil {
		return sample{}, err
	}
	defer idle.Close()
	time.Sleep(time.Second) // for what the server does when it falls silent
	after, err := userMemory(s.pid())
	if err != nil {
		return sample{}, err
	}
	return sample{BytesPerConn: float64(after-before) / float64(w.idle)}, nil
}
