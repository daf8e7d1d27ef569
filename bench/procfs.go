//go:build linux

package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// tick is the unit of CPU time in /proc; USER_HZ is 100 on every Linux that Go
// runs on.
const tick = 10 * time.Millisecond

// cpuTime is the CPU time that a process has used so far, user and system.
func cpuTime(pid int) (time.Duration, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	return parseStat(string(text))
}

// parseStat reads utime and stime, fields 14 and 15 of proc_pid_stat(5). The
// name in field 2 may hold spaces and parentheses, so we count from its end.
func parseStat(text string) (time.Duration, error) {
	end := strings.LastIndexByte(text, ')')
	fields := strings.Fields(text[end+1:]) // from field 3 on
	if end < 0 || len(fields) < 13 {
		return 0, fmt.Errorf("malformed stat %q", text)
	}
	user, err1 := strconv.ParseUint(fields[11], 10, 63)
	system, err2 := strconv.ParseUint(fields[12], 10, 63)
	if err1 != nil || err2 != nil {
		return 0, fmt.Errorf("malformed times in stat %q", text)
	}
	return time.Duration(user+system) * tick, nil
}

// userMemory is the private memory of a process in bytes: heap, stacks and
// data, but no code and nothing that the kernel holds for it.
func userMemory(pid int) (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	if err != nil {
		return 0, err
	}
	return parseAnonymous(string(text))
}

// parseAnonymous reads the line "Anonymous: N kB" of smaps_rollup. Unlike
// VmRSS in status it is counted page by page, not from per-core estimates.
func parseAnonymous(text string) (int64, error) {
	for line := range strings.Lines(text) {
		rest, ok := strings.CutPrefix(line, "Anonymous:")
		if !ok {
			continue
		}
		number, unit, _ := strings.Cut(strings.TrimSpace(rest), " ")
		kB, err := strconv.ParseInt(number, 10, 53)
		if err != nil || unit != "kB" {
			return 0, fmt.Errorf("malformed line %q", line)
		}
		return kB * 1024, nil
	}
	return 0, fmt.Errorf("no Anonymous in smaps_rollup")
}

// busyTime is the time that a core has spent on anything, by anybody.
func busyTime(cpu int) (time.Duration, error) {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, err
	}
	return parseBusy(string(text), cpu)
}

// parseBusy adds up the fields of proc_stat(5) for one core: user, nice,
// system, irq, softirq and steal; not idle, iowait, nor guest, which is in user.
func parseBusy(text string, cpu int) (time.Duration, error) {
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) < 9 || fields[0] != "cpu"+strconv.Itoa(cpu) {
			continue
		}
		var ticks uint64
		for _, i := range []int{1, 2, 3, 6, 7, 8} {
			n, err := strconv.ParseUint(fields[i], 10, 62)
			if err != nil {
				return 0, fmt.Errorf("malformed line %q", line)
			}
			ticks += n
		}
		return time.Duration(ticks) * tick, nil
	}
	return 0, fmt.Errorf("no core %d in /proc/stat", cpu)
}
