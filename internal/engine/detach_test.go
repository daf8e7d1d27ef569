package engine

import (
	"io"
	"strings"
	"testing"
	"time"
)

func TestWatchAfterDetachTakesNothingFromTheNewOwner(t *testing.T) {
	onEachDriver(t, func(t *testing.T, d testDriver) {
		got := make(chan string, 1)
		s := start(t, d, withAccept(Config{}, func(turn *Turn) Next {
			turn.In = turn.In[len(turn.In):]
			nc, err := turn.Detach()
			if err != nil {
				t.Error(err)
				return Abort
			}
			defer nc.Close()
			turn.Watch()
			if strings.Contains(stacks(), "watchHangup") {
				t.Error("a watcher reads from a connection that was given away")
			}
			io.WriteString(nc, "go")
			text, err := io.ReadAll(nc)
			if err != nil {
				t.Error(err)
			}
			got <- string(text)
			return Detached
		}))
		p := s.dial()
		p.say("x")
		p.hear("go")
		p.say("hello")
		p.closeWrite()
		if text := await(t, got); text != "hello" {
			t.Errorf("the new owner read %q, want all of %q", text, "hello")
		}
	})
}

func TestATurnThatHasDetachedNeitherReadsNorWritesAnyMore(t *testing.T) {
	onEachDriver(t, func(t *testing.T, d testDriver) {
		got := make(chan string, 1)
		s := start(t, d, withAccept(Config{}, func(turn *Turn) Next {
			turn.In = turn.In[len(turn.In):]
			nc, err := turn.Detach()
			if err != nil {
				t.Error(err)
				return Abort
			}
			defer nc.Close()
			io.WriteString(nc, "go")
			if err := turn.Fill(AwaitBody); err != ErrClosed || len(turn.In) > 0 {
				t.Errorf("Fill: %q, %v, want ErrClosed", turn.In, err)
			}
			if err := turn.Write([]byte("by the turn")); err != ErrClosed {
				t.Errorf("Write: %v, want ErrClosed", err)
			}
			turn.Interrupt()
			text, err := io.ReadAll(nc)
			if err != nil {
				t.Error(err)
			}
			got <- string(text)
			return Detached
		}))
		p := s.dial()
		p.say("x")
		p.hear("go")
		p.say("hello")
		p.closeWrite()
		if text := await(t, got); text != "hello" {
			t.Errorf("the new owner read %q, want all of %q", text, "hello")
		}
		p.hearEnd()
	})
}

func TestAFillThatWaitsEndsBeforeTheNewOwnerReads(t *testing.T) {
	onEachDriver(t, func(t *testing.T, d testDriver) {
		got := make(chan string, 1)
		s := start(t, d, withAccept(Config{BodyTimeout: time.Hour}, func(turn *Turn) Next {
			turn.In = turn.In[len(turn.In):]
			filled := make(chan error, 1)
			go func() { filled <- turn.Fill(AwaitBody) }()
			for waiting := false; !waiting; {
				all := stacks()
				waiting = strings.Contains(all, "(*loopConn).park") || strings.Contains(all, "[IO wait") && strings.Contains(all, "(*blocking).fill")
			}
			nc, err := turn.Detach()
			if err != nil {
				t.Error(err)
				return Abort
			}
			defer nc.Close()
			if err := await(t, filled); err == nil {
				t.Error("Fill has read")
			}
			io.WriteString(nc, "go")
			text, err := io.ReadAll(nc)
			if err != nil {
				t.Error(err)
			}
			got <- string(text)
			return Detached
		}))
		p := s.dial()
		p.say("x")
		p.hear("go")
		p.say("hello")
		p.closeWrite()
		if text := await(t, got); text != "hello" {
			t.Errorf("the new owner read %q, want all of %q", text, "hello")
		}
	})
}
