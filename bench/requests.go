//go:build linux

package main

import (
	"context"
	"fmt"
	"net/netip"
	"strings"

	"github.com/hyperlane-go/hyperlane/bench/load"
)

// closedLoop loads a server with requests over keep-alive connections.
type closedLoop struct {
	exchange
	conns     int
	depth     int      // of pipelining; 0 is none
	reconnect bool     // a new connection for each request
	neighbour bool     // another process computes on the server's cores, so that the server always has something to do
	rate      float64  // requests per second; 0 is as many as the server answers, and only then it is a closed loop
	others    []others // load that is there but not measured
}

// others is so many further connections that all ask for something else.
type others struct {
	exchange
	conns int
}

// steadyRate is far below what any server here can do on one core.
const steadyRate = 5000

// exchange is one request and the body that answers it.
type exchange struct {
	method, path string
	body         string
	want         string // but for white space at its end, which some encoders add; empty: anything
	contentType  string // how it starts
}

var (
	plaintext = exchange{"GET", "/plaintext", "", "Hello, World!", "text/plain"}
	jsonValue = exchange{"GET", "/json", "", `{"message":"Hello, World!","id":42}`, "application/json"}
	pathParam = exchange{"GET", "/users/1234", "", "1234", "text/plain"}
	echo4k    = exchange{"POST", "/echo", strings.Repeat("0123456789abcdef", 256), strings.Repeat("0123456789abcdef", 256), "application/octet-stream"}
	sleep5    = exchange{"GET", "/sleep/5", "", "", "text/plain"}
	spin50    = exchange{"GET", "/spin/50", "", "", "text/plain"}
)

// measure probes the server, loads it twice, and reads the clocks around the
// second time.
func (l closedLoop) measure(ctx context.Context, set settings, s *process) (sample, error) {
	groups, err := l.groups(ctx, s)
	if err != nil {
		return sample{}, err
	}
	if l.neighbour {
		n, err := startNeighbours(ctx, s.cpus)
		if err != nil {
			return sample{}, err
		}
		defer n.stop()
	}
	return measureGroups(ctx, set, s, groups)
}

// groups returns the load for a server that gives the right answers. The first
// group is the one that is measured.
func (l closedLoop) groups(ctx context.Context, s *process) ([]load.Group, error) {
	bodyLength, err := probe(ctx, s.addr, s.can, l.exchange)
	if err != nil {
		return nil, err
	}
	groups := []load.Group{{
		Conns:      l.conns,
		Request:    l.raw(s.addr, l.reconnect),
		BodyLength: bodyLength,
		Depth:      l.depth,
		Reconnect:  l.reconnect,
		Rate:       l.rate,
	}}
	for _, o := range l.others {
		bodyLength, err := probe(ctx, s.addr, s.can, o.exchange)
		if err != nil {
			return nil, err
		}
		groups = append(groups, load.Group{Conns: o.conns, Request: o.raw(s.addr, false), BodyLength: bodyLength})
	}
	return groups, nil
}

// measureGroups warms the server up with the load, and measures it.
func measureGroups(ctx context.Context, set settings, s *process, groups []load.Group) (sample, error) {
	threads := set.loadThreads(s)
	g, err := load.Assemble(s.addr, threads, groups...)
	if err != nil {
		return sample{}, err
	}
	defer g.Close()
	if _, err := g.Run(ctx, set.WarmUp); err != nil {
		return sample{}, err
	}
	before, err := readClocks(set, s)
	if err != nil {
		return sample{}, err
	}
	tallies, err := g.Run(ctx, set.Measure)
	if err != nil {
		return sample{}, err
	}
	after, err := readClocks(set, s)
	if err != nil {
		return sample{}, err
	}
	return newSample(tallies, after.since(before), threads)
}

// raw is the request as it goes over the wire.
func (e exchange) raw(addr netip.AddrPort, last bool) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: bench\r\nAccept: */*\r\nX-Client: bench\r\n", e.method, e.path, addr)
	if e.body != "" {
		fmt.Fprintf(&b, "Content-Length: %d\r\n", len(e.body))
	}
	if last {
		b.WriteString("Connection: close\r\n")
	}
	b.WriteString("\r\n")
	b.WriteString(e.body)
	return []byte(b.String())
}
