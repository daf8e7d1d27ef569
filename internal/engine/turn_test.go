package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func TestLinesAreAnsweredInOrderAlsoWhenTheyArriveTogether(t *testing.T) {
	onEachDriver(t, func(t *testing.T, d testDriver) {
		p := start(t, d, Config{}).dial()
		p.say("one\n")
		p.hear("one\n")
		p.say("two\nthree\nfour\nfi")
		p.hear("two\nthree\nfour\n")
		p.say("ve\n")
		p.hear("five\n")
	})
}

func TestInputThatArrivesByteByByteIsServed(t *testing.T) {
	onEachDriver(t, func(t *testing.T, d testDriver) {
		p := start(t, d, Config{}).dial()
		for range 3 {
			for _, b := range "slowly\n" {
				p.say(string(b))
			}
			p.hear("slowly\n")
		}
	})
}

func TestAMessageLargerThanTheReadBufferIsServed(t *testing.T) {
	onEachDriver(t, func(t *testing.T, d testDriver) {
		p := start(t, d, Config{ReadBuffer: 512}).dial()
		line := strings.Repeat("x", 300<<10) + "\n"
		go io.WriteString(p.Conn, line+"next\n")
		p.hear(line + "next\n")
	})
}

func TestAwaitBodyWaitsForWhatIsNeeded(t *testing.T) {
	onEachDriver(t, func(t *testing.T, d testDriver) {
		s := start(t, d, Config{})
		p := s.dial()
		p.say("need 300000\n")
		go p.Write(append(pattern(300000), "after\n"...))
		p.hear("body 300000\nafter\n")
		p.say("need 5\n12345need 3\n123")
		p.hear("body 5\nbody 3\n")
		p.say("need 50\n12345")
		p.closeWrite()
		p.hear("body ended: EOF\n")
		p.hearEnd()
	})
}

func TestFillReadsALargeBody(t *testing.T) {
	for _, prefix := range []string{"", "off\n"} {
		onEachDriver(t, func(t *testing.T, d testDriver) {
			s := start(t, d, Config{})
			p, other := s.dial(), s.dial()
			const size = 3 << 20
			p.say(prefix + fmt.Sprintf("fill %d\n", size))
			other.say("meanwhile\n")
			other.hear("meanwhile\n")
			go func() {
				p.Write(pattern(size))
				io.WriteString(p.Conn, "after\n")
			}()
			p.hear(prefix + fmt.Sprintf("filled %d\nafter\n", size))
		})
	}
}

func TestOffLoopServesTheSameInputOnAGoroutineOfItsOwn(t *testing.T) {
	onEachDriver(t, func(t *testing.T, d testDriver) {
		s := start(t, d, Config{})
		p := s.dial()
		p.say("before\noff 1\nafter\noff 2\nrest")
		p.hear("before\noff 1\nafter\noff 2\n")
		p.say(" of it\n")
		p.hear("rest of it\n")
		if s.offLoop.Load() == 0 {
			t.Error("no turn was off a loop")
		}
	})
}

func TestALastAnswerArrivesWhenInputIsLeftUnread(t *testing.T) {
	for _, how := range []string{"close", "linger"} {
		onEachDriver(t, func(t *testing.T, d testDriver) {
			s := start(t, d, Config{})
			p := s.dial()
			p.say(how + "\n" + strings.Repeat("unread\n", 1000))
			p.hear("bye\n")
			p.hearEnd()
			p.Close()
			s.eventually("the connection has ended", func() bool { return len(s.closings()) == 1 })
			if err := s.closings()[0]; err != nil {
				t.Errorf("closed with %v, want nil", err)
			}
		})
	}
}

func TestAPeerThatKeepsSendingCannotLingerForEver(t *testing.T) {
	onEachDriver(t, func(t *testing.T, d testDriver) {
		s := start(t, d, Config{})
		p := s.dial()
		p.say("linger\n")
		p.hear("bye\n")
		flood := make([]byte, 64<<10)
		for {
			if _, err := p.Write(flood); err != nil {
				if errors.Is(err, os.ErrDeadlineExceeded) {
					t.Error("the server lets the peer write for ever")
				}
				return
			}
		}
	})
}

