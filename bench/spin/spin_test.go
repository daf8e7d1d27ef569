package spin

import (
	"testing"
	"time"
)

func TestItTakesAtLeastItsTime(t *testing.T) {
	for _, d := range []time.Duration{0, time.Millisecond, 30 * time.Millisecond} {
		start := time.Now()
		For(d)
		if took := time.Since(start); took < d {
			t.Errorf("For(%v) took %v", d, took)
		}
	}
}
