//go:build linux

package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// machine is what a reader must know to compare two reports. What cannot be
// found out is empty.
type machine struct {
	CPU    string `json:"cpu"`
	Cores  int    `json:"cores"`
	Kernel string `json:"kernel"`
	Go     string `json:"go"`
	// Revision is the commit of the working tree; "-dirty" when it has changes.
	Revision string `json:"revision"`
	// Mitigations change what a system call costs, by tens of percent.
	Mitigations map[string]string `json:"mitigations"`
	// Congestion is TCP's congestion control, which works in every send.
	Congestion string `json:"congestion_control"`
	// LoadAverage before the run: of the machine's other users.
	LoadAverage string `json:"load_average"`
}

func describeMachine(ctx context.Context) machine {
	return machine{
		CPU:         cpuModel(contentOf("/proc/cpuinfo")),
		Cores:       runtime.NumCPU(),
		Kernel:      contentOf("/proc/sys/kernel/osrelease"),
		Go:          runtime.Version(),
		Revision:    revision(ctx),
		Mitigations: mitigations(),
		Congestion:  contentOf("/proc/sys/net/ipv4/tcp_congestion_control"),
		LoadAverage: contentOf("/proc/loadavg"),
	}
}

func cpuModel(cpuinfo string) string {
	for line := range strings.Lines(cpuinfo) {
		if name, value, _ := strings.Cut(line, ":"); strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

func revision(ctx context.Context) string {
	output, err := exec.CommandContext(ctx, "git", "describe", "--always", "--dirty", "--abbrev=12").Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(output))
}

func mitigations() map[string]string {
	// The pattern is right, so Glob cannot fail.
	paths, _ := filepath.Glob("/sys/devices/system/cpu/vulnerabilities/*")
	found := make(map[string]string)
	for _, path := range paths {
		if text := contentOf(path); text != "Not affected" {
			found[filepath.Base(path)] = text
		}
	}
	return found
}

func contentOf(path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}
