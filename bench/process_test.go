//go:build linux

package main

import (
	"context"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// builtYardstick compiles the C server, the fastest of all to build.
func builtYardstick(t *testing.T) program {
	t.Helper()
	if _, err := exec.LookPath("gcc"); err != nil {
		t.Skip("no gcc")
	}
	servers, err := selectServers(yardstick)
	if err != nil {
		t.Fatal(err)
	}
	programs, cleanUp, err := build(context.Background(), servers)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cleanUp)
	return programs[0]
}

func TestAServerRunsOnItsCoreAndIsGoneAfterStop(t *testing.T) {
	s, err := startServer(context.Background(), builtYardstick(t), []int{0})
	if err != nil {
		t.Fatal(err)
	}
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(s.pid(), &set); err != nil || set.Count() != 1 || !set.IsSet(0) {
		t.Errorf("affinity %v, %v; want core 0 alone", set, err)
	}
	s.stop()
	if err := syscall.Kill(s.pid(), 0); err != syscall.ESRCH {
		t.Errorf("signal to the stopped server: %v, want %v", err, syscall.ESRCH)
	}
}

func TestANeighbourComputesOnItsCoreUntilItIsStopped(t *testing.T) {
	all, err := startNeighbours(context.Background(), []int{0})
	if err != nil {
		t.Fatal(err)
	}
	defer all.stop()
	pid := all[0].Process.Pid
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(pid, &set); err != nil || set.Count() != 1 || !set.IsSet(0) {
		t.Errorf("affinity %v, %v; want core 0 alone", set, err)
	}
	spent, end := time.Duration(0), time.Now().Add(10*time.Second)
	for spent < 50*time.Millisecond {
		if spent, err = cpuTime(pid); err != nil || time.Now().After(end) {
			t.Fatalf("it has computed for %v, %v", spent, err)
		}
	}
	all.stop()
	if err := syscall.Kill(pid, 0); err != syscall.ESRCH {
		t.Errorf("signal to the stopped neighbour: %v, want %v", err, syscall.ESRCH)
	}
}

func TestAServerThatEndsAtOnceIsReportedWithItsOutput(t *testing.T) {
	p := builtYardstick(t)
	p.args = []string{"-nonsense"}
	s, err := startServer(context.Background(), p, []int{0})
	if err == nil {
		s.stop()
		t.Fatal("no error")
	}
	if !strings.Contains(err.Error(), "usage: server") {
		t.Errorf("error %q does not hold what the server said", err)
	}
}

func TestTheYardstickPassesEveryProbeAndMeasures(t *testing.T) {
	p := builtYardstick(t)
	set := settings{Measure: 50 * time.Millisecond, WarmUp: 20 * time.Millisecond, coreSplit: coreSplit{[]int{0}, []int{0}}}
	for _, w := range allWorkloads(sizes{10, 10}) {
		if !w.suits(p.server) || w.unit == "" {
			continue
		}
		t.Run(w.name, func(t *testing.T) {
			s, err := measure(context.Background(), set, w, p, 1)
			if err != nil {
				t.Fatal(err)
			}
			if s.Requests == 0 || s.Errors != nil || s.P99Micros < s.P50Micros {
				t.Errorf("got %+v, want requests, no errors, and p99 over p50", s)
			}
		})
	}
}

func TestTwoLoopsGetTwoThreadsOfLoad(t *testing.T) {
	if runtime.NumCPU() < 2 {
		t.Skip("needs two cores")
	}
	p := builtYardstick(t)
	both := []int{0, 1}
	set := settings{Measure: 50 * time.Millisecond, WarmUp: 20 * time.Millisecond, coreSplit: coreSplit{both, both}}
	workloads, err := selectWorkloads("plaintext-64", sizes{10, 10})
	if err != nil {
		t.Fatal(err)
	}
	s, err := measure(context.Background(), set, workloads[0], p, 2)
	if err != nil {
		t.Fatal(err)
	}
	if s.LoadThreads != 2 || s.Requests == 0 {
		t.Errorf("%d threads, %d requests; want 2 threads and some", s.LoadThreads, s.Requests)
	}
}
