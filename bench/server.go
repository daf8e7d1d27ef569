//go:build linux

package main

// yardstick is the server that all others are compared with, where it is about
// requests.
const yardstick = "cserver"

// server is one program to measure, before it is built. Those
// that can do the same answer it with the same fields; see probe.go.
type server struct {
	name string
	// pkg is the Go package of its main, and crate the Rust one in peers/rust; both empty for the C server.
	pkg, crate string
	// args come before -addr.
	args []string
	// optional servers are skipped, with a message, when they do not build.
	optional bool
	// can is what it can do.
	can feature
}

// feature is something that not every server can do.
type feature uint8

const (
	requests     feature = 1 << iota // the routes of requests.go
	dates                            // sends Date
	sleeping                         // for one client while it serves another
	spinning                         // GET /spin/{ms}
	manyRoutes                       // flag -routes
	webSockets                       // /ws/echo, /ws/topic and /publish
	eventStreams                     // /sse/topic and /publish

	framework = requests | dates | sleeping | spinning | manyRoutes
	complete  = framework | webSockets | eventStreams
)

const (
	modulePath = "github.com/hyperlane-go/hyperlane/bench"
	targetPkg  = modulePath + "/target"
	peersPkg   = modulePath + "/peers/"
)

func allServers() []server {
	return []server{
		{name: yardstick, can: requests | dates},
		{name: "hyperlane-loop", pkg: targetPkg, args: []string{"-driver", "loop"}, optional: true, can: complete},
		{name: "hyperlane-blocking", pkg: targetPkg, args: []string{"-driver", "blocking"}, optional: true, can: complete},
		{name: "hyperlane-nethttp", pkg: targetPkg, args: []string{"-driver", "nethttp"}, optional: true, can: complete},
		{name: "fasthttp", pkg: peersPkg + "fasthttp", can: requests | dates | sleeping | spinning},
		{name: "fiber", pkg: peersPkg + "fiber", can: framework},
		{name: "hertz", pkg: peersPkg + "hertz", can: framework},
		{name: "nethttp", pkg: peersPkg + "nethttp", can: framework | eventStreams},
		{name: "chi", pkg: peersPkg + "chi", can: framework},
		{name: "gin", pkg: peersPkg + "gin", can: framework},
		{name: "echo", pkg: peersPkg + "echo", can: framework},
		{name: "axum", crate: "axum-peer", optional: true, can: framework &^ spinning},
		{name: "actix", crate: "actix-peer", optional: true, can: framework &^ spinning},
		{name: "rust-hyperlane", crate: "hyperlane-peer", optional: true, can: framework &^ (spinning | dates)},
		{name: "gws", pkg: peersPkg + "gws", can: webSockets},
		{name: "gorilla", pkg: peersPkg + "gorilla", can: webSockets},
		{name: "coder", pkg: peersPkg + "coder", can: webSockets},
	}
}

func (s server) label() string { return s.name }

func serverList() []string {
	var names []string
	for _, s := range allServers() {
		names = append(names, s.name)
	}
	return names
}

func selectServers(names string) ([]server, error) {
	return choose(allServers(), server.label, names)
}
