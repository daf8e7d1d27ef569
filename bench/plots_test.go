//go:build linux

package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hyperlane-go/hyperlane/bench/chart"
)

// someReport has a figure or two for each picture.
func someReport() report {
	r := report{
		Time:     time.Date(2026, 11, 28, 0, 0, 0, 0, time.UTC),
		Machine:  machine{CPU: "Some CPU", Kernel: "6.18.44-x", Go: "go1.26"},
		Settings: settings{Rounds: 5, Loops: []int{1, 2}, sizes: sizes{Idle: 10_000}},
	}
	for _, s := range []string{yardstick, "hyperlane-loop", "gin"} {
		for _, w := range []string{"plaintext-64", "plaintext-512", "plaintext-2000", "plaintext-8000"} {
			r.Summaries = append(r.Summaries, summary{Server: s, Workload: w, Loops: 1, Ratio: 1.5, CPUMicros: 6})
		}
	}
	r.Summaries = append(r.Summaries,
		summary{Server: "axum", Workload: "plaintext-64", Loops: 2, Ratio: 1.5}, // another number of loops
		summary{Server: "actix", Workload: "plaintext-64", Loops: 1, Ratio: 1.5, Errors: 1},
		summary{Server: "gin", Workload: "pipeline-16", Loops: 1, Ratio: 23.4},
		summary{Server: "gws", Workload: "ws-fanout", Loops: 1, Ratio: 1},
		summary{Server: "gws", Workload: "ws-idle", Loops: 1, BytesPerConn: 3600},
	)
	return r
}

func TestAPictureHasWhatWasMeasuredWithOneLoopAndWithoutErrors(t *testing.T) {
	grid := someReport().requestBars()
	var names, headings []string
	for _, row := range grid.Rows {
		names = append(names, row.Name)
	}
	if want := []string{"C, epoll", "hyperlane", "gin"}; !slices.Equal(names, want) {
		t.Errorf("rows %q, want %q", names, want)
	}
	for _, c := range grid.Columns {
		headings = append(headings, c.Heading)
	}
	if want := []string{"plaintext,\n64 connections", "plaintext,\n512 connections", "pipelined,\n16 at once"}; !slices.Equal(headings, want) {
		t.Errorf("columns %q, want %q", headings, want)
	}
	if got, want := grid.Columns[2].Values, []float64{0, 0, 23.4}; !slices.Equal(got, want) {
		t.Errorf("pipelined: %v, want %v", got, want)
	}
	if grid.Rows[1].Tone != chart.Accented || grid.Rows[0].Tone != chart.Yardstick {
		t.Errorf("tones of %+v, want the yardstick's and an accent", grid.Rows)
	}
}

func TestALineNeedsAllItsPoints(t *testing.T) {
	r := someReport()
	r.Summaries = slices.DeleteFunc(r.Summaries, func(s summary) bool { return s.Server == "gin" && s.Workload == "plaintext-2000" })
	lines := r.growthLines()
	if len(lines.Panels) != 1 || len(lines.Panels[0].Lines) != 2 {
		t.Fatalf("got %+v, want one panel with two lines", lines.Panels)
	}
	if got, want := lines.Panels[0].Lines[0].X, []float64{64, 512, 2000, 8000}; !slices.Equal(got, want) {
		t.Errorf("points at %v, want %v", got, want)
	}
}

func TestAnEarlierRunIsDrawnFromItsFile(t *testing.T) {
	dir := t.TempDir()
	text, err := json.Marshal(someReport())
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "run.json")
	if err := os.WriteFile(file, text, 0o644); err != nil {
		t.Fatal(err)
	}
	r, err := readReport(file)
	if err != nil {
		t.Fatal(err)
	}
	paths, err := r.plot(filepath.Join(dir, "plots"))
	if err != nil {
		t.Fatal(err)
	}
	// What each picture must say.
	for name, texts := range map[string][]string{
		"requests.svg": {"23.40", "bars are cut at 4", "medians of 5 rounds", "Some CPU, kernel 6.18.44, go1.26, November 2026"},
		"growth.svg":   {"8,000", "hyperlane  6.0"},
		"realtime.svg": {"gws = 1", "1.00"},
		"idle.svg":     {"3.6 kB", "10,000"},
	} {
		i := slices.IndexFunc(paths, func(path string) bool { return filepath.Base(path) == name })
		if i < 0 {
			t.Errorf("no %s among %q", name, paths)
			continue
		}
		svg, err := os.ReadFile(paths[i])
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range texts {
			if !strings.Contains(string(svg), text) {
				t.Errorf("%s does not say %q", name, text)
			}
		}
	}
}

func TestARunOfOneWorkloadDrawsOnePicture(t *testing.T) {
	r := someReport()
	r.Summaries = r.Summaries[len(r.Summaries)-1:]
	paths, err := r.plot(t.TempDir())
	if err != nil || len(paths) != 1 || filepath.Base(paths[0]) != "idle.svg" {
		t.Errorf("drew %q, %v; want idle.svg alone", paths, err)
	}
}

func TestMemoryIsWrittenShortly(t *testing.T) {
	for bytes, want := range map[float64]string{89: "89 B", 999: "999 B", 3620: "3.6 kB", 16_700: "17 kB"} {
		if got := memory(bytes); got != want {
			t.Errorf("memory(%v) = %q, want %q", bytes, got, want)
		}
	}
}
