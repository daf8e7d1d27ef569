//go:build linux

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hyperlane-go/hyperlane/bench/chart"
)

// drawing is a picture of a part of a report.
type drawing interface {
	Empty() bool
	SVG() ([]byte, error)
}

// plot writes the pictures of what was measured into a folder, and returns their paths. A picture without data is left out.
func (r report) plot(dir string) ([]string, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	var paths []string
	for _, picture := range []struct {
		name string
		drawing
	}{
		{"requests.svg", r.requestBars()},
		{"growth.svg", r.growthLines()},
		{"realtime.svg", r.realTimeBars()},
		{"idle.svg", r.idleBars()},
	} {
		if picture.Empty() {
			continue
		}
		svg, err := picture.SVG()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", picture.name, err)
		}
		path := filepath.Join(dir, picture.name)
		if err := os.WriteFile(path, svg, 0o644); err != nil {
			return nil, err
		}
		paths = append(paths, path)
	}
	return paths, nil
}

// column is what a workload is called in a picture.
type column struct{ workload, text string }

func (r report) requestBars() chart.Grid {
	grid := r.bars([]column{
		{"plaintext-64", "plaintext,\n64 connections"}, {"plaintext-512", "plaintext,\n512 connections"}, {"pipeline-16", "pipelined,\n16 at once"},
		{"json", "JSON"}, {"param", "path\nparameter"}, {"echo-4k", "4 kB body\nechoed"}, {"newconn-shared", "connection per\nrequest, shared core"},
	}, func(s summary) float64 { return s.Ratio })
	grid.Title = "Server CPU time per request, as a ratio to a minimal C epoll server"
	if slices.ContainsFunc(grid.Rows, func(row chart.Row) bool { return row == rowOf("rust-hyperlane") }) {
		grid.Note += "; hyperlane for Rust sends no Date"
	}
	return ratios(grid)
}

func (r report) realTimeBars() chart.Grid {
	grid := r.bars([]column{
		{"ws-echo-64-64", "WebSocket echo, 64 B,\n64 connections\ngws = 1"}, {"ws-echo-64-2000", "WebSocket echo, 64 B,\n2,000 connections\ngws = 1"},
		{"ws-fanout", "WebSocket fan-out, 128 B\ngws = 1"}, {"sse-fanout", "event stream fan-out, 128 B\nnet/http = 1"},
	}, func(s summary) float64 { return s.Ratio })
	grid.Title = "Server CPU time per message and per delivery, as a ratio to gws and net/http"
	return ratios(grid)
}

func (r report) idleBars() chart.Grid {
	grid := r.bars([]column{
		{"idle", "keep-alive connection"}, {"ws-idle", "WebSocket"}, {"sse-idle", "event stream"},
	}, func(s summary) float64 { return s.BytesPerConn })
	grid.Title = fmt.Sprintf("Private memory of the server per idle connection, over %s of them", chart.GroupDigits(r.Settings.Idle))
	grid.Subtitle = "less is better; without what the kernel holds for a socket; " + r.rounds()
	grid.Format = memory
	return grid
}

// ratios makes the figures of the grid ratios, and says if there are bars that are cut.
func ratios(grid chart.Grid) chart.Grid {
	grid.Format, grid.Reference, grid.Limit = ratio, 1, 4
	for _, c := range grid.Columns {
		if slices.Max(c.Values) > grid.Limit {
			grid.Subtitle += fmt.Sprintf("; bars are cut at %.0f", grid.Limit)
			break
		}
	}
	return grid
}

func ratio(value float64) string { return fmt.Sprintf("%.2f", value) }

// memory writes a number of bytes in at most three digits.
func memory(bytes float64) string {
	switch {
	case bytes < 1000:
		return fmt.Sprintf("%.0f B", bytes)
	case bytes < 10_000:
		return fmt.Sprintf("%.1f kB", bytes/1000)
	}
	return fmt.Sprintf("%.0f kB", bytes/1000)
}

