//go:build !386

package engine

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
)

// withoutDescriptors is the variable by which a test knows that it runs in a child process.
const withoutDescriptors = "ENGINE_TEST_WITHOUT_DESCRIPTORS"

// inAChild has a child process run the test, and reports whether this is the child.
func inAChild(t *testing.T) bool {
	t.Helper()
	if os.Getenv(withoutDescriptors) != "" {
		return true
	}
	child := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.timeout=2m")
	child.Env = append(os.Environ(), withoutDescriptors+"=1")
	if said, err := child.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, said)
	}
	return false
}

// A process that really has no descriptor left serves those who are there, does not spin, says so once, and accepts again when it can. It is
// a process of its own, because all of this one would suffer.
func TestEMFILEIsNotTheEnd(t *testing.T) {
	if !inAChild(t) {
		return
	}
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	limit.Cur = 100
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	onEachDriver(t, func(t *testing.T, d testDriver) {
		s := start(t, d, Config{})
		old := s.dial()
		old.say("x\n")
		old.hear("x\n")
		for round := range int32(2) {
			held := takeAllDescriptors(t)
			syscall.Close(held[0]) // for the client: the server gets none
			before, steps := s.engine.acceptFails.Load(), s.steps()
			p := s.dial()
			p.say("waits\n")
			s.eventually("it was tried again", func() bool { return s.engine.acceptFails.Load() >= before+3 })
			if n := s.steps() - steps; n > 50 {
				t.Errorf("the loops woke %d times", n)
			}
			if n := s.failed.Load(); n != round+1 {
				t.Errorf("it was told %d times, want once for each time of need, %d", n, round+1)
			}
			old.say("still there?\n")
			old.hear("still there?\n")
			for _, fd := range held[1:] {
				syscall.Close(fd)
			}
			p.hear("waits\n")
			p.Close()
			s.eventually("it has ended", func() bool { return s.engine.open.Load() == 1 })
		}
	})
}

// Detach needs a descriptor. Where there is none it fails, and the connection is what it was: it is served on, and ends once.
func TestADetachThatFindsNoDescriptorLeavesTheConnectionInOrder(t *testing.T) {
	if !inAChild(t) {
		return
	}
	onLoops(t, func(t *testing.T, d testDriver) {
		s := start(t, d, withAccept(Config{}, func(turn *Turn) Next {
			if turn.Err != nil {
				return Close
			}
			turn.In = turn.In[len(turn.In):]
			var limit syscall.Rlimit
			if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
				t.Error(err)
			}
			syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: 1, Max: limit.Max})
			_, err := turn.Detach()
			syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit)
			turn.Out = append(turn.Out, "an answer\n"...)
			if !errors.Is(err, syscall.EMFILE) {
				t.Errorf("Detach: got %v, want %v", err, syscall.EMFILE)
				return Abort
			}
			return AwaitMessage
		}))
		p := s.dial()
		for range 3 {
			p.say("x")
			p.hear("an answer\n")
			if n := s.engine.open.Load(); n != 1 {
				t.Errorf("got %d open connections, want 1", n)
			}
		}
		p.closeWrite()
		p.hearEnd()
		s.eventually("all connections have ended", func() bool { return s.engine.open.Load() == 0 })
	})
}

// takeAllDescriptors opens descriptors until there are no more.
func takeAllDescriptors(t *testing.T) (held []int) {
	for {
		fd, err := syscall.Dup(0)
		if err == syscall.EMFILE && len(held) > 0 {
			return held
		}
		if err != nil {
			t.Fatal(err)
		}
		held = append(held, fd)
	}
}

// steps counts what the loops have done, if there are any.
func (s *server) steps() (n uint64) {
	for _, l := range s.engine.loops.started() {
		n += l.steps.Load()
	}
	return n
}

// The same for every errno that says that there is too little of something, and for those that concern one connection only.
func TestAnAcceptThatFailsIsTriedAgain(t *testing.T) {
	for _, test := range []struct {
		errno syscall.Errno
		told  int32 // how often Failed is told
	}{
		{syscall.EMFILE, 1}, {syscall.ENFILE, 1}, {syscall.ENOBUFS, 1}, {syscall.ENOMEM, 1},
		{syscall.ECONNABORTED, 0}, {syscall.EPROTO, 0}, {syscall.EPERM, 0}, {syscall.EINTR, 0},
	} {
		onLoops(t, func(t *testing.T, d testDriver) {
			var asked atomic.Int32
			var fail atomic.Bool
			acceptErrno = func() syscall.Errno {
				if !fail.Load() || test.told == 0 && asked.Load() >= 3 {
					return 0
				}
				asked.Add(1)
				return test.errno
			}
			s := start(t, d, Config{})
			t.Cleanup(func() { acceptErrnoOff(s) }) // before the engine's own: no leader is in accept any more when this is the last
			old := s.dial()
			old.say("x\n")
			old.hear("x\n")
			fail.Store(true)
			steps := s.steps()
			p := s.dial()
			p.say("x\n")
			s.eventually("it was tried again", func() bool { return asked.Load() >= 3 })
			if n := s.failed.Load(); n != test.told {
				t.Errorf("%v: Failed was told %d times, want %d", test.errno, n, test.told)
			}
			old.say("y\n")
			old.hear("y\n")
			if n := s.steps() - steps; n > 50 {
				t.Errorf("%v: the loop woke %d times", test.errno, n)
			}
			fail.Store(false)
			p.hear("x\n")
		})
	}
}

// acceptErrnoOff ends the engine of s and takes the injected failure away.
func acceptErrnoOff(s *server) {
	s.engine.Close()
	s.eventually("no goroutine of the engine is left", func() bool { return !strings.Contains(stacks(), "engine.(*loop).run") })
	acceptErrno = nil
}
