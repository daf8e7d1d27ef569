//go:build linux

package main

import (
	"slices"
	"testing"
)

func TestNamesChooseByTheirStart(t *testing.T) {
	all := []string{"plaintext-64", "plaintext-512", "json"}
	for _, test := range []struct {
		names string
		want  []string // nil: refused
	}{
		{"", all},
		{"plaintext", []string{"plaintext-64", "plaintext-512"}},
		{"json,plaintext-5", []string{"plaintext-512", "json"}}, // in the order of all
		{"json,xml", nil},
	} {
		got, err := choose(all, func(s string) string { return s }, test.names)
		if !slices.Equal(got, test.want) || (err == nil) != (test.want != nil) {
			t.Errorf("choose(%q) = %v, %v; want %v", test.names, got, err, test.want)
		}
	}
}

func TestFlagsThatMakeNoSenseAreRefused(t *testing.T) {
	for _, args := range [][]string{
		{"-cpus", "0"},
		{"-cpus", "1,1"},
		{"-cpus", "a,b"},
		{"-loops", "0"},
		{"-from", "x.json"},
		{"-loops", "2", "-cpus", "0,1"},
		{"-rounds", "0"},
		{"-seconds", "0"},
		{"-servers", "apache"},
		{"-workloads", "soap"},
		{"stray"},
	} {
		if _, err := parseFlags(args); err == nil {
			t.Errorf("parseFlags(%q) took them", args)
		}
	}
	if _, err := parseFlags(nil); err != nil {
		t.Errorf("parseFlags without flags: %v", err)
	}
}
