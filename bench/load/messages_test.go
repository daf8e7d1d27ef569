//go:build linux

package load

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// serveEcho starts a WebSocket server that sends back what change makes of each message, and counts them.
func serveEcho(t *testing.T, change func([]byte) []byte) (netip.AddrPort, *atomic.Uint64) {
	t.Helper()
	var upgrader websocket.Upgrader
	var echoed atomic.Uint64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := upgrader.Upgrade(w, r, nil)
		if err != nil {
			return
		}
		defer c.Close()
		for {
			kind, message, err := c.ReadMessage()
			if err != nil {
				return
			}
			echoed.Add(1)
			if c.WriteMessage(kind, change(message)) != nil {
				return
			}
		}
	}))
	t.Cleanup(server.Close)
	return netip.MustParseAddrPort(server.Listener.Addr().String()), &echoed
}

func same(b []byte) []byte { return b }

func messages(payload []byte, conns int) Group {
	return Group{Conns: conns, Upgrade: Upgrade("x", "/"), Request: ClientFrame(Binary, payload), Answer: ServerFrame(Binary, payload)}
}

func TestEveryEchoIsCountedOnce(t *testing.T) {
	for _, size := range []int{0, 16, 1 << 10, 64 << 10} {
		addr, echoed := serveEcho(t, same)
		tally := mustRun(t, dial(t, addr, messages(bytes.Repeat([]byte("x"), size), 4)))[0]
		if tally.Requests < 20 || tally.Errors != nil {
			t.Fatalf("%d bytes: %d messages, errors %v; want some and none", size, tally.Requests, tally.Errors)
		}
		if n := echoed.Load(); tally.Requests > n || tally.Requests+4 < n {
			t.Errorf("%d bytes: counted %d, the server sent %d, and 4 can be on the way", size, tally.Requests, n)
		}
	}
}

func TestAnEchoOfSomethingElseIsAnError(t *testing.T) {
	for name, change := range map[string]func([]byte) []byte{
		"other bytes": bytes.ToUpper,
		"shorter":     func(b []byte) []byte { return b[1:] },
	} {
		addr, _ := serveEcho(t, change)
		g := dial(t, addr, messages([]byte("hello"), 1))
		if tallies, err := g.Run(context.Background(), 10*time.Second); err == nil {
			t.Errorf("%s: %d messages, errors %v; want the end of the run", name, tallies[0].Requests, tallies[0].Errors)
		} else if !strings.Contains(err.Error(), errDiffers.Error()) {
			t.Errorf("%s: error %q, want %q", name, err, errDiffers)
		}
	}
}

func TestARefusedUpgradeIsAnError(t *testing.T) {
	addr, _ := serve(t)
	if _, err := dial(t, addr, messages([]byte("hello"), 1)).Run(context.Background(), 10*time.Second); err == nil ||
		!strings.Contains(err.Error(), "404") {
		t.Errorf("got %v, want an error about 404", err)
	}
}

func TestManyConnectionsAreOpenedInWaves(t *testing.T) {
	addr, echoed := serveEcho(t, same)
	dial(t, addr, messages([]byte("hello"), 2*wave+1))
	if n := echoed.Load(); n < 2*wave {
		t.Errorf("%d messages were answered during Dial, want one for each of %d connections", n, 2*wave)
	}
}

func TestARateIsKeptAndALateAnswerCountsFromWhenItWasDue(t *testing.T) {
	var slow sync.Mutex // held while the server answers nobody
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		slow.Lock()
		defer slow.Unlock()
		w.Write([]byte("hello"))
	}))
	t.Cleanup(server.Close)
	g := dial(t, netip.MustParseAddrPort(server.Listener.Addr().String()),
		Group{Conns: 2, Request: []byte(hello), BodyLength: 5, Rate: 1000})
	mustRun(t, g) // so that all connections have been answered once
	tallies, err := g.Run(context.Background(), time.Second)
	if err != nil {
		t.Fatal(err)
	}
	if n := tallies[0].Requests; n > 1010 || n < 500 {
		t.Errorf("%d requests in a second, want about 1000 and no more", n)
	}

	// Nobody is answered for 300 ms, in which 300 requests are due, of which only two can be sent.
	slow.Lock()
	time.AfterFunc(300*time.Millisecond, slow.Unlock)
	if tallies, err = g.Run(context.Background(), time.Second); err != nil {
		t.Fatal(err)
	}
	if late := time.Duration(tallies[0].Latency.ValueAtQuantile(85)); late < 100*time.Millisecond {
		t.Errorf("the latest 15 of 100 requests took over %v, want at least 100 ms: the time in which they could not be sent counts", late)
	}
}

