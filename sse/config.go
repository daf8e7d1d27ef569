package sse

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/hyperlane-go/hyperlane/broadcast"
)

// Config is for [Serve] and [NewSource]. The zero value is a good choice.
type Config struct {
	// Heartbeat is the longest time in which nothing is sent: then it is a comment, which clients skip. Zero: 15 seconds. Negative:
	// no heartbeats.
	Heartbeat time.Duration

	// Retry is how long a client should wait before it comes back. Each is told its own time, up to half as long again, so that they do
	// not all come at once. Zero: nothing is said, and the client chooses; browsers wait for some seconds.
	Retry time.Duration

	// Buffer is how many bytes may wait for one slow client before the topic's policy holds (broadcast.Rules.Lag). It is at most
	// the server's Config.Limits.Outbox. Zero: 64 KiB. Only a Source looks at it; a Stream waits.
	Buffer int

	// StreamsPerKey is how many streams of a Source may have the same broadcast.As.Key at the same time. One more is refused with 429.
	// Streams without a key are not counted. Zero: any number. Only a Source looks at it.
	StreamsPerKey int

	// Encode makes the event of a message, in place of [MessageEvent]. The id of what it returns is ignored: it is the message's
	// position. It is called once for each message, by any goroutine, and must not wait. Only a Source looks at it.
	Encode func(m *broadcast.Message) Event
}

func (c Config) withDefaults() Config {
	if c.Retry < 0 || c.Buffer < 0 || c.StreamsPerKey < 0 {
		panic(fmt.Sprintf("sse: Retry %v, Buffer %d, StreamsPerKey %d: none may be negative", c.Retry, c.Buffer, c.StreamsPerKey))
	}
	if c.Heartbeat == 0 {
		c.Heartbeat = 15 * time.Second
	}
	if c.Buffer == 0 {
		c.Buffer = 64 << 10
	}
	if c.Encode == nil {
		c.Encode = MessageEvent
	}
	return c
}

// retry returns what one client is told.
func (c Config) retry() time.Duration {
	if c.Retry < 2 {
		return c.Retry
	}
	return c.Retry + rand.N(c.Retry/2)
}
