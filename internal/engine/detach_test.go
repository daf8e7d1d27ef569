package engine

import (
	"io"
	"strings"
	"testing"
	"time"
)

// detachesAnd serves a turn that runs before, detaches, and runs after, which calls invite: then the peer says something. The new owner must
// read all of it, and the peer hear nothing but the invitation.
func detachesAnd(t *testing.T, d testDriver, before func(turn *Turn), after func(turn *Turn, invite func())) {
	got := make(chan string, 1)
	s := start(t, d, withAccept(Config{BodyTimeout: time.Hour}, func(turn *Turn) Next {
		turn.In = turn.In[len(turn.In):]
		before(turn)
		nc, err := turn.Detach()
		if err != nil {
			t.Error(err)
			return Abort
		}
		defer nc.Close()
		after(turn, func() { io.WriteString(nc, "go") })
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
}

func TestWatchAfterDetachTakesNothingFromTheNewOwner(t *testing.T) {
	onEachDriver(t, func(t *testing.T, d testDriver) {
		detachesAnd(t, d, func(*Turn) {}, func(turn *Turn, invite func()) {
			turn.Watch()
			if strings.Contains(stacks(), "watchHangup") {
				t.Error("a watcher reads from a connection that was given away")
			}
			invite()
		})
	})
}

func TestATurnThatHasDetachedNeitherReadsNorWritesAnyMore(t *testing.T) {
	onEachDriver(t, func(t *testing.T, d testDriver) {
		detachesAnd(t, d, func(*Turn) {}, func(turn *Turn, invite func()) {
			invite()
			if err := turn.Fill(AwaitBody); err != ErrClosed || len(turn.In) > 0 {
				t.Errorf("Fill: %q, %v, want ErrClosed", turn.In, err)
			}
			if err := turn.Write([]byte("by the turn")); err != ErrClosed {
				t.Errorf("Write: %v, want ErrClosed", err)
			}
			turn.Interrupt()
		})
	})
}

func TestAFillThatWaitsEndsBeforeTheNewOwnerReads(t *testing.T) {
	onEachDriver(t, func(t *testing.T, d testDriver) {
		filled := make(chan error, 1)
		detachesAnd(t, d, func(turn *Turn) {
			go func() { filled <- turn.Fill(AwaitBody) }()
			for waiting := false; !waiting; {
				all := stacks()
				waiting = strings.Contains(all, "(*loopConn).park") || strings.Contains(all, "[IO wait") && strings.Contains(all, "(*blocking).fill")
			}
		}, func(_ *Turn, invite func()) {
			if err := await(t, filled); err == nil {
				t.Error("Fill has read")
			}
			invite()
		})
	})
}
