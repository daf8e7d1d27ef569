package broadcast_test

import (
	"fmt"
	"testing"

	"github.com/hyperlane-go/hyperlane/broadcast"
)

type sink struct{ got int }

func (s *sink) Deliver(*broadcast.Message) error { s.got++; return nil }
func (s *sink) Missed(uint64) error              { return nil }
func (s *sink) Ended(error)                      {}

func BenchmarkPublish(b *testing.B) {
	for _, subscribers := range []int{1, 100, 5000} {
		b.Run(fmt.Sprint(subscribers), func(b *testing.B) {
			h := newHub(b, broadcast.Rules{})
			for range subscribers {
				subscribe(b, h, &sink{}, broadcast.As{})
			}
			data := make([]byte, 128)
			b.ReportAllocs()
			for b.Loop() {
				publish(b, h, broadcast.Publication{Data: data})
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(subscribers), "ns/delivery")
		})
	}
}

func TestADeliveryAllocatesNothing(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector allocates")
	}
	allocs := func(subscribers int) float64 {
		h := newHub(t, broadcast.Rules{})
		for range subscribers {
			subscribe(t, h, &sink{}, broadcast.As{})
		}
		return testing.AllocsPerRun(100, func() { publish(t, h, broadcast.Publication{}) })
	}
	if one, many := allocs(1), allocs(5000); many != one {
		t.Errorf("a message for 5,000 subscribers costs %v allocations, and one for 1 costs %v", many, one)
	}
}
