//go:build !386

package engine

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"
)

func (c *loopConn) hasUnsent() bool { return c.state.Load()&unsent != 0 }
func (c *loopConn) isPushed() bool  { return c.state.Load()&pushed != 0 }

func TestAHandlerThatBlocksDoesNotHoldUpItsLoop(t *testing.T) {
	onLoops(t, func(t *testing.T, d testDriver) {
		s := start(t, d, Config{})
		slow, fast := s.dial(), s.dial()
		slow.say("before\ngate\nafter\n")
		<-s.inside
		fast.say("fast\n")
		fast.hear("fast\n")
		slow.say("much later\n")
		fast.say("faster\n")
		fast.hear("faster\n")
		s.release()
		slow.hear("before\ngate\nafter\nmuch later\n")
		slow.say("again\n")
		slow.hear("again\n")
		if s.over.Load() == 0 {
			t.Error("Leave did not report that the loop was given away")
		}
	})
}

func TestManyHandlersThatBlockAtOnceLeaveTheLoopServed(t *testing.T) {
	onLoops(t, func(t *testing.T, d testDriver) {
		s := start(t, d, Config{})
		var blocked []*peer
		for range 30 {
			p := s.dial()
			p.say("gate\n")
			blocked = append(blocked, p)
		}
		for range blocked {
			<-s.inside
		}
		p := s.dial()
		p.say("x\n")
		p.hear("x\n")
		s.release()
		for _, p := range blocked {
			p.hear("gate\n")
		}
	})
}

func TestAHandlerThatSpinsDoesNotHoldUpItsLoop(t *testing.T) {
	onLoops(t, func(t *testing.T, d testDriver) {
		s := start(t, d, Config{})
		s.spin.Store(true)
		slow, fast := s.dial(), s.dial()
		slow.say("spin\n")
		<-s.inside
		fast.say("unspin\n")
		fast.hear("unspin\n")
		slow.hear("spin\n")
	})
}

func TestAHangupIsToldOnceWhileAHandlerRuns(t *testing.T) {
	for _, prefix := range []string{"", "off\n"} {
		onEachDriver(t, func(t *testing.T, d testDriver) {
			s := start(t, d, Config{})
			p := s.dial()
			p.say(prefix + "gate\n")
			<-s.inside
			p.closeWrite()
			s.eventually("the hang-up was told", func() bool { return s.hangups.Load() > 0 })
			s.release()
			p.hear(prefix + "gate\n") // who closes one half still gets the answer
			p.hearEnd()
			s.eventually("the connection has ended", func() bool { return len(s.closings()) == 1 })
			if err := s.closings()[0]; err != nil {
				t.Errorf("closed with %v, want nil", err)
			}
			if n := s.hangups.Load(); n != 1 {
				t.Errorf("told %d times, want 1", n)
			}
		})
	}
}

func TestAskingManyTimesClosesOnce(t *testing.T) {
	onEachDriver(t, func(t *testing.T, d testDriver) {
		s := start(t, d, Config{})
		for i := range 20 {
			p := s.dial()
			p.say("x\n")
			p.hear("x\n")
			c := s.last.Load()
			var wg sync.WaitGroup
			for range 8 {
				wg.Go(c.Close)
			}
			p.Close()
			wg.Wait()
			s.eventually("the connection has ended", func() bool { return len(s.closings()) == i+1 })
			c.Close()
			if err := c.Send([]byte("x")); err != ErrClosed {
				t.Errorf("Send: %v, want %v", err, ErrClosed)
			}
		}
	})
}

func TestAFatConnectionDoesNotStarveOthers(t *testing.T) {
	onLoops(t, func(t *testing.T, d testDriver) {
		s := start(t, d, Config{})
		fat, lean := s.dial(), s.dial()
		stop := make(chan struct{})
		var wg sync.WaitGroup
		wg.Go(func() { io.Copy(io.Discard, fat.Conn) })
		wg.Go(func() {
			flood := []byte(strings.Repeat("x\n", 64<<10))
			for {
				select {
				case <-stop:
					fat.Close()
					return
				default:
					fat.Write(flood)
				}
			}
		})
		for range 50 {
			lean.say("lean\n")
			lean.hear("lean\n")
		}
		close(stop)
		wg.Wait()
	})
}

func TestAnIdleConnectionKeepsNothingButItsStruct(t *testing.T) {
	if size := unsafe.Sizeof(loopConn{}); size > 250 {
		t.Errorf("a connection takes %d bytes", size)
	}
	onLoops(t, func(t *testing.T, d testDriver) {
		s := start(t, d, Config{})
		p := s.dial()
		p.say("part")
		s.eventually("the part has been read", func() bool { return s.serves.Load() == 1 })
		p.say(" and rest\n")
		p.hear("part and rest\n")
		s.wantNothingKept(0)
		go p.Write(append([]byte("need 300000\n"), pattern(300_000)...)) // grows a buffer for input
		p.hear("body 300000\n")
		s.wantNothingKept(0)
		p.say("out 12000000\n") // and one for output
		s.eventually("the rest waits", func() bool { return s.last.Load().driver.(*loopConn).hasUnsent() })
		p.hear(string(pattern(12_000_000)))
		p.hear("out 12000000\n")
		s.wantNothingKept(0)
		p.say("switch\n\x03")
		p.hear("switched\nfff")
		news := string(pattern(1 << 20))
		if err := s.last.Load().Send([]byte(news)); err != nil {
			t.Fatal(err)
		}
		p.hear(news)
		s.wantNothingKept(switched)
	})
}

