package engine

import (
	"bufio"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// patienceOfTests is how long a test waits for what must happen.
const patienceOfTests = 10 * time.Second

// testDriver is one way to serve a listener.
type testDriver struct {
	name  string
	loops bool
	unix  bool
}

var testDrivers = []testDriver{
	{name: "blocking tcp"},
	{name: "loop tcp", loops: true},
	{name: "loop unix", loops: true, unix: true},
}

// onEachDriver runs a behaviour on all drivers, each with an engine that is checked for leaks afterwards.
func onEachDriver(t *testing.T, f func(t *testing.T, d testDriver)) {
	for _, d := range testDrivers {
		t.Run(d.name, func(t *testing.T) { f(t, d) })
	}
}

func onLoops(t *testing.T, f func(t *testing.T, d testDriver)) {
	for _, d := range testDrivers {
		if d.loops {
			t.Run(d.name, func(t *testing.T) { f(t, d) })
		}
	}
}

// server is an engine under test that speaks lines.
type server struct {
	t      *testing.T
	engine *Engine
	addr   net.Addr
	served chan error

	gate    chan struct{} // lets a "gate" line go on
	release func()        // closes gate
	inside  chan struct{} // gets a token when a "gate" line has begun
	spin    atomic.Bool   // while set, a "spin" line goes on
	offLoop atomic.Int32  // turns that were seen to run off a loop
	serves  atomic.Int32
	hangups atomic.Int32
	drains  atomic.Int32
	failed  atomic.Int32
	over    atomic.Int32 // times that Leave reported true
	last    atomic.Pointer[Conn]
	taken   chan net.Conn // what "detach" took out
	file    atomic.Pointer[os.File]

	mu     sync.Mutex
	closed []error
	opened int
}

func start(t *testing.T, d testDriver, config Config) *server {
	t.Helper()
	s := &server{t: t, gate: make(chan struct{}), inside: make(chan struct{}, 1<<20), served: make(chan error, 1), taken: make(chan net.Conn, 1)}
	s.release = sync.OnceFunc(func() { close(s.gate) })
	wakeRuntimePoller()
	before := descriptors()
	if config.Accept == nil {
		config.Accept = func(c *Conn) Protocol {
			s.last.Store(c)
			s.mu.Lock()
			s.opened++
			s.mu.Unlock()
			return &lines{server: s, conn: c}
		}
	}
	if config.Failed == nil {
		config.Failed = func(err error) { s.failed.Add(1) }
	}
	if config.Tick == 0 {
		config.Tick = 5 * time.Millisecond
	}
	if config.Loops == 0 {
		config.Loops = 1
	}
	s.engine = New(config)
	network, addr := "tcp", "127.0.0.1:0"
	if d.unix {
		network, addr = "unix", filepath.Join(t.TempDir(), "s")
	}
	ln, err := net.Listen(network, addr)
	if err != nil {
		t.Fatal(err)
	}
	s.addr = ln.Addr()
	go func() {
		if d.loops {
			s.served <- s.engine.ServeLoops(ln)
			return
		}
		s.served <- s.engine.Serve(ln)
	}()
	t.Cleanup(func() {
		s.release()
		s.engine.Close()
		if err := <-s.served; !errors.Is(err, ErrEngineClosed) && !errors.Is(err, ErrNoLoops) {
			t.Errorf("serving ended with %v, want %v", err, ErrEngineClosed)
		}
		s.eventually("all connections have ended", func() bool { return s.engine.open.Load() == 0 })
		s.eventually("no goroutine of the engine is left", func() bool { return !strings.Contains(stacks(), "internal/engine.(*") })
		s.eventually("no descriptor is left", func() bool { return descriptors() <= before })
		s.mu.Lock()
		defer s.mu.Unlock()
		if len(s.closed) > s.opened {
			t.Errorf("Closed was called %d times for %d connections", len(s.closed), s.opened)
		}
	})
	return s
}

// wakeRuntimePoller makes the runtime open the descriptors of its own poller, which stay.
var wakeRuntimePoller = sync.OnceFunc(func() {
	if ln, err := net.Listen("tcp", "127.0.0.1:0"); err == nil {
		ln.Close()
	}
})

func descriptors() int {
	names, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return 0
	}
	return len(names)
}

// stacks returns the goroutines but the caller's.
func stacks() string {
	p := make([]byte, 1<<20)
	all := string(p[:runtime.Stack(p, true)])
	_, others, _ := strings.Cut(all, "\n\n")
	return others
}

// parkedIn counts the goroutines that wait for input or output in function, as the runtime says.
func parkedIn(function string) int { return waitingIn("IO wait", function) }

// waitingIn counts the goroutines that wait in function for what the runtime calls so.
func waitingIn(what, function string) (n int) {
	for stack := range strings.SplitSeq(stacks(), "\n\n") {
		if head, _, _ := strings.Cut(stack, "\n"); strings.Contains(head, "["+what) && strings.Contains(stack, function) {
			n++
		}
	}
	return n
}

func (s *server) eventually(what string, ok func() bool) {
	s.t.Helper()
	for end := time.Now().Add(patienceOfTests); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			s.t.Fatalf("waited in vain until %s\n%s", what, stacks())
		}
	}
}

// pass does what the ticks of the time d would do. The Tick of the engine's own must be farther away than the test is long.
func (s *server) pass(d time.Duration) {
	s.t.Helper()
	s.engine.clock.now.Add(int64(d))
	s.engine.blocking.each((*blocking).expire)
	s.engine.loops.sweep()
	s.eventually("the leader has looked", func() bool {
		c, ok := s.last.Load().driver.(interface{ isPushed() bool })
		return !ok || !c.isPushed()
	})
}

func (s *server) closings() []error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]error(nil), s.closed...)
}

// peer is a client of a server under test.
type peer struct {
	net.Conn
	t *testing.T
	r *bufio.Reader
}

func (s *server) dial() *peer {
	s.t.Helper()
	nc, err := net.Dial(s.addr.Network(), s.addr.String())
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { nc.Close() })
	nc.SetDeadline(time.Now().Add(patienceOfTests))
	return &peer{Conn: nc, t: s.t, r: bufio.NewReader(nc)}
}

func (p *peer) say(text string) {
	p.t.Helper()
	if _, err := io.WriteString(p.Conn, text); err != nil {
		p.t.Fatalf("say %.40q: %v", text, err)
	}
}

// hear wants exactly text.
func (p *peer) hear(text string) {
	p.t.Helper()
	got := make([]byte, len(text))
	n, err := io.ReadFull(p.r, got)
	if err != nil || string(got) != text {
		p.t.Fatalf("heard %.80q (%v), want %.80q", got[:n], err, text)
	}
}

// hearEnd wants the connection to have ended, orderly or not.
func (p *peer) hearEnd() {
	p.t.Helper()
	rest, err := io.ReadAll(p.r)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		p.t.Fatalf("heard %.40q and no end", rest)
	}
	if len(rest) > 0 {
		p.t.Fatalf("heard %.80q, want the end", rest)
	}
}

func (p *peer) closeWrite() {
	p.t.Helper()
	if err := p.Conn.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
		p.t.Fatal(err)
	}
}
