package engine

import (
	"fmt"
	"io"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestMegabytesReachAPeerThatReadsLate(t *testing.T) {
	for _, name := range []string{"out", "write", "off\nout", "off\nwrite"} {
		onEachDriver(t, func(t *testing.T, d testDriver) {
			s := start(t, d, Config{})
			p := s.dial()
			const size = 12 << 20
			line := fmt.Sprintf("%s %d\n", name, size)
			p.say(line + "after\n")
			s.eventually("the line has been read", func() bool { return s.serves.Load() > 0 })
			if name == "out" && d.loops {
				s.eventually("the rest waits", func() bool { return s.last.Load().driver.(interface{ hasUnsent() bool }).hasUnsent() })
			}
			head, command := "", line
			if i := strings.IndexByte(line, '\n') + 1; i < len(line) {
				head, command = line[:i], line[i:]
			}
			p.hear(head)
			p.hear(string(pattern(size)))
			p.hear(command + "after\n")
		})
	}
}

func TestASlowReaderIsNotReadFrom(t *testing.T) {
	onEachDriver(t, func(t *testing.T, d testDriver) {
		s := start(t, d, Config{})
		p := s.dial()
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		p.SetWriteDeadline(time.Now().Add(500 * time.Millisecond))
		flood := []byte(strings.Repeat(strings.Repeat("x", 1000)+"\n", 64))
		written := 0
		for {
			n, err := p.Write(flood)
			written += n
			if err != nil {
				break
			}
			if written > 200<<20 {
				t.Fatal("the server reads on though nobody takes its answers")
			}
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 8<<20 {
			t.Errorf("the heap has grown by %d bytes for one slow peer", grown)
		}
		other := s.dial()
		other.say("x\n")
		other.hear("x\n")
	})
}

func TestSendFromManyGoroutinesKeepsMessagesWhole(t *testing.T) {
	onEachDriver(t, func(t *testing.T, d testDriver) {
		s := start(t, d, Config{})
		p := s.dial()
		p.say("switch\n\x03\x02")
		p.hear("switched\nfffff")
		c := s.last.Load()
		const senders, each = 8, 300
		var wg sync.WaitGroup
		for i := range senders {
			wg.Go(func() {
				for n := range each {
					message := fmt.Sprintf("<%c %d %s>", 'a'+i, n, strings.Repeat(string(rune('a'+i)), (n*37)%700))
					for c.Send([]byte(message)) == ErrOutboxFull {
						runtime.Gosched()
					}
				}
			})
		}
		go func() { // the owner speaks too
			for range 200 {
				p.Write([]byte{7})
			}
		}()
		next, owners := [senders]int{}, 0
		for got := 0; got < senders*each || owners < 200*7; {
			b, err := p.r.ReadByte()
			if err != nil {
				t.Fatalf("after %d messages: %v", got, err)
			}
			if b == 'f' {
				owners++
				continue
			}
			text, err := p.r.ReadString('>')
			if err != nil || b != '<' {
				t.Fatalf("heard %q%q, %v", b, text, err)
			}
			i := int(text[0] - 'a')
			if want := fmt.Sprintf("%c %d %s>", text[0], next[i], strings.Repeat(text[:1], (next[i]*37)%700)); text != want {
				t.Fatalf("heard %.60q, want %.60q", text, want)
			}
			next[i]++
			got++
		}
		wg.Wait()
	})
}

func TestSendReachesAPeerWhoseOwnerWaits(t *testing.T) {
	for _, wait := range []string{"z", "g"} { // in Fill, in foreign code
		onEachDriver(t, func(t *testing.T, d testDriver) {
			s := start(t, d, Config{})
			p := s.dial()
			p.say("switch\n" + wait)
			p.hear("switched\n")
			<-s.inside
			c := s.last.Load()
			for range 3 {
				if err := c.Send([]byte("news")); err != nil {
					t.Fatal(err)
				}
				p.hear("news")
			}
			big := strings.Repeat("n", 900<<10)
			go func() {
				for range 10 {
					for c.Send([]byte(big)) == ErrOutboxFull {
						runtime.Gosched()
					}
				}
			}()
			for range 10 {
				p.hear(big)
			}
			s.release()
			p.say("\x02\x01")
			p.hear("fff")
		})
	}
}

func TestASlowReaderCostsItsOutboxAtMost(t *testing.T) {
	onEachDriver(t, func(t *testing.T, d testDriver) {
		s := start(t, d, Config{OutboxLimit: 1 << 20})
		p := s.dial()
		p.say("switch\n")
		p.hear("switched\n")
		c := s.last.Load()
		full := false
		for range 1000 {
			if err := c.Send(pattern(100 << 10)); err != nil {
				full = err == ErrOutboxFull
				break
			}
			if n := c.Waiting(); n > 1<<20+100<<10 { // on the blocking driver, what is being written waits too
				t.Fatalf("%d bytes wait, want the limit at most", n)
			}
		}
		if !full {
			t.Error("the outbox takes more than its limit")
		}
		p.Close()
		s.eventually("Send reports the end", func() bool { return c.Send([]byte("x")) == ErrClosed })
	})
}

func TestSendFromWithinATurnDoesNotBlockTheLoop(t *testing.T) {
	onLoops(t, func(t *testing.T, d testDriver) {
		s := start(t, d, Config{})
		p := s.dial()
		p.say("send 5000\nafter\n")
		got := make([]byte, len("after\n")+5000*len("sent\n"))
		if _, err := io.ReadFull(p.r, got); err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(string(got), "sent\n"); n != 5000 {
			t.Errorf("heard %d messages, want 5000", n)
		}
	})
}

func TestASlowReaderOfWhatOthersSendIsClosed(t *testing.T) {
	for _, wait := range []string{"", "z", "g"} {
		onEachDriver(t, func(t *testing.T, d testDriver) {
			s := start(t, d, Config{WriteTimeout: 50 * time.Millisecond, OutboxLimit: 64 << 20})
			p := s.dial()
			p.say("switch\n" + wait)
			p.hear("switched\n")
			if wait != "" {
				<-s.inside
			}
			c := s.last.Load()
			s.eventually("Send reports the end", func() bool { return c.Send(pattern(100<<10)) == ErrClosed })
			s.release()
			s.eventually("the connection has ended", func() bool { return len(s.closings()) == 1 })
		})
	}
}