func TestAPeerThatStaysSilentCannotLingerForEver(t *testing.T) {
	onEachDriver(t, func(t *testing.T, d testDriver) {
		s := start(t, d, Config{})
		p := s.dial()
		p.say("linger\n")
		p.hear("bye\n")
		s.eventually("the connection has ended", func() bool { return len(s.closings()) == 1 })
	})
}

func TestAbortSendsNothing(t *testing.T) {
	onEachDriver(t, func(t *testing.T, d testDriver) {
		p := start(t, d, Config{}).dial()
		p.say("dropped\nabort\n")
		p.hearEnd()
	})
}

func TestDetachGivesTheConnectionAwayWithWhatWasRead(t *testing.T) {
	for _, prefix := range []string{"", "off\n"} {
		onEachDriver(t, func(t *testing.T, d testDriver) {
			s := start(t, d, Config{IdleTimeout: 20 * time.Millisecond})
			p := s.dial()
			p.say(prefix + "detach\nread already")
			nc := <-s.taken
			defer nc.Close()
			s.eventually("the engine has forgotten it", func() bool { return s.engine.open.Load() == 0 })
			p.say(" and later")
			p.closeWrite()
			got, err := io.ReadAll(nc)
			if string(got) != "read already and later" || err != nil {
				t.Errorf("read %q, %v", got, err)
			}
			fmt.Fprint(nc, "hello")
			p.hear(prefix + "hello")
			nc.Close()
			p.hearEnd()
			if n := len(s.closings()); n != 0 {
				t.Errorf("Closed was called %d times", n)
			}
		})
	}
}

func TestAConnectionKnowsItsTwoEnds(t *testing.T) {
	onEachDriver(t, func(t *testing.T, d testDriver) {
		s := start(t, d, Config{})
		p := s.dial()
		p.say("x\n")
		p.hear("x\n")
		local, remote := s.last.Load().Addrs()
		if local.String() != p.RemoteAddr().String() {
			t.Errorf("local end is %v, want %v", local, p.RemoteAddr())
		}
		if want := p.LocalAddr().String(); !d.unix && remote.String() != want {
			t.Errorf("remote end is %v, want %v", remote, want)
		}
	})
}

func TestOneConnectionMoreThanMaxConnsIsRefused(t *testing.T) {
	onEachDriver(t, func(t *testing.T, d testDriver) {
		s := start(t, d, Config{MaxConns: 2, Refusal: []byte("full\n")})
		a, b := s.dial(), s.dial()
		a.say("a\n")
		a.hear("a\n")
		b.say("b\n")
		b.hear("b\n")
		refused := s.dial()
		refused.hear("full\n")
		refused.hearEnd()
		a.Close()
		s.eventually("there is room again", func() bool { return s.engine.open.Load() == 1 })
		c := s.dial()
		c.say("c\n")
		c.hear("c\n")
	})
}

func TestNilFromAcceptClosesTheConnection(t *testing.T) {
	onEachDriver(t, func(t *testing.T, d testDriver) {
		s := start(t, d, Config{Accept: func(*Conn) Protocol { return nil }})
		s.dial().hearEnd()
	})
}

func TestAFileIsSent(t *testing.T) {
	onEachDriver(t, func(t *testing.T, d testDriver) {
		s := start(t, d, Config{})
		f, err := os.CreateTemp(t.TempDir(), "")
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		const size = 5 << 20
		f.Write(pattern(size))
		s.file.Store(f)
		p := s.dial()
		p.say(fmt.Sprintf("before\nfile %d\nafter\n", size-3))
		p.hear("before\n" + string(patternFrom(3, size-3)) + fmt.Sprintf("file %d\nafter\n", size-3))
		p.say(fmt.Sprintf("file %d\n", size)) // three bytes more than there are
		p.hear(string(patternFrom(3, size-3)))
		p.hearEnd()
	})
}

