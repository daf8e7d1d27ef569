package engine

import (
	"strings"
	"testing"
)

func TestFinishClosesWhenEverythingHasLeft(t *testing.T) {
	for name, ask := range map[string]string{"idle": "", "an owner in foreign code": "g"} {
		t.Run(name, func(t *testing.T) {
			onEachDriver(t, func(t *testing.T, d testDriver) {
				s := start(t, d, Config{})
				p := s.dial()
				p.say("switch\n" + ask)
				p.hear("switched\n")
				if ask != "" {
					<-s.inside
				}
				c := s.last.Load()
				last := strings.Repeat("last words ", 80<<10)
				if err := c.Send([]byte(last)); err != nil {
					t.Fatal(err)
				}
				if d.loops {
					s.eventually("the rest waits for the peer", func() bool { return c.Waiting() < len(last) })
				}
				c.Finish()
				c.Finish()
				s.release()
				p.hear(last)
				p.hearEnd()
				p.Close()
				s.eventually("the connection has ended", func() bool { return len(s.closings()) == 1 })
				if err := s.closings()[0]; err != nil {
					t.Errorf("got %v from an orderly end", err)
				}
				if n := c.Waiting(); n != 0 {
					t.Errorf("%d bytes wait on a connection that has ended", n)
				}
			})
		})
	}
}

func TestWaitingCountsWhatAPeerDoesNotTake(t *testing.T) {
	onEachDriver(t, func(t *testing.T, d testDriver) {
		s := start(t, d, Config{})
		p := s.dial()
		p.say("switch\n")
		p.hear("switched\n")
		c := s.last.Load()
		sent := 0
		for c.Waiting() == 0 || sent < 4<<20 && c.Waiting() < 512<<10 {
			if err := c.Send(pattern(64 << 10)); err != nil {
				break
			}
			sent += 64 << 10
		}
		if n := c.Waiting(); n == 0 || n > sent {
			t.Errorf("got %d bytes that wait, of %d that nobody has read", n, sent)
		}
	})
}
