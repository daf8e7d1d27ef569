package engine

import (
	"io"
	"strings"
	"testing"
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
