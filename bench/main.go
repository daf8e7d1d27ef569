//go:build linux

// Command bench measures what a request costs: it builds a minimal C server,
// hyperlane on each of its drivers, and other frameworks in Go and Rust, runs
// them in turns under the same load, and prints the CPU time that the server
// spent for each request, as a ratio to the C server.
//
//	go run ./bench -rounds 5 -seconds 3
//	go run ./bench -servers c,fasthttp,hyperlane -workloads plaintext,pipeline
//
// Each server is a process of its own, with GOMAXPROCS=1, on one core; the
// load comes from this process on another core. With -loops both get more.
// README.md says what the figures mean.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		stop()
		os.Exit(1)
	}
}

// settings is what the flags say.
type settings struct {
	Rounds  int           `json:"rounds"`
	Measure time.Duration `json:"measure_ns"`
	WarmUp  time.Duration `json:"warm_up_ns"`
	Loops   []int         `json:"loops"`
	coreSplit
	sizes

	servers   []server
	workloads []workload

	plots string // folder; empty is none
	from  string // the report of an earlier run; empty is a new run
}

func run(ctx context.Context, args []string) error {
	set, err := parseFlags(args)
	if err != nil {
		return err
	}
	if set.from != "" {
		return redraw(set)
	}
	programs, cleanUp, err := build(ctx, set.servers)
	if err != nil {
		return err
	}
	defer cleanUp()

	about := describeMachine(ctx)
	if err := pinSelf(set.LoadCPUs); err != nil {
		return err
	}
	samples, err := measureAll(ctx, set, programs)
	if err != nil {
		return err
	}
	report := newReport(about, set, samples)
	if err := report.print(os.Stdout); err != nil {
		return err
	}
	path, err := report.save(ctx)
	if err != nil {
		return err
	}
	fmt.Println("\nwritten to", path)
	return draw(report, set.plots)
}

// redraw draws the plots of an earlier run.
func redraw(set settings) error {
	report, err := readReport(set.from)
	if err != nil {
		return err
	}
	return draw(report, set.plots)
}

// draw writes the plots into the folder, if one is named.
func draw(r report, dir string) error {
	if dir == "" {
		return nil
	}
	paths, err := r.plot(dir)
	if err != nil {
		return fmt.Errorf("drawing: %w", err)
	}
	fmt.Println("drawn:", strings.Join(paths, ", "))
	return nil
}

func parseFlags(args []string) (settings, error) {
	set := settings{}
	flags := flag.NewFlagSet("bench", flag.ExitOnError)
	serverNames := flags.String("servers", "", "servers to measure, by the start of their names (default all):\n"+strings.Join(serverList(), ", "))
	workloadNames := flags.String("workloads", "", "workloads to run, by the start of their names (default all):\n"+strings.Join(workloadList(), ", "))
	loops := flags.String("loops", "1", "event loops of the server, and its GOMAXPROCS and cores; a list, as in 1,2,4, measures with each")
	cpus := flags.String("cpus", "", "the cores of the server and the cores of the load, as in 0,1 or 0-3,4-7 (default as many as the loops for each)")
	seconds := flags.Float64("seconds", 3, "length of one measurement; CPU time is counted in steps of 10 ms")
	flags.DurationVar(&set.WarmUp, "warmup", 500*time.Millisecond, "load before each measurement")
	flags.IntVar(&set.Rounds, "rounds", 5, "measurements of each server under each workload")
	flags.IntVar(&set.Idle, "idle", 10_000, "connections of the workloads idle, ws-idle and sse-idle")
	flags.IntVar(&set.Members, "members", 5000, "members of the workloads ws-fanout and sse-fanout")
	flags.StringVar(&set.plots, "plot", "", "a folder for plots, in SVG (default none)")
	flags.StringVar(&set.from, "from", "", "measure nothing, and draw the -plot of the JSON file that an earlier run left")
	if err := flags.Parse(args); err != nil {
		return settings{}, err
	}
	if flags.NArg() > 0 {
		return settings{}, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	set.Measure = time.Duration(*seconds * float64(time.Second))
	if set.Rounds < 1 || set.Measure <= 0 || set.WarmUp <= 0 || set.Idle < 1 || set.Members < 1 {
		return settings{}, fmt.Errorf("rounds, seconds, warmup, idle and members must be positive")
	}
	if set.from != "" && set.plots == "" {
		return settings{}, errors.New("-from needs -plot, the folder for what it draws")
	}
	var err error
	if set.Loops, err = parseLoops(*loops); err != nil {
		return settings{}, err
	}
	if set.coreSplit, err = splitCores(*cpus, slices.Max(set.Loops), runtime.NumCPU()); err != nil {
		return settings{}, err
	}
	if set.servers, err = selectServers(*serverNames); err != nil {
		return settings{}, err
	}
	if set.workloads, err = selectWorkloads(*workloadNames, set.sizes); err != nil {
		return settings{}, err
	}
	return set, nil
}

// choose returns the items of all whose names start with one of the
// comma-separated prefixes, in the order of all; everything when names is
// empty. A prefix that fits nothing is an error.
func choose[T any](all []T, name func(T) string, names string) ([]T, error) {
	if names == "" {
		return all, nil
	}
	prefixes := strings.Split(names, ",")
	fits := make([]bool, len(prefixes))
	var chosen []T
	for _, item := range all {
		hit := false
		for i, prefix := range prefixes {
			if strings.HasPrefix(name(item), prefix) {
				hit, fits[i] = true, true
			}
		}
		if hit {
			chosen = append(chosen, item)
		}
	}
	for i, ok := range fits {
		if !ok {
			return nil, fmt.Errorf("nothing is called %q", prefixes[i])
		}
	}
	return chosen, nil
}