// serveTopic starts a topic of event streams that drops the message with the number in drop for one member.
func serveTopic(t *testing.T, drop int) netip.AddrPort {
	t.Helper()
	var mu sync.Mutex
	var members []chan string
	published := 0
	mux := http.NewServeMux()
	mux.HandleFunc("GET /topic", func(w http.ResponseWriter, r *http.Request) {
		events := make(chan string, 8)
		mu.Lock()
		members = append(members, events)
		mu.Unlock()
		w.(http.Flusher).Flush()
		for {
			select {
			case event := <-events:
				w.Write([]byte(event))
				w.(http.Flusher).Flush()
			case <-r.Context().Done():
				return
			}
		}
	})
	mux.HandleFunc("POST /publish", func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		published++
		for i, m := range members {
			if i > 0 || published != drop {
				m <- "<hello>\n\n"
			}
		}
		w.WriteHeader(http.StatusNoContent)
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return netip.MustParseAddrPort(server.Listener.Addr().String())
}

var topic = FanOut{
	Members: 8,
	Join:    []byte("GET /topic HTTP/1.1\r\nHost: x\r\n\r\n"),
	Status:  200,
	Publish: []byte("POST /publish HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"),
	Payload: []byte("<hello>"),
}

func TestEveryDeliveryIsCountedOnce(t *testing.T) {
	a, err := Join(context.Background(), serveTopic(t, 0), topic)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	before := a.rounds
	tally, err := a.Run(context.Background(), run)
	if err != nil {
		t.Fatal(err)
	}
	if want := 8 * (a.rounds - before); tally.Requests != want || want == 0 {
		t.Errorf("%d deliveries to 8 members in %d rounds, want %d", tally.Requests, a.rounds-before, want)
	}
	if n := tally.Latency.TotalCount(); uint64(n) != tally.Requests {
		t.Errorf("%d latencies for %d deliveries", n, tally.Requests)
	}
}

func TestAMissedMessageEndsTheRun(t *testing.T) {
	a, err := Join(context.Background(), serveTopic(t, 5), topic)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	if err := a.round(context.Background(), newTally(), run); err != nil {
		t.Fatal(err)
	}
	for range 4 {
		if err = a.round(context.Background(), newTally(), run); err != nil {
			break
		}
	}
	if err == nil || !strings.Contains(err.Error(), "1 "+errMissed.Error()) {
		t.Errorf("got %v, want that 1 %v", err, errMissed)
	}
}

func TestAPayloadIsFoundHoweverItIsCut(t *testing.T) {
	const stream = "id: 1\ndata: <hello>\n\n5\r\n<hel<hello>\r\n<h"
	for cut := range len(stream) + 1 {
		var m member
		m.receive([]byte(stream[:cut]), topic.Payload)
		m.receive([]byte(stream[cut:]), topic.Payload)
		if m.received != 2 {
			t.Errorf("cut at %d: %d payloads, want 2", cut, m.received)
		}
	}
	var m member
	for i := range len(stream) {
		m.receive([]byte{stream[i]}, topic.Payload)
	}
	if m.received != 2 {
		t.Errorf("byte by byte: %d payloads, want 2", m.received)
	}
}

func TestIdleConnectionsAreGreeted(t *testing.T) {
	echo, _ := serveEcho(t, same)
	greet := func(answer string) Greeting {
		return Echo(Upgrade("x", "/"), ClientFrame(Text, []byte("hi")), ServerFrame(Text, []byte(answer)))
	}
	for name, test := range map[string]struct {
		addr  netip.AddrPort
		greet Greeting
		ok    bool
	}{
		"a WebSocket":                {echo, greet("hi"), true},
		"a WebSocket of other words": {echo, greet("ho"), false},
		"an event stream":            {serveTopic(t, 0), Follow(topic.Join), true},
		"a stream that is not there": {serveTopic(t, 0), Follow([]byte(hello)), false},
	} {
		idle, err := OpenIdle(context.Background(), test.addr, 3, test.greet)
		if (err == nil) != test.ok {
			t.Errorf("%s: %v, want success: %v", name, err, test.ok)
		}
		if err == nil {
			idle.Close()
		}
	}
}
