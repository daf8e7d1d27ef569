//go:build linux

package main

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/hyperlane-go/hyperlane/bench/load"
)

// workload is one way to load a server.
type workload struct {
	name string
	exchange
	conns     int
	depth     int  // of pipelining; 0 is none
	reconnect bool // a new connection for each request
	sleepers  int  // further connections, all on /sleep/5
	// idle, when it is not 0, makes this a measurement of memory: so many
	// connections that say nothing after their first request.
	idle int
}

// exchange is one request and the body that answers it.
type exchange struct {
	method, path string
	body         string
	want         string // but for white space at its end, which some encoders add
	contentType  string // how it starts
}

var (
	plaintext = exchange{"GET", "/plaintext", "", "Hello, World!", "text/plain"}
	jsonValue = exchange{"GET", "/json", "", `{"message":"Hello, World!","id":42}`, "application/json"}
	pathParam = exchange{"GET", "/users/1234", "", "1234", "text/plain"}
	echo4k    = exchange{"POST", "/echo", strings.Repeat("0123456789abcdef", 256), strings.Repeat("0123456789abcdef", 256), "application/octet-stream"}
	sleep5    = exchange{"GET", "/sleep/5", "", "5", "text/plain"}
)

// The same load with and without the sleepers; the second is compared with the
// first.
const (
	mixedWithout = "mixed-without"
	mixedWith    = "mixed-with"
)

func allWorkloads(idle int) []workload {
	return []workload{
		{name: "plaintext-64", exchange: plaintext, conns: 64},
		{name: "plaintext-512", exchange: plaintext, conns: 512},
		{name: "pipeline-16", exchange: plaintext, conns: 64, depth: 16},
		{name: "json", exchange: jsonValue, conns: 64},
		{name: "param", exchange: pathParam, conns: 64},
		{name: "echo-4k", exchange: echo4k, conns: 64},
		{name: "newconn", exchange: plaintext, conns: 64, reconnect: true},
		{name: mixedWithout, exchange: plaintext, conns: 32},
		{name: mixedWith, exchange: plaintext, conns: 32, sleepers: 32},
		{name: "idle", exchange: plaintext, conns: 64, idle: idle},
	}
}

func (w workload) label() string { return w.name }

func workloadList() []string {
	var names []string
	for _, w := range allWorkloads(0) {
		names = append(names, w.name)
	}
	return names
}

func selectWorkloads(names string, idle int) ([]workload, error) {
	return choose(allWorkloads(idle), workload.label, names)
}

// suits reports whether the server can do what the workload asks for.
func (w workload) suits(s server) bool {
	return w.sleepers == 0 || !s.singleThreaded
}

// groups returns the load for a server whose right answer has bodyLength
// bytes. The first group is the one that is measured.
func (w workload) groups(addr netip.AddrPort, bodyLength int) []load.Group {
	groups := []load.Group{{
		Conns:      w.conns,
		Request:    w.raw(addr, w.reconnect),
		BodyLength: bodyLength,
		Depth:      w.depth,
		Reconnect:  w.reconnect,
	}}
	if w.sleepers > 0 {
		groups = append(groups, load.Group{
			Conns:      w.sleepers,
			Request:    sleep5.raw(addr, false),
			BodyLength: len(sleep5.want),
		})
	}
	return groups
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
