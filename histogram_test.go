package hyperlane

import (
	"encoding/json"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

func TestBucketsHoldWhatTheySay(t *testing.T) {
	last := 0
	for i, d := range []time.Duration{0, 1, 511, 512, 639, 640, 1023, 1024, 1000, time.Millisecond, time.Second, time.Minute, 68 * time.Second} {
		b := bucketOf(d)
		if end := bucketEnd(b); d >= end {
			t.Errorf("%v is in bucket %d, which ends at %v", d, b, end)
		}
		if start := bucketEnd(b - 1); b > 0 && d < start {
			t.Errorf("%v is in bucket %d, which starts at %v", d, b, start)
		}
		if b < last && i != 8 {
			t.Errorf("%v is in bucket %d, after %d", d, b, last)
		}
		last = b
	}
	for i := 1; i < buckets; i++ {
		if start, end := bucketEnd(i-1), bucketEnd(i); end-start > start/4 || bucketOf(start) != i || bucketOf(end-1) != i {
			t.Errorf("bucket %d is from %v to %v, which are in %d and %d", i, start, end, bucketOf(start), bucketOf(end-1))
		}
	}
	if got := bucketOf(time.Hour); got != buckets-1 {
		t.Errorf("an hour is in bucket %d, want the last", got)
	}
}

func TestQuantilesAreNeverTooShortAndAtMostAQuarterTooLong(t *testing.T) {
	var g growing
	var all []time.Duration
	for range 10_000 {
		d := time.Duration(rand.ExpFloat64() * float64(10*time.Millisecond))
		d += 512
		all = append(all, d)
		g.note(d, 1)
	}
	slices.Sort(all)
	h := g.histogram()
	if h.Count() != 10_000 {
		t.Errorf("count: %d", h.Count())
	}
	for _, q := range []float64{0, .5, .9, .99, .999, 1} {
		exact := all[min(int(q*10_000+.5), 9_999)]
		exact = min(exact, all[max(int(q*10_000+.5)-1, 0)])
		if got := h.Quantile(q); got < exact || got > exact+exact/4+1 {
			t.Errorf("quantile %v: got %v, exactly it is %v", q, got, exact)
		}
	}
	var n uint64
	last := time.Duration(0)
	for end, count := range h.Buckets() {
		if end <= last || count == 0 {
			t.Errorf("a bucket that ends at %v has %d, after %v", end, count, last)
		}
		last, n = end, n+count
	}
	if n != 10_000 {
		t.Errorf("the buckets have %d", n)
	}
}

func TestAnEmptyHistogramIsZero(t *testing.T) {
	var h Histogram
	got, err := json.Marshal(h)
	if want := `{"count":0,"p50":0,"p90":0,"p99":0,"p999":0}`; string(got) != want || err != nil {
		t.Errorf("got %s, %v, want %s", got, err, want)
	}
}
