//go:build linux

package main

import "slices"

// summary is what the rounds of one server under one workload say together.
// Every figure is the median over the rounds.
type summary struct {
	Server   string `json:"server"`
	Workload string `json:"workload"`
	Loops    int    `json:"loops"` // and cores of the server

	Unit string `json:"unit,omitempty"` // what is counted; empty where memory is measured
	Base string `json:"base,omitempty"` // the server that it is compared with

	CPUMicros float64 `json:"cpu_us,omitempty"` // for each of what is counted
	// Ratio is the median of the ratios to the base in the same round, not the
	// ratio of the medians: of CPU time, or of memory. Zero without the base.
	Ratio    float64 `json:"ratio,omitempty"`
	RatioMin float64 `json:"ratio_min,omitempty"`
	RatioMax float64 `json:"ratio_max,omitempty"`

	Rate      float64 `json:"per_second,omitempty"`
	P50Micros float64 `json:"p50_us,omitempty"`
	P99Micros float64 `json:"p99_us,omitempty"`
	// SlowerBy is p99 over p99 of the same server in the same round without
	// the others; only for workloads that are compared with another.
	SlowerBy float64 `json:"p99_ratio,omitempty"`

	ServerBusy   float64 `json:"server_busy,omitempty"`
	LoadBusy     float64 `json:"load_busy,omitempty"`
	Foreign      float64 `json:"foreign,omitempty"`
	LoadThreads  int     `json:"load_threads,omitempty"`
	BytesPerConn float64 `json:"bytes_per_idle_connection,omitempty"`
	Errors       uint64  `json:"errors,omitempty"` // the sum over the rounds
}

// isLoadBound reports whether the rate is that of the load, which was full while the server was not, and had its cores to itself.
func (s summary) isLoadBound() bool {
	const full = 0.95
	return !s.isMemory() && s.LoadBusy >= full*float64(s.LoadThreads) && s.ServerBusy+s.Foreign < full*float64(s.Loops)
}

// isMemory tells a measurement of idle connections from one of requests.
func (s summary) isMemory() bool { return s.Unit == "" }

// key names the rounds that belong together.
type key struct {
	workload, server string
	loops            int
}

// summarize returns one summary for each server and workload, in the order in
// which the samples first mention them.
func summarize(samples []sample) []summary {
	rounds := make(map[key][]sample)
	var order []key
	for _, s := range samples {
		k := key{s.Workload, s.Server, s.Loops}
		if rounds[k] == nil {
			order = append(order, k)
		}
		rounds[k] = append(rounds[k], s)
	}
	var summaries []summary
	for _, k := range order {
		own := rounds[k]
		sum := summary{
			Server:       k.server,
			Workload:     k.workload,
			Loops:        k.loops,
			Unit:         own[0].Unit,
			Base:         own[0].Base,
			CPUMicros:    medianOf(own, func(s sample) float64 { return s.CPUMicros }),
			Rate:         medianOf(own, func(s sample) float64 { return s.Rate }),
			P50Micros:    medianOf(own, func(s sample) float64 { return s.P50Micros }),
			P99Micros:    medianOf(own, func(s sample) float64 { return s.P99Micros }),
			ServerBusy:   medianOf(own, func(s sample) float64 { return s.ServerBusy }),
			LoadBusy:     medianOf(own, func(s sample) float64 { return s.LoadBusy }),
			Foreign:      medianOf(own, func(s sample) float64 { return s.Foreign }),
			LoadThreads:  own[0].LoadThreads,
			BytesPerConn: medianOf(own, func(s sample) float64 { return s.BytesPerConn }),
		}
		for _, s := range own {
			for _, n := range s.Errors {
				sum.Errors += n
			}
		}
		cost := func(s sample) float64 { return s.CPUMicros }
		if sum.isMemory() {
			cost = func(s sample) float64 { return s.BytesPerConn }
		}
		ratios := ratiosByRound(own, rounds[key{k.workload, sum.Base, k.loops}], cost)
		if len(ratios) > 0 {
			sum.Ratio, sum.RatioMin, sum.RatioMax = median(ratios), slices.Min(ratios), slices.Max(ratios)
		}
		if own[0].Against != "" {
			without := rounds[key{own[0].Against, k.server, k.loops}]
			if slower := ratiosByRound(own, without, func(s sample) float64 { return s.P99Micros }); len(slower) > 0 {
				sum.SlowerBy = median(slower)
			}
		}
		summaries = append(summaries, sum)
	}
	return summaries
}

// ratiosByRound divides a figure by that of the base in the same round, where
// both have one.
func ratiosByRound(own, base []sample, figure func(sample) float64) []float64 {
	var ratios []float64
	for _, s := range own {
		i := slices.IndexFunc(base, func(b sample) bool { return b.Round == s.Round })
		if i >= 0 && figure(s) > 0 && figure(base[i]) > 0 {
			ratios = append(ratios, figure(s)/figure(base[i]))
		}
	}
	return ratios
}

func medianOf(samples []sample, figure func(sample) float64) float64 {
	values := make([]float64, len(samples))
	for i, s := range samples {
		values[i] = figure(s)
	}
	return median(values)
}

// median returns the middle value, or the mean of the two middle ones. There
// must be at least one value.
func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return (sorted[middle-1] + sorted[middle]) / 2
}
