//go:build !386

package engine

import (
	"context"
	"runtime"
	"sync/atomic"
	"testing"
)

// leaving is lines, but the goroutine that calls one of its methods does not come back, once.
type leaving struct {
	lines
	where string
	leave func() // ends the goroutine, the first time
}

func (l *leaving) Hangup() {
	l.lines.Hangup()
	if l.where == "Hangup" {
		l.leave()
	}
}

func (l *leaving) Drain() {
	l.lines.Drain()
	if l.where == "Drain" {
		l.leave()
	}
}

func (l *leaving) Closed(err error) {
	l.lines.Closed(err)
	if l.where == "Closed" {
		l.leave()
	}
}

func (l *leaving) Serve(t *Turn) Next {
	if l.where == "Serve" {
		l.leave()
	}
	return l.lines.Serve(t)
}

// startLeaving is start with a protocol that ends a goroutine in the method where, once.
func startLeaving(t *testing.T, d testDriver, where string, end func()) *server {
	var s *server
	known := make(chan struct{}) // closed when s is
	var left atomic.Bool
	leave := func() {
		if left.CompareAndSwap(false, true) {
			end()
		}
	}
	s = start(t, d, Config{Accept: func(c *Conn) Protocol {
		<-known
		if where == "Accept" {
			leave()
		}
		s.mu.Lock()
		s.opened++
		s.mu.Unlock()
		return &leaving{lines{server: s, conn: c}, where, leave}
	}})
	close(known)
	return s
}

// The goroutine that leads a loop may be ended by whatever foreign code it calls: a follower must take the loop, and nobody else may notice.
func TestGoexitInAnyCallOfALoopLeavesTheLoopServed(t *testing.T) {
	for how, end := range map[string]func(){
		"Goexit": runtime.Goexit,
		"panic":  func() { panic("as the test wants it") },
	} {
		for _, where := range []string{"Accept", "Serve", "Hangup", "Drain", "Closed"} {
			t.Run(how+" in "+where, func(t *testing.T) {
				onLoops(t, func(t *testing.T, d testDriver) {
					s := startLeaving(t, d, where, end)
					p := s.dial()
					shut := make(chan error, 1)
					switch where {
					case "Accept":
						p.hearEnd()
					case "Serve":
						p.say("x\n")
						p.hearEnd()
					case "Closed":
						p.say("abort\n")
						p.hearEnd()
					case "Hangup": // told to the follower, while the first leader is in the handler
						p.say("gate\n")
						<-s.inside
						p.closeWrite()
						s.eventually("the hang-up was told", func() bool { return s.hangups.Load() == 1 })
					case "Drain":
						p.say("half a li")
						busy := s.dial()
						busy.say("gate\n")
						<-s.inside
						s.eventually("the half line has been read", func() bool { return s.serves.Load() == 2 })
						go func() { shut <- s.engine.Shutdown(context.Background()) }()
						s.eventually("both were told", func() bool { return s.drains.Load() == 2 })
						s.release()
						busy.hear("gate\n")
						busy.hearEnd()
						p.closeWrite() // it ends, whether it is the one whose Drain did not return or not
						p.r.ReadString('\n')
						if err := await(t, shut); err != nil {
							t.Errorf("Shutdown: %v", err)
						}
					}
					s.eventually("it was reported", func() bool { return s.failed.Load() == 1 })
					if where != "Drain" {
						other := s.dial()
						other.say("after\n")
						other.hear("after\n")
						other.Close()
						s.release()
						p.Close()
						s.eventually("all connections have ended", func() bool { return s.engine.open.Load() == 0 })
					}
				})
			})
		}
	}
}

// On the blocking driver Hangup is called by a goroutine that watches, Drain by who shuts down, and Closed behind everything that recovers.
func TestAPanicInACallOfTheBlockingDriverIsReported(t *testing.T) {
	for _, where := range []string{"Serve", "Hangup", "Drain", "Closed"} {
		t.Run(where, func(t *testing.T) {
			s := startLeaving(t, testDrivers[0], where, func() { panic("as the test wants it") })
			p := s.dial()
			switch where {
			case "Serve":
				p.say("x\n")
			case "Closed":
				p.say("abort\n")
			case "Hangup", "Drain":
				p.say("gate\n")
				<-s.inside
				if where == "Hangup" {
					p.closeWrite()
					break
				}
				shut := make(chan error, 1)
				go func() { shut <- s.engine.Shutdown(context.Background()) }()
				s.eventually("it was told", func() bool { return s.drains.Load() == 1 })
				s.release()
				if err := await(t, shut); err != nil {
					t.Errorf("Shutdown: %v", err)
				}
			}
			s.eventually("it was reported", func() bool { return s.failed.Load() == 1 })
			s.release()
			p.Close()
			s.eventually("the connection has ended", func() bool { return s.engine.open.Load() == 0 })
		})
	}
}