func TestAPanicOrGoexitEndsItsConnectionOnly(t *testing.T) {
	for _, line := range []string{"panic\n", "goexit\n", "off\npanic\n", "off\ngoexit\n"} {
		onEachDriver(t, func(t *testing.T, d testDriver) {
			s := start(t, d, Config{})
			other := s.dial()
			other.say("before\n")
			other.hear("before\n")
			for i := range 3 {
				p := s.dial()
				p.say(line)
				io.ReadAll(p.r)
				s.eventually("the connection has ended", func() bool { return len(s.closings()) == i+1 })
				if err := s.closings()[i]; err == nil {
					t.Error("closed without a reason")
				}
			}
			other.say("after\n")
			other.hear("after\n")
		})
	}
}

func TestShutdownClosesIdleConnectionsAndLetsOthersFinish(t *testing.T) {
	onEachDriver(t, func(t *testing.T, d testDriver) {
		s := start(t, d, Config{})
		idle, busy, half := s.dial(), s.dial(), s.dial()
		idle.say("idle\n")
		idle.hear("idle\n")
		half.say("half a li")
		busy.say("gate\n")
		<-s.inside
		s.eventually("the half line has been read", func() bool { return s.serves.Load() >= 3 })
		done := make(chan error)
		go func() { done <- s.engine.Shutdown(context.Background()) }()
		idle.hearEnd()
		s.eventually("the busy ones were told", func() bool { return s.drains.Load() >= 2 })
		s.release()
		busy.hear("gate\n")
		busy.hearEnd()
		half.say("ne\n")
		half.hear("half a line\n")
		half.hearEnd()
		if err := <-done; err != nil {
			t.Errorf("Shutdown: %v", err)
		}
		for _, err := range s.closings() {
			if err != nil && (d.loops || err != ErrClosed) {
				t.Errorf("closed with %v, want nil", err)
			}
		}
	})
}

func TestShutdownClosesWhatDoesNotFinishInTime(t *testing.T) {
	onEachDriver(t, func(t *testing.T, d testDriver) {
		s := start(t, d, Config{})
		p := s.dial()
		p.say("gate\n")
		<-s.inside
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if err := s.engine.Shutdown(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("Shutdown: %v, want %v", err, context.Canceled)
		}
		p.hearEnd()
		s.eventually("the handler heard of it", func() bool { return s.hangups.Load() == 1 })
		s.release()
	})
}

func TestServingAfterCloseIsRefused(t *testing.T) {
	onEachDriver(t, func(t *testing.T, d testDriver) {
		e := New(Config{})
		e.Close()
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		serve := e.Serve
		if d.loops {
			serve = e.ServeLoops
		}
		if err := serve(ln); err != ErrEngineClosed {
			t.Errorf("got %v, want %v", err, ErrEngineClosed)
		}
	})
}

// gulps notes how much input a turn has had at most, and switches to one more of its kind at its first byte.
type gulps struct {
	largest *atomic.Int64
	total   *atomic.Int64
	first   bool
}

func (g gulps) Serve(t *Turn) Next {
	if g.first && len(t.In) > 0 {
		t.Switch(gulps{largest: g.largest, total: g.total})
		g.total.Add(1)
		t.In = t.In[1:]
		return AwaitForever
	}
	if t.Err != nil {
		return Close
	}
	g.largest.Store(max(g.largest.Load(), int64(len(t.In))))
	g.total.Add(int64(len(t.In)))
	t.In = t.In[len(t.In):]
	return AwaitForever
}

func (gulps) Hangup()      {}
func (gulps) Drain()       {}
func (gulps) Closed(error) {}

func TestAConnectionThatHasSwitchedReadsAsMuchAtATimeAsItWasTold(t *testing.T) {
	for _, size := range []int{1 << 10, 16 << 10} {
		onEachDriver(t, func(t *testing.T, d testDriver) {
			var largest, total atomic.Int64
			s := start(t, d, Config{ReadBuffer: 4 << 10, Switched: size, Accept: func(*Conn) Protocol {
				return gulps{&largest, &total, true}
			}})
			p := s.dial()
			p.say("x")
			s.eventually("it has switched", func() bool { return total.Load() == 1 })
			p.say(string(pattern(1 << 20)))
			s.eventually("everything has come", func() bool { return total.Load() == 1<<20+1 })
			if got := largest.Load(); got > int64(size) || size > 4<<10 && got <= 4<<10 {
				t.Errorf("got %d bytes at once, want up to %d", got, size)
			}
		})
	}
}
