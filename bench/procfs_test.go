//go:build linux

package main

import (
	"os"
	"testing"
	"time"
)

func TestCPUTimeIsUserPlusSystem(t *testing.T) {
	for _, test := range []struct {
		name string
		in   string
		want time.Duration
		ok   bool
	}{
		{"plain", "7 (server) R 1 7 7 0 -1 4194304 100 0 0 0 123 45 9 9 20 0 1 0 238004 3133440 418", 1680 * time.Millisecond, true},
		{"spaces and parentheses in the name", "7 (a) R 1 (b c) S 1 7 7 0 -1 4194304 100 0 0 0 1 2 9 9 20 0", 30 * time.Millisecond, true},
		{"too short", "7 (server) R 1 7 7 0 -1", 0, false},
		{"empty", "", 0, false},
		{"not a number", "7 (server) R 1 7 7 0 -1 4194304 100 0 0 0 x 45 9 9", 0, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := parseStat(test.in)
			if got != test.want || (err == nil) != test.ok {
				t.Errorf("parseStat(%q) = %v, %v; want %v, ok %v", test.in, got, err, test.want, test.ok)
			}
		})
	}
}

func TestAnonymousMemoryIsReadInBytes(t *testing.T) {
	for _, test := range []struct {
		name string
		in   string
		want int64
		ok   bool
	}{
		{"in its place", "00400000-7ffd [rollup]\nRss:   1234 kB\nAnonymous:         560 kB\nLazyFree: 0 kB\n", 560 * 1024, true},
		{"missing", "Rss: 1234 kB\n", 0, false},
		{"another unit", "Anonymous: 1 MB\n", 0, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := parseAnonymous(test.in)
			if got != test.want || (err == nil) != test.ok {
				t.Errorf("parseAnonymous(%q) = %d, %v; want %d, ok %v", test.in, got, err, test.want, test.ok)
			}
		})
	}
}

func TestBusyTimeLeavesOutIdleAndGuest(t *testing.T) {
	//           user nice system idle iowait irq softirq steal guest guest_nice
	const stat = `cpu  9 9 9 9 9 9 9 9 9 9
cpu0 1 2 3 1000 1000 4 5 6 1000 1000
cpu1 10 0 0 0 0 0 0 0 0 0
cpu10 99 0 0 0 0 0 0 0 0 0
intr 1
`
	for _, test := range []struct {
		cpu  int
		want time.Duration
		ok   bool
	}{
		{0, 21 * tick, true},
		{1, 10 * tick, true},
		{2, 0, false},
	} {
		got, err := parseBusy(stat, test.cpu)
		if got != test.want || (err == nil) != test.ok {
			t.Errorf("parseBusy of core %d = %v, %v; want %v, ok %v", test.cpu, got, err, test.want, test.ok)
		}
	}
}

func TestTheKernelWritesWhatWeRead(t *testing.T) {
	if _, err := cpuTime(os.Getpid()); err != nil {
		t.Error(err)
	}
	if n, err := userMemory(os.Getpid()); err != nil || n == 0 {
		t.Errorf("user memory of this process: %d, %v", n, err)
	}
	if busy, err := busyTime(0); err != nil || busy == 0 {
		t.Errorf("busy time of core 0: %v, %v", busy, err)
	}
}
