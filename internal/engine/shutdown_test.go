package engine

import (
	"context"
	"io"
	"net"
	"testing"
	"time"
)

func TestTwoShutdownsAtOnceBothReturn(t *testing.T) {
	onEachDriver(t, func(t *testing.T, d testDriver) {
		s := start(t, d, Config{})
		p := s.dial()
		p.say("gate\n")
		<-s.inside
		done := make(chan error, 2)
		for range cap(done) {
			go func() { done <- s.engine.Shutdown(context.Background()) }()
		}
		s.eventually("both wait", func() bool { return waitingIn("select", "engine.(*Engine).Shutdown") == 2 })
		s.release()
		p.hear("gate\n")
		for range cap(done) {
			if err := await(t, done); err != nil {
				t.Errorf("Shutdown: %v", err)
			}
		}
	})
}

// A connection counts for a moment before it is refused. A Shutdown that looks then must be told to look again.
func TestARefusalTellsAShutdownThatWaits(t *testing.T) {
	e := New(Config{MaxConns: 1})
	e.open.Store(1)
	client, nc := net.Pipe()
	defer client.Close()
	if e.counts(nc) {
		t.Fatal("the connection was not refused")
	}
	select {
	case <-e.empty:
	default:
		t.Error("nothing was told")
	}
}

// lateListener has one connection, which the system had accepted before the listener was closed, and Accept returns after that.
type lateListener struct {
	accepting chan struct{} // closed when Accept is called
	late      chan net.Conn // what it returns then
}

func (l *lateListener) Accept() (net.Conn, error) {
	select {
	case <-l.accepting:
		return nil, net.ErrClosed
	default:
		close(l.accepting)
		return <-l.late, nil
	}
}

func (*lateListener) Close() error   { return nil }
func (*lateListener) Addr() net.Addr { return &net.TCPAddr{} }

func TestAConnectionThatWasAcceptedJustBeforeCloseIsClosed(t *testing.T) {
	closed := make(chan error, 1)
	e := New(Config{Accept: func(*Conn) Protocol { return &duplex{errs: closed} }})
	ln := &lateListener{make(chan struct{}), make(chan net.Conn)}
	served := make(chan error, 1)
	go func() { served <- e.Serve(ln) }()
	<-ln.accepting
	e.Close()
	client, nc := net.Pipe()
	defer client.Close()
	ln.late <- nc
	if err := await(t, served); err != ErrEngineClosed {
		t.Errorf("Serve: got %v, want %v", err, ErrEngineClosed)
	}
	client.SetReadDeadline(time.Now().Add(patienceOfTests))
	if n, err := client.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("read %d, %v, want the end", n, err)
	}
	if err := await(t, closed); err != ErrClosed {
		t.Errorf("closed with %v, want %v", err, ErrClosed)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patienceOfTests)
	defer cancel()
	if err := e.Shutdown(ctx); err != nil { // which waits until it is off the count
		t.Errorf("%v, with %d connections open", err, e.open.Load())
	}
}
