//go:build linux

package main

import (
	"cmp"
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
		return cmp.Or(a.Loops-b.Loops, slices.Index(rank, a.Server)-slices.Index(rank, b.Server))
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

// readReport reads what save has written.
func readReport(path string) (report, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return report{}, err
	}
	var r report
	if err := json.Unmarshal(text, &r); err != nil {
		return report{}, fmt.Errorf("%s: %w", path, err)
	}
	return r, nil
}

// print writes one table for each workload.
func (r report) print(w io.Writer) error {
	fmt.Fprintf(w, "%s, kernel %s, %s; server on %s, load on %s; medians of %d rounds of %v\n",
		r.Machine.CPU, r.Machine.Kernel, r.Machine.Go, nameCores(r.Settings.ServerCPUs), nameCores(r.Settings.LoadCPUs), r.Settings.Rounds, r.Settings.Measure)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	last, loadBound := "", false
	for _, s := range r.Summaries {
		if title := r.title(s); title != last {
			last = title
			if err := table.Flush(); err != nil {
				return err
			}
			fmt.Fprintf(w, "\n%s\n", title)
			fmt.Fprintln(table, heading(s))
		}
		fmt.Fprintln(table, row(s))
		loadBound = loadBound || s.isLoadBound()
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if loadBound {
		fmt.Fprintln(w, "\n! the load was full and the server was not: the rate is that of the load, and the server looks dearer than it is")
	}
	return nil
}

// title names the table that a summary belongs to.
func (r report) title(s summary) string {
	if slices.Max(r.Settings.Loops) == 1 {
		return s.Workload
	}
	return fmt.Sprintf("%s, loops: %d", s.Workload, s.Loops)
}

func nameCores(cpus []int) string {
	if len(cpus) == 1 {
		return fmt.Sprintf("core %d", cpus[0])
	}
	return fmt.Sprintf("cores %d-%d", cpus[0], cpus[len(cpus)-1])
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
	mark := ""
	if s.isLoadBound() {
		mark = "!"
	}
	line := fmt.Sprintf("%s\t%.2f\t%s\t%s\t%.0f\t%.0f\t%.0f\t%.0f%%\t%s%.0f%%\t%.0f%%\t%d\t",
		s.Server, s.CPUMicros, ratio, spread, s.Rate, s.P50Micros, s.P99Micros,
		100*s.ServerBusy, mark, 100*s.LoadBusy, 100*s.Foreign, s.Errors)
	if s.SlowerBy > 0 {
		line += fmt.Sprintf("%.2f\t", s.SlowerBy)
	}
	return line
}
