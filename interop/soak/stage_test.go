package soak

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hyperlane-go/hyperlane"
	"github.com/hyperlane-go/hyperlane/broadcast"
	"github.com/hyperlane-go/hyperlane/sse"
)

// stage is the servers of one leg, and what their handlers and clients share.
type stage struct {
	driver string
	addr   string // of the server that most clients talk to, which has patience with them
	hasty  string // of the one whose clients do nothing that it could wait for
	path   string // of a file with the bytes of content
	http   *http.Client

	servers []*server
	hub     *broadcast.Hub
	streams *sse.Source
	book    journal
	pulse   pulse

	serial    atomic.Int64  // of watches and topics
	published atomic.Int64  // number of the last message of the news
	watches   sync.Map      // id to *watch
	mutex     sync.Mutex    // that handlers wait for
	sockets   atomic.Int64  // WebSockets that have opened and not closed
	panics    atomic.Uint64 // that handlers have made
	exits     atomic.Uint64 // handlers that have ended their goroutine
}

// content is what the file has.
var content = ribbon{11, 3<<20 + 17}

// newStage starts the servers.
func newStage(t *testing.T, driver string) *stage {
	t.Helper()
	s := &stage{driver: driver, path: filepath.Join(t.TempDir(), "content.bin")}
	if err := os.WriteFile(s.path, []byte(content.text()), 0o600); err != nil {
		t.Fatal(err)
	}
	s.hub = newHub()
	s.streams = sse.NewSource(s.hub, sse.Config{})
	s.http = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 20, IdleConnTimeout: 10 * time.Second, DisableCompression: true}}
	config := hyperlane.Config{
		Driver: driver, Logger: s.book.logger(), Limits: hyperlane.Limits{Body: 16 << 20},
		HeadTimeout: patience, BodyTimeout: patience, IdleTimeout: patience, WriteTimeout: patience,
	}
	if driver == "nethttp" {
		config.Driver = "blocking" // what is upgraded leaves net/http for it
	}
	s.addr = s.start(t, config, &http.Server{})
	config.HeadTimeout, config.BodyTimeout, config.IdleTimeout, config.WriteTimeout = haste, haste, haste, haste
	config.MinBodyRate = -1
	// The WriteTimeout of net/http is for a whole exchange, and there must be time to tell that the body did not come.
	s.hasty = s.start(t, config, &http.Server{ReadTimeout: haste, IdleTimeout: haste, WriteTimeout: 4 * haste})
	return s
}

// server is one server of the stage.
type server struct {
	*hyperlane.Server
	std      *http.Server // has the connections, or is nil
	asked    atomic.Uint64
	finished atomic.Uint64
	conns    atomic.Int64 // of std
	served   chan error
}

func (s *stage) start(t *testing.T, config hyperlane.Config, std *http.Server) (addr string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	v := &server{Server: hyperlane.New(config), served: make(chan error, 1)}
	s.servers = append(s.servers, v)
	s.fill(v)
	if err := v.Validate(); err != nil {
		t.Fatal(err)
	}
	serve := v.Serve
	if s.driver == "nethttp" {
		v.std = std
		std.Handler, std.ErrorLog, std.ConnState = v, log.New(io.Discard, "", 0), v.count
		serve = std.Serve
	}
	go func() { v.served <- serve(ln) }()
	return ln.Addr().String()
}

// count keeps account of the connections of net/http.
func (v *server) count(_ net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		v.conns.Add(1)
	case http.StateClosed, http.StateHijacked:
		v.conns.Add(-1)
	}
}

// settle waits until the clients that have gone have left nothing behind in the servers.
func (s *stage) settle(t *testing.T) {
	t.Helper()
	var open, conns, flying, streams int64
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		open, conns, flying, streams = s.sockets.Load(), 0, 0, int64(s.streams.Streams())
		for _, v := range s.servers {
			total := v.Stats().Total
			conns += v.conns.Load() + int64(total.Connections)
			flying += int64(total.InFlight)
		}
		if open == 0 && conns == 0 && flying == 0 && streams == 0 {
			return
		}
	}
	t.Errorf("without clients: %d connections, %d requests in flight, %d WebSockets, %d event streams, want none", conns, flying, open, streams)
}

// checkStats compares what the servers have counted with what their handlers have.
func (s *stage) checkStats(t *testing.T) {
	t.Helper()
	var panics, finished, asked uint64
	for i, v := range s.servers {
		stats := v.Stats()
		if stats.Total.Requests != v.asked.Load() {
			t.Errorf("requests: the server has counted %d, its request phase %d", stats.Total.Requests, v.asked.Load())
		}
		if stats.Refused != 0 || stats.Shed != 0 || stats.AcceptFails != 0 {
			t.Errorf("%d connections refused, %d requests shed, %d failures to accept, want none", stats.Refused, stats.Shed, stats.AcceptFails)
		}
		var requests, accepted uint64
		for _, l := range stats.Loops {
			requests += l.Requests
			accepted += l.Accepted
		}
		if s.driver == "loop" && (requests != stats.Total.Requests || accepted != stats.Total.Accepted) {
			t.Errorf("the loops have counted %d requests and %d connections, in total there are %d and %d",
				requests, accepted, stats.Total.Requests, stats.Total.Accepted)
		}
		panics += stats.Total.Errors.Panics
		if timeouts, due := stats.Total.Errors.Timeouts, i == 1 && v.std == nil; due != (timeouts > 0) { // net/http has timeouts of its own
			t.Errorf("server %d has counted %d timeouts, want some: %t", i, timeouts, due)
		}
		asked += v.asked.Load()
		finished += v.finished.Load()
		t.Logf("%d connections, %d requests, %+v, %d hand-overs", stats.Total.Accepted, stats.Total.Requests, stats.Total.Errors, stats.Total.HandOvers)
	}
	if panics != s.panics.Load() {
		t.Errorf("panics: the servers have counted %d, the handlers %d", panics, s.panics.Load())
	}
	if exits := s.exits.Load(); finished+exits != asked {
		t.Errorf("%d requests have begun, %d have finished, and %d handlers have ended their goroutine", asked, finished, exits)
	}
	s.book.check(t)
}

// shutDown ends the servers in an orderly way.
func (s *stage) shutDown(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for _, v := range s.servers {
		if v.std != nil {
			if err := v.std.Shutdown(ctx); err != nil {
				t.Errorf("the shutdown of net/http: %v", err)
			}
		}
		if err := v.Shutdown(ctx); err != nil {
			t.Errorf("the shutdown: %v", err)
		}
		if err, slow := within("the end of Serve", v.served); slow != nil || !errors.Is(err, http.ErrServerClosed) {
			t.Errorf("Serve: %v, %v", err, slow)
		}
	}
	if err := s.hub.Close(ctx); err != nil {
		t.Errorf("the hub: %v", err)
	}
}
