package engine

import (
	"net"
	"testing"
	"time"
)

var dialer = net.Dialer{Timeout: time.Second}

// echo is the least of all protocols.
type echo struct{}

func (echo) Serve(t *Turn) Next {
	if t.Err != nil {
		return Abort
	}
	t.Enter()
	t.Out = append(t.Out, t.In...)
	t.Leave()
	t.In = t.In[len(t.In):]
	return AwaitMessage
}
func (echo) Hangup()      {}
func (echo) Drain()       {}
func (echo) Closed(error) {}

func benchmarkEcho(b *testing.B, e *Engine, loops bool) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	if loops {
		go e.ServeLoops(ln)
	} else {
		go e.Serve(ln)
	}
	defer e.Close()
	nc, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	defer nc.Close()
	p := make([]byte, 64)
	b.ReportAllocs()
	for b.Loop() {
		nc.Write(p)
		if _, err := nc.Read(p); err != nil {
			b.Fatal(err)
		}
	}
}
