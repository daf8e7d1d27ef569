//go:build linux

package load

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

const (
	hello      = "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n"
	helloClose = "GET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
	run        = 100 * time.Millisecond
)

// serve starts a net/http server that answers "hello" on /hello, echoes on
// /echo, and counts what it answered.
func serve(t *testing.T) (netip.AddrPort, *atomic.Uint64) {
	t.Helper()
	var answered atomic.Uint64
	mux := http.NewServeMux()
	mux.HandleFunc("/hello", func(w http.ResponseWriter, r *http.Request) {
		answered.Add(1)
		io.WriteString(w, "hello")
	})
	mux.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) {
		answered.Add(1)
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return // the generator has closed, its run is over
		}
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		w.Write(body)
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return netip.MustParseAddrPort(server.Listener.Addr().String()), &answered
}

// serveRaw gives every connection to talk, which closes it.
func serveRaw(t *testing.T, talk func(net.Conn)) netip.AddrPort {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go talk(c)
		}
	}()
	return netip.MustParseAddrPort(l.Addr().String())
}

func dial(t *testing.T, addr netip.AddrPort, groups ...Group) *Generator {
	t.Helper()
	g, err := Dial(addr, groups...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Close)
	return g
}

func mustRun(t *testing.T, g *Generator) []Tally {
	t.Helper()
	tallies, err := g.Run(context.Background(), run)
	if err != nil {
		t.Fatal(err)
	}
	return tallies
}

func TestEveryRightResponseIsCountedOnce(t *testing.T) {
	echo := "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 4096\r\n\r\n" + strings.Repeat("x", 4096)
	for _, test := range []struct {
		name  string
		group Group
	}{
		{"keep-alive", Group{Conns: 8, Request: []byte(hello), BodyLength: 5}},
		{"pipelined", Group{Conns: 4, Request: []byte(hello), BodyLength: 5, Depth: 16}},
		{"echo of 4 kB", Group{Conns: 4, Request: []byte(echo), BodyLength: 4096}},
		{"new connections", Group{Conns: 4, Request: []byte(helloClose), BodyLength: 5, Reconnect: true}},
	} {
		t.Run(test.name, func(t *testing.T) {
			addr, answered := serve(t)
			tally := mustRun(t, dial(t, addr, test.group))[0]
			if tally.Requests < 20 || tally.Errors != nil {
				t.Fatalf("%d requests, errors %v; want some and none", tally.Requests, tally.Errors)
			}
			onTheWay := uint64(test.group.Conns * max(test.group.Depth, 1))
			if n := answered.Load(); tally.Requests > n || tally.Requests+onTheWay < n {
				t.Errorf("counted %d, the server answered %d and %d can be on the way", tally.Requests, n, onTheWay)
			}
			if n := tally.Latency.TotalCount(); uint64(n) != tally.Requests {
				t.Errorf("%d latencies for %d requests", n, tally.Requests)
			}
		})
	}
}

func TestRunsShareConnectionsButNotTallies(t *testing.T) {
	addr, answered := serve(t)
	g := dial(t, addr, Group{Conns: 2, Request: []byte(hello), BodyLength: 5})
	first, second := mustRun(t, g)[0], mustRun(t, g)[0]
	if sum, n := first.Requests+second.Requests, answered.Load(); sum > n || sum+2 < n {
		t.Errorf("counted %d + %d, the server answered %d", first.Requests, second.Requests, n)
	}
}

func TestGroupsAreCountedApart(t *testing.T) {
	addr, _ := serve(t)
	tallies := mustRun(t, dial(t, addr,
		Group{Conns: 2, Request: []byte(hello), BodyLength: 5},
		Group{Conns: 2, Request: []byte("GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n"), BodyLength: 5},
	))
	if tallies[0].Requests == 0 || tallies[0].Errors != nil {
		t.Errorf("first group: %d requests, errors %v", tallies[0].Requests, tallies[0].Errors)
	}
	if tallies[1].Requests != 0 || tallies[1].Errors["status 404"] == 0 {
		t.Errorf("second group: %d requests, errors %v; want only status 404", tallies[1].Requests, tallies[1].Errors)
	}
}

func TestAWrongLengthIsAnError(t *testing.T) {
	addr, _ := serve(t)
	tally := mustRun(t, dial(t, addr, Group{Conns: 1, Request: []byte(hello), BodyLength: 6}))[0]
	if tally.Requests != 0 || tally.Errors["length 5"] == 0 {
		t.Errorf("%d requests, errors %v; want only length 5", tally.Requests, tally.Errors)
	}
}

