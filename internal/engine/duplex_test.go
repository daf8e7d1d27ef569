package engine

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
	"time"
)

// duplex reads with one goroutine while it writes with another, in one turn.
type duplex struct {
	run  func(t *Turn) Next
	errs chan error
}

func (p *duplex) Serve(t *Turn) Next {
	if t.OnLoop() {
		return OffLoop
	}
	t.Enter()
	defer t.Leave()
	return p.run(t)
}

func (p *duplex) Hangup()          {}
func (p *duplex) Drain()           {}
func (p *duplex) Closed(err error) { p.errs <- err }

const duplexSize = 4 << 20

// readAll consumes size bytes, and says whether they were those of pattern.
func readAll(t *Turn, size int) error {
	want := pattern(size)
	for {
		n := min(len(t.In), len(want))
		if !bytes.Equal(t.In[:n], want[:n]) {
			return errors.New("other bytes than were sent")
		}
		t.In, want = t.In[n:], want[n:]
		if len(want) == 0 {
			return nil
		}
		if err := t.Fill(AwaitBody); err != nil {
			return err
		}
	}
}

func TestOneGoroutineReadsWhileAnotherWrites(t *testing.T) {
	for name, talk := range map[string]func(t *testing.T, p *peer){
		"the peer reads when it has written": func(t *testing.T, p *peer) {
			p.Write(pattern(duplexSize))
			p.hear(string(pattern(duplexSize)))
		},
		"the peer writes when it has read": func(t *testing.T, p *peer) {
			p.say(string(pattern(duplexSize)[:1]))
			p.hear(string(pattern(duplexSize)))
			p.Write(pattern(duplexSize)[1:])
		},
		"both at once": func(t *testing.T, p *peer) {
			go p.Write(pattern(duplexSize))
			p.hear(string(pattern(duplexSize)))
		},
	} {
		t.Run(name, func(t *testing.T) {
			onEachDriver(t, func(t *testing.T, d testDriver) {
				closed := make(chan error, 1)
				s := start(t, d, Config{BodyTimeout: patienceOfTests, WriteTimeout: patienceOfTests, Accept: func(*Conn) Protocol {
					return &duplex{errs: closed, run: func(turn *Turn) Next {
						read := make(chan error, 1)
						go func() { read <- readAll(turn, duplexSize) }()
						for rest := pattern(duplexSize); len(rest) > 0; {
							n := min(len(rest), 100_000)
							if err := turn.Write(rest[:n]); err != nil {
								t.Errorf("write: %v", err)
								break
							}
							rest = rest[n:]
						}
						if err := <-read; err != nil {
							t.Errorf("read: %v", err)
						}
						return Close
					}}
				}})
				p := s.dial()
				talk(t, p)
				p.hearEnd()
				if err := <-closed; err != nil {
					t.Errorf("closed with %v", err)
				}
			})
		})
	}
}

// Each direction has its own deadline, whichever is the nearer.
func TestTheDirectionsOfATurnTimeOutApart(t *testing.T) {
	for _, slow := range []string{"input", "output"} {
		t.Run(slow, func(t *testing.T) {
			onEachDriver(t, func(t *testing.T, d testDriver) {
				config := Config{BodyTimeout: time.Hour, WriteTimeout: time.Hour}
				if slow == "input" {
					config.BodyTimeout = 30 * time.Millisecond
				} else {
					config.WriteTimeout = 30 * time.Millisecond
				}
				late := make(chan error, 1)
				s := start(t, d, withAccept(config, func(turn *Turn) Next {
					read, wrote := make(chan error, 1), make(chan error, 1)
					turn.In = turn.In[len(turn.In):]
					go func() { read <- turn.Fill(AwaitBody) }()
					go func() {
						var err error
						for p := make([]byte, 1<<20); err == nil; {
							err = turn.Write(p)
						}
						wrote <- err
					}()
					other := wrote
					if slow == "output" {
						other = read
						late <- <-wrote
					} else {
						late <- <-read
					}
					turn.Conn().Close()
					<-other
					return Abort
				}))
				s.dial().say("begin")
				if err := await(t, late); err != ErrTimeout {
					t.Errorf("got %v, want %v", err, ErrTimeout)
				}
			})
		})
	}
}

func TestInterruptEndsTheWaitForInputOnly(t *testing.T) {
	for _, before := range []bool{true, false} {
		t.Run(fmt.Sprintf("before the wait %t", before), func(t *testing.T) {
			onEachDriver(t, func(t *testing.T, d testDriver) {
				s := start(t, d, withAccept(Config{}, func(turn *Turn) Next {
					turn.In = turn.In[len(turn.In):]
					if before {
						turn.Interrupt()
					}
					read := make(chan error, 2)
					go func() {
						read <- turn.Fill(AwaitBody)
						read <- turn.Fill(AwaitBody)
					}()
					if !before {
						time.Sleep(10 * time.Millisecond) // most likely it waits now; the outcome is the same if it does not
						turn.Interrupt()
					}
					for range 2 {
						if err := await(t, read); err != ErrInterrupted {
							t.Errorf("got %v, want %v", err, ErrInterrupted)
						}
					}
					if turn.Err != nil {
						t.Errorf("Err: %v", turn.Err)
					}
					turn.Out = append(turn.Out, "stopped\n"...)
					return AwaitMessage
				}))
				p := s.dial()
				for range 3 { // the next turn reads again
					p.say("begin")
					p.hear("stopped\n")
				}
				p.closeWrite()
				p.hearEnd()
			})
		})
	}
}

func withAccept(config Config, run func(t *Turn) Next) Config {
	config.Accept = func(*Conn) Protocol { return &duplex{run: run, errs: make(chan error, 1)} }
	return config
}

func await[T any](t *testing.T, from <-chan T) T {
	t.Helper()
	select {
	case v := <-from:
		return v
	case <-time.After(patienceOfTests):
		t.Error("nothing has come")
		var none T
		return none
	}
}
