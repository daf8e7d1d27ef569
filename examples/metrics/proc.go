package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"time"
)

// readProc reads the machine from the proc file system of Linux (see proc(5)).
func readProc(proc fs.FS, pageSize int) (*reading, error) {
	r := &reading{at: time.Now(), procs: make(map[int]process)}
	r.Time, r.Source = r.at.UnixMilli(), "machine"
	for _, read := range []func(fs.FS) error{r.readStat, r.readMemory, r.readUptime} {
		if err := read(proc); err != nil {
			return nil, err
		}
	}
	r.readLoad(proc)
	entries, err := fs.ReadDir(proc, ".")
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if pid, err := strconv.Atoi(e.Name()); err == nil {
			if p, ok := readProcess(proc, pid, pageSize); ok { // else it has just ended
				r.procs[pid] = p
			}
		}
	}
	r.Processes = len(r.procs)
	return r, nil
}

// readStat reads the times of the cores: user nice system idle iowait irq softirq steal. What guests use is in user already.
func (r *reading) readStat(proc fs.FS) error {
	text, err := fs.ReadFile(proc, "stat")
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		if len(fields) < 5 || !strings.HasPrefix(fields[0], "cpu") {
			continue
		}
		var t ticks
		for i, field := range fields[1:min(len(fields), 9)] {
			n, err := strconv.ParseUint(field, 10, 64)
			if err != nil {
				return fmt.Errorf("stat: %w", err)
			}
			t.total += n
			if i != 3 && i != 4 {
				t.busy += n
			}
		}
		r.cores = append(r.cores, t)
	}
	if len(r.cores) == 0 {
		return fmt.Errorf("stat: no cpu in %.100q", text)
	}
	return nil
}

func (r *reading) readMemory(proc fs.FS) error {
	text, err := fs.ReadFile(proc, "meminfo")
	if err != nil {
		return err
	}
	sizes := make(map[string]uint64)
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		name, rest, _ := strings.Cut(lines.Text(), ":")
		if n, err := strconv.ParseUint(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64); err == nil {
			sizes[name] = n << 10
		}
	}
	total, available := sizes["MemTotal"], sizes["MemAvailable"]
	if total == 0 || available > total {
		return fmt.Errorf("meminfo: %d of %d bytes are available", available, total)
	}
	r.Memory = Memory{Used: total - available, Total: total}
	return nil
}

func (r *reading) readUptime(proc fs.FS) error {
	text, err := fs.ReadFile(proc, "uptime")
	if err != nil {
		return err
	}
	first, _, _ := strings.Cut(string(text), " ")
	r.Uptime, err = strconv.ParseFloat(first, 64)
	return err
}

// readLoad reads what not every container shows.
func (r *reading) readLoad(proc fs.FS) {
	text, _ := fs.ReadFile(proc, "loadavg")
	fields := strings.Fields(string(text))
	for _, field := range fields[:min(len(fields), 3)] {
		if n, err := strconv.ParseFloat(field, 64); err == nil {
			r.Load = append(r.Load, n)
		}
	}
}

// tick is the unit of times in /proc/PID/stat: the kernel shows 100 a second on every architecture that Go runs on.
const tick = 10 * time.Millisecond

// readProcess reads one process. Its name stands in parentheses, and may contain some.
func readProcess(proc fs.FS, pid, pageSize int) (p process, ok bool) {
	text, err := fs.ReadFile(proc, strconv.Itoa(pid)+"/stat")
	start, end := bytes.IndexByte(text, '('), bytes.LastIndexByte(text, ')')
	if err != nil || start < 0 || end < start {
		return p, false
	}
	fields := strings.Fields(string(text[end+1:])) // from the third on: state
	if len(fields) < 22 {
		return p, false
	}
	number := func(field int) uint64 {
		n, _ := strconv.ParseUint(fields[field-3], 10, 64)
		return n
	}
	p.PID, p.Name = pid, string(text[start+1:end])
	p.used = time.Duration(number(14)+number(15)) * tick
	p.born = number(22)
	p.Memory = number(24) * uint64(pageSize)
	return p, true
}
