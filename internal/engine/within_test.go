package engine

import (
	"context"
	"sync"
	"testing"
)

// crowd is all connections of one engine. Each of its calls uses every method of every handle, its own among them.
type crowd struct {
	mu    sync.Mutex
	conns []*Conn
	ended int
}

func (c *crowd) enter(conn *Conn) Protocol {
	c.useAll(false)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.conns = append(c.conns, conn)
	return &member{c, conn}
}

func (c *crowd) useAll(end bool) {
	c.mu.Lock()
	all := append([]*Conn(nil), c.conns...)
	c.mu.Unlock()
	for _, conn := range all {
		conn.Send([]byte("news\n"))
		conn.Waiting()
		conn.Addrs()
		if end {
			conn.Finish()
			conn.Close()
		}
	}
}

// member is one of a crowd. 'u' is its upgrade, 'x' has it send ten thousand messages to each, 'c' close all.
type member struct {
	crowd *crowd
	conn  *Conn
}

func (m *member) Serve(t *Turn) Next {
	in := t.In
	if len(in) > 0 && in[0] == 'u' {
		t.In = in[1:]
		t.Switch(&member{m.crowd, m.conn}) // from here on others may send
		return AwaitForever
	}
	t.In = in[len(in):]
	for _, b := range in {
		switch b {
		case 'x':
			for range 10_000 {
				m.crowd.useAll(false)
			}
			t.Out = append(t.Out, "done\n"...)
		case 'c':
			m.crowd.useAll(true)
		}
	}
	if t.Err != nil {
		return Close
	}
	return AwaitForever
}

func (m *member) Hangup() { m.crowd.useAll(true) }
func (m *member) Drain()  { m.crowd.useAll(true) }

func (m *member) Closed(error) {
	m.crowd.useAll(true)
	m.crowd.mu.Lock()
	defer m.crowd.mu.Unlock()
	m.crowd.ended++
}

// A loop that waits for itself waits for ever: nothing that a handle offers may wait, whoever calls it. Ten thousand messages are more than
// any queue of wake-ups would hold.
func TestALoopThatCallsItselfDoesNotDeadlock(t *testing.T) {
	for _, how := range []string{"Serve", "Drain"} {
		t.Run("all are closed in "+how, func(t *testing.T) {
			onEachDriver(t, func(t *testing.T, d testDriver) {
				c := new(crowd)
				s := start(t, d, Config{Accept: c.enter, OutboxLimit: 64 << 20})
				var peers []*peer
				for i := range 3 {
					p := s.dial()
					peers = append(peers, p)
					p.say("u")
					s.eventually("it has been accepted", func() bool {
						c.mu.Lock()
						defer c.mu.Unlock()
						return len(c.conns) == i+1
					})
				}
				heard := make(chan string, len(peers))
				for _, p := range peers {
					go func() {
						for {
							line, err := p.r.ReadString('\n')
							if err != nil {
								heard <- "end"
								return
							}
							if line == "done\n" {
								heard <- line
							}
						}
					}()
				}
				peers[0].say("x")
				if got := await(t, heard); got != "done\n" {
					t.Errorf("got %q, want that the turn ends", got)
				}
				if how == "Serve" {
					peers[0].say("c")
				} else if err := s.engine.Shutdown(context.Background()); err != nil {
					t.Errorf("Shutdown: %v", err)
				}
				for range peers {
					if got := await(t, heard); got != "end" {
						t.Errorf("got %q, want the end", got)
					}
				}
				s.eventually("all have ended", func() bool {
					c.mu.Lock()
					defer c.mu.Unlock()
					return c.ended == len(peers)
				})
			})
		})
	}
}
