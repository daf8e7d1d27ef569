//go:build linux

package main

import (
	"context"
	"fmt"
)

// workload is one way to load a server.
type workload struct {
	name string
	// needs is what a server must be able to do to be measured.
	needs feature
	// unit is what the CPU time is divided by: a request, a message, a delivery.
	unit string
	// base is the server that the others are compared with.
	base string
	// against, unless it is empty, is the workload whose p99 this one's is compared with.
	against string
	// routes is how many further routes the server has.
	routes int
	job
}

// job takes one sample of a server that has just been started.
type job interface {
	measure(ctx context.Context, set settings, s *process) (sample, error)
}

// The same load with and without the sleepers; the second is compared with the
// first.
const (
	mixedWithout = "mixed-without"
	mixedWith    = "mixed-with"
	steadyAlone  = "steady-alone"
)

// sizes are the counts that flags can change.
type sizes struct {
	Idle    int `json:"idle_connections"`
	Members int `json:"members"`
}

func allWorkloads(n sizes) []workload {
	all := []workload{
		requestLoad("plaintext-64", closedLoop{exchange: plaintext, conns: 64}),
		requestLoad("plaintext-512", closedLoop{exchange: plaintext, conns: 512}),
		requestLoad("plaintext-2000", closedLoop{exchange: plaintext, conns: 2000}),
		requestLoad("plaintext-8000", closedLoop{exchange: plaintext, conns: 8000}),
		requestLoad("pipeline-16", closedLoop{exchange: plaintext, conns: 64, depth: 16}),
		requestLoad("json", closedLoop{exchange: jsonValue, conns: 64}),
		requestLoad("param", closedLoop{exchange: pathParam, conns: 64}),
		requestLoad("echo-4k", closedLoop{exchange: echo4k, conns: 64}),
		requestLoad("newconn", closedLoop{exchange: plaintext, conns: 64, reconnect: true}),
		requestLoad("newconn-shared", closedLoop{exchange: plaintext, conns: 64, reconnect: true, neighbour: true}),
		requestLoad(mixedWithout, closedLoop{exchange: plaintext, conns: 32}),
		requestLoad(mixedWith, closedLoop{exchange: plaintext, conns: 32, others: []others{{sleep5, 32}}}).
			needing(sleeping).comparedWith(mixedWithout),
		requestLoad(steadyAlone, closedLoop{exchange: plaintext, conns: 32, rate: steadyRate}),
		requestLoad("steady-sleep", closedLoop{exchange: plaintext, conns: 32, rate: steadyRate, others: []others{{sleep5, 32}}}).
			needing(sleeping).comparedWith(steadyAlone),
		requestLoad("steady-spin", closedLoop{exchange: plaintext, conns: 32, rate: steadyRate, others: []others{{spin50, 1}}}).
			needing(spinning).comparedWith(steadyAlone),
	}
	for _, routes := range []int{1, 100, 10_000} {
		w := requestLoad(fmt.Sprintf("routes-%d", routes), closedLoop{exchange: pathParam, conns: 64}).needing(manyRoutes)
		w.routes = routes
		all = append(all, w)
	}
	for _, conns := range []int{64, 2000, 5000} {
		for _, size := range []int{16, 64, 1 << 10, 64 << 10} {
			all = append(all, workload{
				name: fmt.Sprintf("ws-echo-%s-%d", shortSize(size), conns), needs: webSockets, unit: "message", base: "gws",
				job: messageEcho{size, conns},
			})
		}
	}
	return append(all,
		workload{name: "ws-fanout", needs: webSockets, unit: "delivery", base: "gws", job: fanOut{"/ws/topic", 101, n.Members}},
		workload{name: "sse-fanout", needs: eventStreams, unit: "delivery", base: "nethttp", job: fanOut{"/sse/topic", 200, n.Members}},
		workload{name: "idle", needs: requests, base: "nethttp", job: idleRequests{n.Idle}},
		workload{name: "ws-idle", needs: webSockets, base: "gws", job: idleWebSockets{n.Idle}},
		workload{name: "sse-idle", needs: eventStreams, base: "nethttp", job: idleStreams{n.Idle}},
	)
}

// requestLoad is a workload of requests, compared with the C server.
func requestLoad(name string, load closedLoop) workload {
	return workload{name: name, needs: requests, unit: "request", base: yardstick, job: load}
}

func (w workload) needing(f feature) workload {
	w.needs |= f
	return w
}

func (w workload) comparedWith(other string) workload {
	w.against = other
	return w
}

func (w workload) label() string { return w.name }

func workloadList() []string {
	var names []string
	for _, w := range allWorkloads(sizes{}) {
		names = append(names, w.name)
	}
	return names
}

func selectWorkloads(names string, n sizes) ([]workload, error) {
	return choose(allWorkloads(n), workload.label, names)
}

// suits reports whether the server can do what the workload asks for.
func (w workload) suits(s server) bool { return s.can&w.needs == w.needs }

// shortSize writes a number of bytes as 16, 1k or 64k.
func shortSize(n int) string {
	if n%1024 == 0 {
		return fmt.Sprintf("%dk", n/1024)
	}
	return fmt.Sprint(n)
}
