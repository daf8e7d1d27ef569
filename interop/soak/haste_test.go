package soak

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"time"
)

// haste is how long the hasty server waits for anything.
const haste = 500 * time.Millisecond

var timedOutKinds = []kind{
	{"silence from the start", 1, func(c *client) error {
		return c.hurry("", func(l *line) error { return over(l.r) })
	}},
	{"a head that stops", 1, stopInHead},
	{"a body that stops", 1, stopInBody},
	{"silence between requests", 1, stopBetween},
	{"an answer that nobody reads", 1, neverRead},
}

// hurry sends text to the hasty server, and runs then. If the machine has stood still meanwhile, the server may have been as right as the
// client, and it is as if nothing had been.
func (c *client) hurry(text string, then func(l *line) error) error {
	return c.once(c.hasty, func(l *line) error {
		err := l.send(text)
		if time.Since(l.dialed) > haste/2 {
			return errLate
		}
		if err == nil {
			err = then(l)
		}
		if err != nil && c.pulse.stopped(l.dialed) {
			return errLate
		}
		return err
	})
}

func stopInHead(c *client) error {
	ask, _ := c.small("")
	head := strings.Index(ask, "\r\n\r\n")
	ask = ask[:1+c.IntN(head)]
	return c.hurry(ask, func(l *line) error {
		if c.driver == "nethttp" { // which refuses a line that has come in part, or closes without a word
			got, err := io.ReadAll(l.r)
			if err == nil {
				err = oneRefusal(ask, got)
			}
			return err
		}
		w := refusal(408)
		if strings.HasPrefix(ask, "HEAD ") {
			w.bare, w.size = true, -1
		}
		return l.expect(w)
	})
}

// stopInBody finds its handler waiting for the rest, or not even called yet.
func stopInBody(c *client) error {
	size := 1000 + c.IntN(200_000)
	ask, mark := c.ask("POST", "/gather", fmt.Sprintf("Accept: text/plain\r\nContent-Length: %d\r\n\r\n", size))
	return c.hurry(ask+ribbon{3, c.Int64N(1000)}.text(), func(l *line) error {
		w := refusal(408)
		if size > 64<<10 || c.driver == "nethttp" {
			w = text(408, "Request Timeout: the body did not come in time\n", mark, plain)
			w.last = true
		}
		return l.expect(w)
	})
}

func stopBetween(c *client) error {
	ask, w := c.small("")
	return c.hurry(ask, func(l *line) error {
		if err := l.expect(w); err != nil {
			return err
		}
		return over(l.r)
	})
}

// neverRead asks for more than all buffers hold. The handler must not wait for it for ever.
func neverRead(c *client) error {
	target, w, forget := c.watch("/endless")
	defer forget()
	ask, _ := c.ask("GET", target, "\r\n")
	return c.hurry(ask, func(*line) error {
		failed, err := within("the end of the handler", w.ended)
		if err == nil && failed == nil {
			err = errors.New("a handler has written without end, and without an error")
		}
		return err
	})
}

// pulse knows when the machine has let the process stand still.
type pulse struct{ last atomic.Int64 }

// beat takes the pulse until stop is closed.
func (p *pulse) beat(stop <-chan struct{}) {
	tick := time.NewTicker(haste / 50)
	defer tick.Stop()
	for before := time.Now(); ; {
		select {
		case <-stop:
			return
		case <-tick.C:
		}
		now := time.Now()
		if now.Sub(before) > haste/5 {
			p.last.Store(now.UnixNano())
		}
		before = now
	}
}

// stopped reports whether it has stood still since then.
func (p *pulse) stopped(since time.Time) bool { return p.last.Load() > since.UnixNano() }
