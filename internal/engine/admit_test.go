package engine

import (
	"net"
	"runtime"
	"sync/atomic"
	"testing"
)

func TestAGoexitOrPanicInAdmitGivesPlaceAndSocketBack(t *testing.T) {
	for _, test := range []struct {
		name   string
		end    func()
		failed int32 // how often Failed is told
	}{
		{"Goexit", runtime.Goexit, 0},
		{"panic", func() { panic("as the test wants it") }, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			var admitted atomic.Int32
			s := start(t, testDrivers[0], Config{MaxConns: 1, Refusal: []byte("full\n"), Admit: func(net.Conn) bool {
				if admitted.Add(1) <= 3 {
					test.end()
				}
				return true
			}})
			for range 3 {
				s.dial().hearEnd()
				s.eventually("its place is free", func() bool { return s.engine.open.Load() == 0 })
			}
			p := s.dial()
			p.say("x\n")
			p.hear("x\n")
			if n := s.failed.Load(); n != 3*test.failed {
				t.Errorf("Failed was told %d times, want %d", n, 3*test.failed)
			}
		})
	}
}
