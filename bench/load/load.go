//go:build linux

// Package load is a load generator for HTTP/1.1 and WebSocket that costs less
// than the servers it measures.
//
//	g, err := load.Dial(addr, load.Group{Conns: 64, Request: request, BodyLength: 13})
//	if err != nil { ... }
//	defer g.Close()
//	g.Run(ctx, 300*time.Millisecond)                // warm up
//	tallies, err := g.Run(ctx, 3*time.Second)       // measure
//	fmt.Println(tallies[0].Requests, tallies[0].Latency.ValueAtQuantile(99))
//
// One goroutine, locked to its thread, owns every connection and one
// edge-triggered epoll, which it asks again and again: only where a rate is
// given does it sleep. Each connection of a [Group] sends its batch of
// requests, waits for all the responses, and sends the next batch: a server
// that is twice as fast gets twice the load. A group with a rate sends so many
// requests in a second, whatever the server does.
//
// A response counts only when its status is 200 and its Content-Length is the
// one that the group expects. Anything else is an error, by kind, in the
// [Tally]; a connection that breaks is dialed again. The bytes of a body are
// not compared: probe the server once before.
//
// A latency is the time from the write of a batch, or from the connect where
// the group reconnects, to the read of the response. In a closed loop a slow
// response delays the requests after it, which are then not counted as slow:
// read p99 as "of the requests that were sent", not as "of the users who came".
// In a group with a rate it is the time from the moment when the request was
// due, so that what waits behind a slow response counts as slow, too.
//
// [Assemble] has several generators share the connections, for a server that
// has more than one core. [Join] loads a topic with many members instead, and [OpenIdle] opens
// connections that only wait.
package load

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Group is a number of connections that all send the same request.
type Group struct {
	// Conns is the number of connections; at least 1.
	Conns int
	// Request is one whole request, as it goes over the wire.
	Request []byte
	// BodyLength is the Content-Length of a right response.
	BodyLength int
	// Upgrade, unless it is nil, is sent first on each connection, and answered
	// with 101. Then Request and Answer are what goes over the wire, and
	// BodyLength means nothing: a right response is Answer, byte for byte.
	Upgrade, Answer []byte
	// Depth is the number of requests in one pipelined batch. Zero means 1.
	Depth int
	// Reconnect opens a new connection for each request. The request must say
	// "Connection: close", because the next connection is opened when the
	// server has closed the last one. It excludes a Depth over 1.
	Reconnect bool
	// Rate is requests per second for all connections of the group together;
	// they take turns. Zero is as many as the server answers. It excludes a
	// Depth over 1 and Reconnect.
	Rate float64
}

func (g Group) validate() error {
	var errs []error
	if g.Conns < 1 {
		errs = append(errs, fmt.Errorf("conns is %d, want at least 1", g.Conns))
	}
	head := g.Request
	if g.Upgrade != nil {
		head = g.Upgrade
	}
	if !bytes.Contains(head, []byte(endOfHead)) {
		errs = append(errs, errors.New("request is not a whole request"))
	}
	if (g.Upgrade == nil) != (len(g.Answer) == 0) {
		errs = append(errs, errors.New("an upgrade needs an answer, and an answer an upgrade"))
	}
	if g.Reconnect && (g.Depth > 1 || g.Upgrade != nil) {
		errs = append(errs, errors.New("reconnect with a depth or an upgrade"))
	}
	if g.Rate < 0 || g.Rate > 0 && (g.Depth > 1 || g.Reconnect) {
		errs = append(errs, fmt.Errorf("a rate of %v with a depth or reconnect", g.Rate))
	}
	return errors.Join(errs...)
}

// Tally is what one run of a [Generator] counted for one group.
type Tally struct {
	// Requests is the number of right responses.
	Requests uint64
	// Errors counts everything else by kind; nil when there was nothing else.
	Errors map[string]uint64
	// Latency holds nanoseconds, one value for each right response.
	Latency *hdrhistogram.Histogram
}

// newTally returns an empty tally for latencies of 1 µs to one minute, with
// three significant digits.
func newTally() *Tally {
	return &Tally{Latency: hdrhistogram.New(1_000, 60_000_000_000, 3)}
}

func (t *Tally) succeed(latency time.Duration) {
	t.Requests++
	// Out of range only after a minute, and then the run is worthless.
	_ = t.Latency.RecordValue(latency.Nanoseconds())
}

func (t *Tally) fail(kind string) {
	if t.Errors == nil {
		t.Errors = make(map[string]uint64)
	}
	t.Errors[kind]++
}
