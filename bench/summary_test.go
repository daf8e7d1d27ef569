//go:build linux

package main

import (
	"strings"
	"testing"
)

func TestTheMedianIsTheMiddle(t *testing.T) {
	for _, test := range []struct {
		in   []float64
		want float64
	}{
		{[]float64{7}, 7},
		{[]float64{9, 1, 5}, 5},
		{[]float64{4, 1, 3, 100}, 3.5},
	} {
		before := test.in[0]
		if got := median(test.in); got != test.want {
			t.Errorf("median(%v) = %v, want %v", test.in, got, test.want)
		}
		if test.in[0] != before {
			t.Errorf("median changed its argument to %v", test.in)
		}
	}
}

func TestARatioComparesOnlyWithinARound(t *testing.T) {
	// The machine slows down by ten in round 2: the ratios do not notice.
	sums := summarize([]sample{
		{Server: yardstick, Workload: "w", Unit: "request", Base: yardstick, Round: 1, CPUMicros: 4},
		{Server: "x", Workload: "w", Unit: "request", Base: yardstick, Round: 1, CPUMicros: 6},
		{Server: "x", Workload: "w", Unit: "request", Base: yardstick, Round: 2, CPUMicros: 80},
		{Server: yardstick, Workload: "w", Unit: "request", Base: yardstick, Round: 2, CPUMicros: 40},
		{Server: "x", Workload: "w", Unit: "request", Base: yardstick, Round: 3, CPUMicros: 7},
		{Server: yardstick, Workload: "w", Unit: "request", Base: yardstick, Round: 3, CPUMicros: 4},
	})
	if len(sums) != 2 || sums[1].Server != "x" {
		t.Fatalf("got %+v, want the summaries of %s and x", sums, yardstick)
	}
	if x := sums[1]; x.Ratio != 1.75 || x.RatioMin != 1.5 || x.RatioMax != 2 {
		t.Errorf("ratio %v (%v - %v), want 1.75 (1.5 - 2)", x.Ratio, x.RatioMin, x.RatioMax)
	}
	if c := sums[0]; c.Ratio != 1 || c.CPUMicros != 4 {
		t.Errorf("yardstick: ratio %v of %v µs, want 1 of 4", c.Ratio, c.CPUMicros)
	}
}

func TestWithoutTheYardstickThereIsNoRatio(t *testing.T) {
	sums := summarize([]sample{{Server: "x", Workload: "w", Unit: "request", Base: yardstick, Round: 1, CPUMicros: 6}})
	if sums[0].Ratio != 0 {
		t.Errorf("ratio %v, want 0", sums[0].Ratio)
	}
	if !strings.Contains(row(sums[0]), "-") {
		t.Errorf("row %q does not show that the ratio is missing", row(sums[0]))
	}
}

func TestTheMixedLoadIsComparedWithItself(t *testing.T) {
	sums := summarize([]sample{
		{Server: "x", Workload: mixedWithout, Unit: "request", Round: 1, CPUMicros: 1, P99Micros: 100},
		{Server: "x", Workload: mixedWith, Unit: "request", Against: mixedWithout, Round: 1, CPUMicros: 1, P99Micros: 150},
	})
	if got := sums[1].SlowerBy; got != 1.5 {
		t.Errorf("p99 is %v times that without the sleepers, want 1.5", got)
	}
}

func TestErrorsAreAddedUp(t *testing.T) {
	sums := summarize([]sample{
		{Server: "x", Workload: "w", Unit: "request", Base: yardstick, Round: 1, Errors: map[string]uint64{"a": 1, "b": 2}},
		{Server: "x", Workload: "w", Unit: "request", Base: yardstick, Round: 2, Errors: map[string]uint64{"a": 3}},
	})
	if got := sums[0].Errors; got != 6 {
		t.Errorf("%d errors, want 6", got)
	}
}

func TestLoopsAreComparedOnlyWithTheSameLoops(t *testing.T) {
	sums := summarize([]sample{
		{Server: yardstick, Workload: "w", Unit: "request", Base: yardstick, Loops: 1, Round: 1, CPUMicros: 4},
		{Server: "x", Workload: "w", Unit: "request", Base: yardstick, Loops: 1, Round: 1, CPUMicros: 6},
		{Server: yardstick, Workload: "w", Unit: "request", Base: yardstick, Loops: 2, Round: 1, CPUMicros: 5},
		{Server: "x", Workload: "w", Unit: "request", Base: yardstick, Loops: 2, Round: 1, CPUMicros: 10},
	})
	if len(sums) != 4 || sums[1].Ratio != 1.5 || sums[3].Ratio != 2 {
		t.Errorf("got %+v, want ratios 1.5 and 2", sums)
	}
}

func TestAFullLoadBesideAServerWithRoomIsMarked(t *testing.T) {
	for _, test := range []struct {
		server, load, foreign float64 // cores that were busy
		loops, threads        int
		want                  bool
	}{
		{1, 0.8, 0, 1, 1, false},
		{0.5, 0.99, 0, 1, 1, true},
		{0.5, 0.99, 0.48, 1, 1, false}, // others have had the rest
		{0.99, 0.99, 0, 1, 1, false},   // both are
		{2.1, 1, 0, 4, 2, false},
		{2.1, 1.98, 0, 4, 2, true},
	} {
		s := summary{ServerBusy: test.server, LoadBusy: test.load, Foreign: test.foreign, Loops: test.loops, LoadThreads: test.threads, Unit: "request"}
		if got := s.isLoadBound(); got != test.want {
			t.Errorf("%+v: %v, want %v", test, got, test.want)
		}
		if got := strings.Contains(row(s), "!"); got != test.want {
			t.Errorf("row %q: marked %v, want %v", row(s), got, test.want)
		}
	}
	if memory := (summary{Loops: 1, BytesPerConn: 89}); memory.isLoadBound() {
		t.Error("a measurement of memory has a full load")
	}
}