// wantNothingKept waits until the latest connection is free, and looks at what it has.
func (s *server) wantNothingKept(marks uint32) {
	s.t.Helper()
	c := s.last.Load().driver.(*loopConn)
	s.eventually("the connection is free", func() bool { return c.state.Load() == marks })
	if !c.claim() {
		s.t.Fatal("not free")
	}
	if c.rest != nil || c.out != nil || c.seat != nil || c.parked != [2]*parking{} {
		s.t.Errorf("an idle connection keeps something")
	}
	c.release(nil)
}

func TestConnectionsAreSpreadOverTheLoops(t *testing.T) {
	onLoops(t, func(t *testing.T, d testDriver) {
		s := start(t, d, Config{Loops: 4})
		for range 40 {
			p := s.dial()
			p.say("x\n")
			p.hear("x\n")
		}
		pollers := make(map[int]bool)
		for i, l := range s.engine.loops.started() {
			pollers[l.poller.fd] = true
			if n := l.open.Load(); n != 10 {
				t.Errorf("loop %d has %d connections, want 10", i, n)
			}
		}
		if len(pollers) != 4 {
			t.Errorf("4 loops have %d pollers: they would wait for each other's lock", len(pollers))
		}
	})
}

// TestShutdownUnderLoad has clients that do everything at once, and ends the engine in the middle of it.
func TestShutdownUnderLoadLeavesNothing(t *testing.T) {
	onEachDriver(t, func(t *testing.T, d testDriver) {
		s := start(t, d, Config{Loops: 2, WriteTimeout: time.Second})
		s.release()
		var wg sync.WaitGroup
		stop := make(chan struct{})
		var done atomic.Int32
		for i := range 16 {
			wg.Go(func() {
				random := rand.New(rand.NewPCG(1, uint64(i)))
				for {
					select {
					case <-stop:
						return
					default:
					}
					done.Add(1)
					s.misbehave(d, random)
				}
			})
		}
		s.eventually("much has happened", func() bool { return done.Load() > 300 })
		ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
		defer cancel()
		s.engine.Shutdown(ctx)
		close(stop)
		wg.Wait()
		s.eventually("each connection was closed once", func() bool {
			s.mu.Lock()
			defer s.mu.Unlock()
			return len(s.closed) == s.opened
		})
	})
}

// misbehave is the life of one client that does what it likes.
func (s *server) misbehave(d testDriver, random *rand.Rand) {
	nc, err := dialer.Dial(s.addr.Network(), s.addr.String())
	if err != nil {
		return
	}
	defer nc.Close()
	nc.SetDeadline(time.Now().Add(time.Second))
	lines := []string{"x\n", "gate\n", "off\n", "out 100000\n", "write 300000\n", "need 10\n0123456789", "fill 10\n0123456789", "close\n",
		"linger\n", "abort\n", "panic\n", "goexit\n", "off\npanic\n", "half a line", "switch\n\x05\x00", "switch\nzz\x05", "send 3\n", "off\nfill 100\n"}
	for range 1 + random.IntN(4) {
		if _, err := io.WriteString(nc, lines[random.IntN(len(lines))]); err != nil {
			return
		}
		switch random.IntN(4) {
		case 0:
			nc.Read(make([]byte, 1+random.IntN(1000)))
		case 1:
			runtime.Gosched()
		}
	}
	switch random.IntN(4) {
	case 0:
		if half, ok := nc.(interface{ CloseWrite() error }); ok {
			half.CloseWrite()
			io.Copy(io.Discard, io.LimitReader(nc, 1<<20))
		}
	case 1:
		if tcp, ok := nc.(interface{ SetLinger(int) error }); ok {
			tcp.SetLinger(0)
		}
	}
}

func BenchmarkLineOnALoop(b *testing.B) {
	for _, loops := range []bool{false, true} {
		b.Run(fmt.Sprintf("loops=%v", loops), func(b *testing.B) {
			e := New(Config{Accept: func(*Conn) Protocol { return echo{} }})
			benchmarkEcho(b, e, loops)
		})
	}
}

func TestOnlyTheCodeThatOverstaysIsSaidToHave(t *testing.T) {
	onLoops(t, func(t *testing.T, d testDriver) {
		overstayed := make(chan [2]bool, 1)
		s := start(t, d, Config{Accept: func(*Conn) Protocol {
			return &lodger{turn: func(turn *Turn) {
				turn.Enter()
				for turn.OnLoop() { // until the monitor comes
					runtime.Gosched()
				}
				first := turn.Leave()
				turn.Enter()
				overstayed <- [2]bool{first, turn.Leave()}
			}}
		}})
		s.dial().say("x")
		if got := await(t, overstayed); got != [2]bool{true, false} {
			t.Errorf("got %v, want that the first has overstayed, and the second not", got)
		}
	})
}
