//go:build linux

package main

import (
	"fmt"
	"testing"
)

func TestTheCoresAreSplit(t *testing.T) {
	for _, test := range []struct {
		cpus  string // the flag
		loops int    // the most that are asked for
		cores int    // of the machine
		want  string // empty: refused
	}{
		{"", 1, 2, "[0] [1]"},
		{"", 2, 4, "[0 1] [2 3]"},
		{"", 2, 3, ""},
		{"0-2,3", 3, 4, "[0 1 2] [3]"}, // the load may have fewer
		{"0-3,4-7", 2, 8, "[0 1 2 3] [4 5 6 7]"},
		{"1,0", 1, 2, "[1] [0]"},
		{"0,1", 2, 2, ""},
		{"0-1,1", 1, 2, ""},
		{"3-1,4", 1, 8, ""},
		{"0", 1, 2, ""},
		{"0,", 1, 2, ""},
		{"-1,0", 1, 2, ""},
	} {
		split, err := splitCores(test.cpus, test.loops, test.cores)
		got := ""
		if err == nil {
			got = fmt.Sprint(split.ServerCPUs, split.LoadCPUs)
		}
		if got != test.want {
			t.Errorf("-cpus %q for %d loops on %d cores: %q, %v; want %q", test.cpus, test.loops, test.cores, got, err, test.want)
		}
	}
}

func TestTheLoopsAreAList(t *testing.T) {
	for text, want := range map[string]string{"1": "[1]", "1,2,4": "[1 2 4]", "4,1": "[4 1]"} {
		if got, err := parseLoops(text); fmt.Sprint(got) != want || err != nil {
			t.Errorf("-loops %s: %v, %v; want %s", text, got, err, want)
		}
	}
	for _, text := range []string{"", "0", "1,1", "two", "1,"} {
		if got, err := parseLoops(text); err == nil {
			t.Errorf("-loops %q: %v, want an error", text, got)
		}
	}
}
