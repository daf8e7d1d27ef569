//go:build linux

package main

// yardstick is the server that all others are compared with.
const yardstick = "cserver"

// server is one program to measure, before it is built. All of them answer the
// same routes with the same fields; see probe.go.
type server struct {
	name string
	// pkg is the Go package of its main; empty for the C server.
	pkg string
	// args come before -addr.
	args []string
	// optional servers are skipped, with a message, when they do not build.
	optional bool
	// singleThreaded servers cannot sleep for one client and serve another.
	singleThreaded bool
}

const (
	modulePath = "github.com/hyperlane-go/hyperlane/bench"
	targetPkg  = modulePath + "/target"
	peersPkg   = modulePath + "/peers/"
)

func allServers() []server {
	return []server{
		{name: yardstick, singleThreaded: true},
		{name: "hyperlane-loop", pkg: targetPkg, args: []string{"-driver", "loop"}, optional: true},
		{name: "hyperlane-blocking", pkg: targetPkg, args: []string{"-driver", "blocking"}, optional: true},
		{name: "hyperlane-nethttp", pkg: targetPkg, args: []string{"-driver", "nethttp"}, optional: true},
		{name: "fasthttp", pkg: peersPkg + "fasthttp"},
		{name: "fiber", pkg: peersPkg + "fiber"},
		{name: "hertz", pkg: peersPkg + "hertz"},
		{name: "nethttp", pkg: peersPkg + "nethttp"},
		{name: "chi", pkg: peersPkg + "chi"},
		{name: "gin", pkg: peersPkg + "gin"},
		{name: "echo", pkg: peersPkg + "echo"},
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
