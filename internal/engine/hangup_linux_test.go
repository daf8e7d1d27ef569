//go:build !386

package engine

import "testing"

// While others send to a peer that takes nothing, the descriptor is watched for room. The end comes by the same event.
func TestAHangupIsToldWhileOthersSendToASlowPeer(t *testing.T) {
	for how, end := range map[string]func(c *Conn, p *peer){
		"the peer resets":    func(c *Conn, p *peer) { p.reset() },
		"Close is asked for": func(c *Conn, p *peer) { c.Close() },
	} {
		t.Run(how, func(t *testing.T) {
			onLoops(t, func(t *testing.T, d testDriver) {
				s := start(t, d, Config{OutboxLimit: 64 << 20})
				p := s.dial()
				p.say("switch\ng")
				p.hear("switched\n")
				<-s.inside
				c := s.last.Load()
				for range 30 { // more than the kernel takes
					if err := c.Send(pattern(1 << 20)); err != nil {
						t.Fatal(err)
					}
				}
				lc := c.driver.(*loopConn)
				s.eventually("the loop waits for room", func() bool {
					lc.mu.Lock()
					defer lc.mu.Unlock()
					return lc.interest == wantOutput|once
				})
				end(c, p)
				s.eventually("the hang-up was told", func() bool { return s.hangups.Load() > 0 })
				s.release()
				s.eventually("the connection has ended", func() bool { return len(s.closings()) == 1 })
				if n := s.hangups.Load(); n != 1 {
					t.Errorf("told %d times, want 1", n)
				}
			})
		})
	}
}
