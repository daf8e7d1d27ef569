package websocket

import (
	"sync"
	"time"
)

// keeper has one timer for the pings of all connections of an endpoint. It does not run while there are none.
type keeper struct {
	every time.Duration // half of Config.PingInterval; 0 if nobody is to be asked

	mu    sync.Mutex // guards what follows, and place and quiet of each connection
	conns []*Conn
	beat  *time.Timer // nil while there are no connections
}

// A connection from which nothing has come for so many beats is asked for a sign of life, or is dead.
const (
	quietAsk  = 2
	quietDead = 4
)

func (k *keeper) init(interval time.Duration) {
	if interval > 0 {
		k.every = max(interval/quietAsk, time.Millisecond)
	}
}

// add keeps c from now on.
func (k *keeper) add(c *Conn) {
	if k.every == 0 {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.conns = append(k.conns, c)
	c.place = int32(len(k.conns))
	if k.beat == nil {
		k.beat = time.AfterFunc(k.every, k.look)
	}
}

// remove keeps c no more.
func (k *keeper) remove(c *Conn) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if c.place == 0 {
		return
	}
	last := k.conns[len(k.conns)-1]
	k.conns[c.place-1], last.place = last, c.place
	k.conns[len(k.conns)-1] = nil
	k.conns = k.conns[:len(k.conns)-1]
	c.place = 0
	if len(k.conns) == 0 {
		k.beat.Stop()
		k.beat = nil
	}
}

// look asks those who are quiet, and ends those who do not answer.
func (k *keeper) look() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.beat == nil {
		return
	}
	for _, c := range k.conns {
		if c.sign.CompareAndSwap(signHeard, signNone) || c.sign.Load() == signBusy {
			c.quiet = 0
			continue
		}
		switch c.quiet++; c.quiet {
		case quietAsk:
			c.Ping(nil)
		case quietDead:
			c.cut(ErrDead)
		}
	}
	k.beat.Reset(k.every)
}
