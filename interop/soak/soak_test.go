package soak

import (
	"math/rand/v2"
	"os"
	"runtime"
	"strconv"
	"testing"
	"time"
)

// patience bounds every wait for something that must happen. It is far more than anything here takes, because a machine that has other
// work must not fail the test; what is longer is a hang.
const patience = time.Minute

// leg is a part of the soak: one way into a server, and its share of the time.
type leg struct {
	driver string
	share  float64
}

// legs gives the event loop the most, because it is the one whose bookkeeping can go wrong.
func legs() []leg {
	if runtime.GOOS != "linux" {
		return []leg{{"blocking", 0.6}, {"nethttp", 0.4}}
	}
	return []leg{{"loop", 0.7}, {"blocking", 0.15}, {"nethttp", 0.15}}
}

func TestSoakWithClientsOfEveryKindLeavesNothingBehind(t *testing.T) {
	whole, seed := wholeTime(t), seedOf(t)
	for _, leg := range legs() {
		t.Run(leg.driver, func(t *testing.T) {
			soak(t, leg.driver, time.Duration(float64(whole)*leg.share), seed)
		})
	}
}

// wholeTime is how long the legs are to take together, besides their beginnings and ends.
func wholeTime(t *testing.T) time.Duration {
	text := os.Getenv("SOAK")
	if text == "" {
		return 3 * time.Second
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		t.Fatalf("SOAK=%s: want a duration such as 30m", text)
	}
	if deadline, ok := t.Deadline(); ok && time.Until(deadline) < d+d/5+2*time.Minute {
		t.Fatalf("SOAK=%s does not fit into the time that go test allows: set -timeout to %v or more", text, d+d/5+5*time.Minute)
	}
	return d
}

func seedOf(t *testing.T) uint64 {
	seed := rand.Uint64()
	if text := os.Getenv("SOAK_SEED"); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatalf("SOAK_SEED: %v", err)
		}
	}
	t.Logf("SOAK_SEED=%d", seed)
	return seed
}

// soak has the clients come twice: first for a little while, after which everything that is made once is there, then for as long as asked.
func soak(t *testing.T, driver string, long time.Duration, seed uint64) {
	before := lookAround(t)
	s := newStage(t, driver)
	done := make(tally)
	s.admit(t, seed, long/10, done)
	s.settle(t)
	s.renewHistory(t)
	warm := heapInUse()
	if !t.Failed() { // else the long part would only bury why
		s.admit(t, ^seed, long, done)
		s.settle(t)
		s.renewHistory(t)
		checkHeap(t, warm, heapInUse(), done.sum())
	}
	s.checkStats(t)
	s.shutDown(t)
	before.compare(t)
	t.Logf("%s\n%s", driver, done)
}
