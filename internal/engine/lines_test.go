package engine

import (
	"bytes"
	"fmt"
	"runtime"
	"strconv"
	"strings"
)

// lines is a protocol with one command a line. What is no command is echoed.
type lines struct {
	server *server
	conn   *Conn
	body   int // bytes of a body that is awaited
}

func (l *lines) Hangup() { l.server.hangups.Add(1) }
func (l *lines) Drain()  { l.server.drains.Add(1) }

func (l *lines) Closed(err error) {
	s := l.server
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = append(s.closed, err)
}

func (l *lines) Serve(t *Turn) Next {
	s := l.server
	s.serves.Add(1)
	if !t.OnLoop() {
		s.offLoop.Add(1)
	}
	for {
		if l.body > 0 {
			if len(t.In) < l.body {
				if t.Err != nil {
					t.Out = fmt.Appendf(t.Out, "body ended: %v\n", t.Err)
					return Close
				}
				t.Need = l.body
				return AwaitBody
			}
			t.Out = fmt.Appendf(t.Out, "body %d\n", l.body)
			t.In = t.In[l.body:]
			l.body = 0
			t.Restart = true
		}
		end := bytes.IndexByte(t.In, '\n')
		if end < 0 {
			if t.Err != nil {
				t.Out = fmt.Appendf(t.Out, "ended with %d: %v\n", len(t.In), t.Err)
				t.In = nil
				return Close
			}
			if len(t.In) == 0 {
				return AwaitMessage
			}
			return AwaitHead
		}
		line := string(t.In[:end])
		if strings.HasPrefix(line, "off") && t.OnLoop() {
			return OffLoop
		}
		t.In = t.In[end+1:]
		t.Restart = true
		if next, stop := l.command(t, line); stop {
			return next
		}
		if t.Err != nil && len(t.In) == 0 {
			return Close
		}
	}
}

func (l *lines) command(t *Turn, line string) (next Next, stop bool) {
	s := l.server
	name, arg, _ := strings.Cut(line, " ")
	n, _ := strconv.Atoi(arg)
	switch name {
	case "gate":
		t.Enter()
		t.Watch()
		s.inside <- struct{}{}
		<-s.gate
		if t.Leave() {
			s.over.Add(1)
		}
	case "spin":
		t.Enter()
		s.inside <- struct{}{}
		for s.spin.Load() {
		}
		t.Leave()
	case "unspin":
		s.spin.Store(false)
	case "panic":
		t.Enter()
		panic("as the line says")
	case "goexit":
		t.Enter()
		runtime.Goexit()
	case "need":
		l.body = n
		return 0, false
	case "out":
		t.Out = append(t.Out, pattern(n)...)
	case "write":
		if err := t.Write(pattern(n)); err != nil {
			return Abort, true
		}
	case "file":
		if err := t.SendFile(s.file.Load(), 3, int64(n)); err != nil {
			return Abort, true
		}
	case "fill":
		sum := 0
		for sum < n {
			if len(t.In) == 0 {
				if err := t.Fill(AwaitBody); err != nil {
					t.Out = fmt.Appendf(t.Out, "filled %d: %v\n", sum, err)
					return Close, true
				}
			}
			k := min(len(t.In), n-sum)
			if !bytes.Equal(t.In[:k], patternFrom(sum, k)) {
				t.Out = append(t.Out, "garbled "...)
			}
			sum += k
			t.In = t.In[k:]
		}
		t.Out = fmt.Appendf(t.Out, "filled %d\n", n)
		return 0, false
	case "send":
		for range n {
			if err := l.conn.Send([]byte("sent\n")); err != nil {
				t.Out = fmt.Appendf(t.Out, "%v\n", err)
			}
		}
		return 0, false
	case "close":
		t.Out = append(t.Out, "bye\n"...)
		return Close, true
	case "linger":
		t.Out = append(t.Out, "bye\n"...)
		return Linger, true
	case "abort":
		return Abort, true
	case "detach":
		nc, err := t.Detach()
		if err != nil {
			return Abort, true
		}
		s.taken <- nc
		return Detached, true
	case "switch":
		t.Out = append(t.Out, "switched\n"...)
		t.Switch(&frames{server: s, conn: l.conn})
		return AwaitForever, true
	}
	t.Out = append(append(t.Out, line...), '\n')
	return 0, false
}

// frames is what lines switches to: each byte n is answered with n bytes 'f'; 'z' waits by Fill; 0 closes.
type frames struct {
	server *server
	conn   *Conn
}

func (f *frames) Hangup() { f.server.hangups.Add(1) }
func (f *frames) Drain()  { f.server.drains.Add(1); f.conn.Close() }
func (f *frames) Closed(err error) {
	(&lines{server: f.server}).Closed(err)
}

func (f *frames) Serve(t *Turn) Next {
	if t.Err != nil {
		return Close
	}
	for len(t.In) > 0 {
		b := t.In[0]
		t.In = t.In[1:]
		switch b {
		case 0:
			return Close
		case 'z':
			f.server.inside <- struct{}{}
			if t.Fill(AwaitForever) != nil {
				return Abort
			}
		case 'g':
			t.Enter()
			f.server.inside <- struct{}{}
			<-f.server.gate
			t.Leave()
		default:
			t.Out = append(t.Out, bytes.Repeat([]byte{'f'}, int(b))...)
		}
	}
	return AwaitForever
}

var patternBytes = func() []byte {
	p := make([]byte, 251*8192)
	for i := range p {
		p[i] = byte(i % 251)
	}
	return p
}()

func pattern(n int) []byte { return patternFrom(0, n) }

// patternFrom returns n bytes of an endless pattern, of which a lost or doubled piece is noticed.
func patternFrom(from, n int) []byte {
	from %= 251
	if from+n <= len(patternBytes) {
		return patternBytes[from : from+n]
	}
	p := make([]byte, n)
	for i := range p {
		p[i] = byte((from + i) % 251)
	}
	return p
}
