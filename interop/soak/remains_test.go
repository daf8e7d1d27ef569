package soak

import (
	"bytes"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"runtime/metrics"
	"runtime/pprof"
	"slices"
	"strings"
	"testing"
	"time"
)

// remains is what a process has that it should not have more of when everything is over.
type remains struct {
	goroutines  int
	descriptors []string // what they are; empty where the system does not tell
}

// lookAround returns what there is before anything has begun.
func lookAround(t *testing.T) remains {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0") // the runtime opens descriptors of its own for the first one
	if err != nil {
		t.Fatal(err)
	}
	ln.Close()
	return remains{runtime.NumGoroutine(), descriptors()}
}

// compare waits until there is no more than there was, and fails the test with what is too much.
func (r remains) compare(t *testing.T) {
	t.Helper()
	var now remains
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		now = remains{runtime.NumGoroutine(), descriptors()}
		if now.goroutines <= r.goroutines && len(now.descriptors) <= len(r.descriptors) {
			return
		}
	}
	if now.goroutines > r.goroutines {
		var stacks bytes.Buffer
		pprof.Lookup("goroutine").WriteTo(&stacks, 1)
		t.Errorf("%d goroutines, %d at the start:\n%s", now.goroutines, r.goroutines, &stacks)
	}
	if len(now.descriptors) > len(r.descriptors) {
		t.Errorf("descriptors: got\n%s\nwant\n%s", strings.Join(now.descriptors, "\n"), strings.Join(r.descriptors, "\n"))
	}
}

// descriptors lists what is open.
func descriptors() (open []string) {
	const dir = "/proc/self/fd"
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil // not Linux
	}
	for _, entry := range entries {
		what, err := os.Readlink(filepath.Join(dir, entry.Name()))
		if err != nil {
			continue // that of the directory itself
		}
		open = append(open, what)
	}
	slices.Sort(open)
	return open
}

// heapInUse is what is reachable.
func heapInUse() uint64 {
	for range 3 { // what lies in a sync.Pool outlives two
		runtime.GC()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// heapMayGrow is by how much the heap of idle servers may be larger than it was when they were idle before. It is not zero, because what the
// largest number of connections and of running handlers at one time needs is kept for the next: seats of 64 KiB, maps, the pool of an
// http.Client. It is enough for that, and does not grow with the number of exchanges: in half an hour there are more than a hundred thousand,
// so that 20 bytes which each of them leaves behind are found.
const heapMayGrow = 2 << 20

func checkHeap(t *testing.T, warm, after uint64, exchanges int64) {
	t.Helper()
	t.Logf("heap: %d KiB after the first clients, %d KiB after %d exchanges", warm>>10, after>>10, exchanges)
	if after > warm+heapMayGrow {
		t.Errorf("the heap is %d KiB, want at most %d more than the %d KiB that it was", after>>10, heapMayGrow>>10, warm>>10)
	}
}

// keepDiary logs now and then what there is, if there is time enough to see a trend.
func keepDiary(t *testing.T, long time.Duration, stop <-chan struct{}) {
	if long < time.Minute {
		return
	}
	began := time.Now()
	tick := time.NewTicker(max(long/20, 10*time.Second))
	defer tick.Stop()
	for {
		select {
		case <-stop:
			return
		case <-tick.C:
		}
		live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
		metrics.Read(live)
		t.Logf("%v: %d goroutines, %d descriptors, %d KiB", time.Since(began).Round(time.Second), runtime.NumGoroutine(),
			len(descriptors()), live[0].Value.Uint64()>>10)
	}
}