// bars is the servers and workloads of which there is a figure.
func (r report) bars(columns []column, figure func(summary) float64) chart.Grid {
	grid := chart.Grid{Subtitle: r.conditions(), Note: r.circumstances()}
	var servers []string
	for _, s := range serverList() {
		if slices.ContainsFunc(columns, func(h column) bool { return figureOf(r, s, h.workload, figure) > 0 }) {
			servers = append(servers, s)
			grid.Rows = append(grid.Rows, rowOf(s))
		}
	}
	for _, h := range columns {
		figures := chart.Column{Heading: h.text}
		for _, s := range servers {
			figures.Values = append(figures.Values, figureOf(r, s, h.workload, figure))
		}
		if slices.Max(append(figures.Values, 0)) > 0 {
			grid.Columns = append(grid.Columns, figures)
		}
	}
	return grid
}

// growthLines is the cost of a request over the number of connections and of routes.
func (r report) growthLines() chart.Lines {
	lines := chart.Lines{Title: "Server CPU time per request, in µs, as connections and routes grow", Subtitle: r.conditions(), Note: r.circumstances()}
	for _, panel := range []struct {
		heading, prefix string
		sizes           []float64
	}{
		{"plaintext, by connections", "plaintext-", []float64{64, 512, 2000, 8000}},
		{"path parameter, 64 connections, by routes", "routes-", []float64{1, 100, 10_000}},
	} {
		p := chart.Panel{Heading: panel.heading, Ticks: panel.sizes, Format: func(v float64) string { return fmt.Sprintf("%.1f", v) }}
		for _, server := range serverList() {
			line := chart.Line{Row: rowOf(server)}
			for _, size := range panel.sizes {
				if y := figureOf(r, server, panel.prefix+fmt.Sprint(int(size)), func(s summary) float64 { return s.CPUMicros }); y > 0 {
					line.X, line.Y = append(line.X, size), append(line.Y, y)
				}
			}
			if len(line.X) == len(panel.sizes) {
				p.Lines = append(p.Lines, line)
			}
		}
		if len(p.Lines) > 0 {
			lines.Panels = append(lines.Panels, p)
		}
	}
	return lines
}

// figureOf is the figure of a server with one loop; 0 where there is none, or where there were errors.
func figureOf(r report, server, workload string, figure func(summary) float64) float64 {
	for _, s := range r.Summaries {
		if s.Server == server && s.Workload == workload && s.Loops <= 1 && s.Errors == 0 {
			return figure(s)
		}
	}
	return 0
}

// conditions is what has to be known to read a picture of CPU time.
func (r report) conditions() string {
	return "less is better; the server on one core, the load on another; " + r.rounds()
}

func (r report) rounds() string {
	if r.Settings.Rounds == 1 {
		return "one round"
	}
	return fmt.Sprintf("medians of %d rounds", r.Settings.Rounds)
}

// circumstances is the small print of a picture: where its figures come from.
func (r report) circumstances() string {
	return fmt.Sprintf("%s, kernel %s, %s, %s",
		r.Machine.CPU, strings.SplitN(r.Machine.Kernel, "-", 2)[0], r.Machine.Go, r.Time.Format("January 2006"))
}

// rowOf is what a server is called in a picture, and how it looks.
func rowOf(server string) chart.Row {
	switch server {
	case yardstick:
		return chart.Row{Name: "C, epoll", Tone: chart.Yardstick}
	case "hyperlane-loop":
		return chart.Row{Name: "hyperlane", Tone: chart.Accented}
	case "hyperlane-blocking":
		return chart.Row{Name: "hyperlane, blocking", Tone: chart.Related}
	case "hyperlane-nethttp":
		return chart.Row{Name: "hyperlane, net/http", Tone: chart.Related}
	case "rust-hyperlane":
		return chart.Row{Name: "hyperlane for Rust"}
	case "nethttp":
		return chart.Row{Name: "net/http"}
	}
	return chart.Row{Name: server}
}
