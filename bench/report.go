//go:build linux

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"text/tabwriter"
	"time"
)

// report is a whole run: what it was run on, every sample, and what they say.
type report struct {
	Time      time.Time `json:"time"`
	Machine   machine   `json:"machine"`
	Settings  settings  `json:"settings"`
	Summaries []summary `json:"summaries"`
	Samples   []sample  `json:"samples"`
}

func newReport(m machine, set settings, samples []sample) report {
	summaries := summarize(samples)
	// In the order of the catalog, not in that of the first round.
	rank := serverList()
	workloads := workloadList()
	slices.SortStableFunc(summaries, func(a, b summary) int {
		if d := slices.Index(workloads, a.Workload) - slices.Index(workloads, b.Workload); d != 0 {
			return d
		}
		return slices.Index(rank, a.Server) - slices.Index(rank, b.Server)
	})
	return report{time.Now().UTC(), m, set, summaries, samples}
}

// save writes the report into the folder results of this module.
func (r report) save(ctx context.Context) (string, error) {
	dir, err := benchDir(ctx)
	if err != nil {
		return "", err
	}
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "results", r.Time.Format("20060102T150405Z")+".json")
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return "", err
	}
	return path, os.WriteFile(path, append(text, '\n'), 0o644)
}

// print writes one table for each workload.
func (r report) print(w io.Writer) error {
	fmt.Fprintf(w, "%s, kernel %s, %s; server on core %d, load on core %d; medians of %d rounds of %v\n",
		r.Machine.CPU, r.Machine.Kernel, r.Machine.Go, r.Settings.ServerCPU, r.Settings.LoadCPU, r.Settings.Rounds, r.Settings.Measure)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	workload := ""
	for _, s := range r.Summaries {
		if s.Workload != workload {
			workload = s.Workload
			if err := table.Flush(); err != nil {
				return err
			}
			fmt.Fprintf(w, "\n%s\n", workload)
			fmt.Fprintln(table, heading(s))
		}
		fmt.Fprintln(table, row(s))
	}
	return table.Flush()
}

func heading(s summary) string {
	if s.isMemory() {
		return fmt.Sprintf("server\tbytes/connection\tratio to %s\t(min - max)\t", s.Base)
	}
	line := fmt.Sprintf("server\tCPU µs/%s\tratio to %s\t(min - max)\tper second\tp50 µs\tp99 µs\tserver\tload\tforeign\terrors\t", s.Unit, s.Base)
	if s.SlowerBy > 0 {
		line += "p99 / without\t"
	}
	return line
}

func row(s summary) string {
	ratio, spread := "-", "-"
	if s.Ratio > 0 {
		ratio = fmt.Sprintf("%.2f", s.Ratio)
		spread = fmt.Sprintf("(%.2f - %.2f)", s.RatioMin, s.RatioMax)
	}
	if s.isMemory() {
		return fmt.Sprintf("%s\t%.0f\t%s\t%s\t", s.Server, s.BytesPerConn, ratio, spread)
	}
	line := fmt.Sprintf("%s\t%.2f\t%s\t%s\t%.0f\t%.0f\t%.0f\t%.0f%%\t%.0f%%\t%.0f%%\t%d\t",
		s.Server, s.CPUMicros, ratio, spread, s.Rate, s.P50Micros, s.P99Micros,
		100*s.ServerBusy, 100*s.LoadBusy, 100*s.Foreign, s.Errors)
	if s.SlowerBy > 0 {
		line += fmt.Sprintf("%.2f\t", s.SlowerBy)
	}
	return line
}