func TestAResponseMayComeByteByByte(t *testing.T) {
	addr := serveRaw(t, func(c net.Conn) {
		defer c.Close()
		r := bufio.NewReader(c)
		for {
			if _, err := http.ReadRequest(r); err != nil {
				return
			}
			for _, b := range []byte("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok") {
				if _, err := c.Write([]byte{b}); err != nil {
					return
				}
			}
		}
	})
	tally := mustRun(t, dial(t, addr, Group{Conns: 2, Request: []byte(hello), BodyLength: 2}))[0]
	if tally.Requests == 0 || tally.Errors != nil {
		t.Errorf("%d requests, errors %v; want some and none", tally.Requests, tally.Errors)
	}
}

func TestAConnectionThatBreaksIsCountedAndDialedAgain(t *testing.T) {
	var conns atomic.Int64
	addr := serveRaw(t, func(c net.Conn) {
		defer c.Close()
		breaks := conns.Add(1) <= 3 // after one answer, though keep-alive was promised
		for r := bufio.NewReader(c); ; {
			if _, err := http.ReadRequest(r); err != nil {
				return
			}
			fmt.Fprint(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
			if breaks {
				return
			}
		}
	})
	tally := mustRun(t, dial(t, addr, Group{Conns: 1, Request: []byte(hello), BodyLength: 2}))[0]
	if tally.Requests < 2 {
		t.Errorf("%d requests, want those of several connections", tally.Requests)
	}
	if len(tally.Errors) == 0 {
		t.Error("no errors, want the closes")
	}
}

func TestAServerThatNeverAnswersEndsTheRunInTime(t *testing.T) {
	addr := serveRaw(t, func(c net.Conn) {
		defer c.Close()
		io.Copy(io.Discard, c)
	})
	g := dial(t, addr, Group{Conns: 2, Request: []byte(hello), BodyLength: 2})
	start := time.Now()
	tally := mustRun(t, g)[0]
	if took := time.Since(start); took > 10*run {
		t.Errorf("run of %v took %v", run, took)
	}
	if tally.Requests != 0 || tally.Errors != nil {
		t.Errorf("%d requests, errors %v; want nothing", tally.Requests, tally.Errors)
	}
}

func TestAServerThatOnlyBreaksEndsTheRunWithAnError(t *testing.T) {
	addr := serveRaw(t, func(c net.Conn) { c.Close() })
	g := dial(t, addr, Group{Conns: 4, Request: []byte(hello), BodyLength: 2})
	if _, err := g.Run(context.Background(), 30*time.Second); err == nil {
		t.Error("no error from a server that only closes")
	}
}

func TestADoneContextEndsTheRun(t *testing.T) {
	addr, _ := serve(t)
	g := dial(t, addr, Group{Conns: 1, Request: []byte(hello), BodyLength: 5})
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := g.Run(ctx, 30*time.Second); err != context.Canceled {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
}

func TestAClosedLoopDoesNotWait(t *testing.T) {
	closed, paced := new(group), &group{interval: time.Second}
	if wait, err := (&Generator{groups: []*group{closed}}).pace(0); wait != 0 || err != nil {
		t.Errorf("a closed loop waits %v, %v", wait, err)
	}
	if wait, err := (&Generator{groups: []*group{paced, closed}}).pace(0); wait == 0 || err != nil {
		t.Errorf("a loop with a rate waits %v, %v", wait, err)
	}
}

func TestAGroupThatMakesNoSenseIsRefused(t *testing.T) {
	addr, _ := serve(t)
	for _, group := range []Group{
		{Conns: 0, Request: []byte(hello)},
		{Conns: 1, Request: []byte("GET / HTTP/1.1\r\n")},
		{Conns: 1, Request: []byte(helloClose), Depth: 2, Reconnect: true},
	} {
		if g, err := Dial(addr, group); err == nil {
			g.Close()
			t.Errorf("Dial took %+v", group)
		}
	}
}

func TestIdleConnectionsStayOpenAfterTheirAnswer(t *testing.T) {
	addr, answered := serve(t)
	idle, err := OpenIdle(context.Background(), addr, 20, Ask([]byte(hello), 5))
	if err != nil {
		t.Fatal(err)
	}
	defer idle.Close()
	if n := answered.Load(); n != 20 {
		t.Errorf("%d answers, want 20", n)
	}
	if n := len(idle.sockets); n != 20 {
		t.Errorf("%d connections, want 20", n)
	}
}

func TestAWrongAnswerEndsTheOpeningOfIdleConnections(t *testing.T) {
	addr, _ := serve(t)
	if idle, err := OpenIdle(context.Background(), addr, 1, Ask([]byte(hello), 6)); err == nil {
		idle.Close()
		t.Error("no error for a body of 5 bytes where 6 were wanted")
	}
}
