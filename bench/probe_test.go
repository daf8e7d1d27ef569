//go:build linux

package main

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
)

func TestAProbeFindsAServerThatDoesLess(t *testing.T) {
	right := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Frame-Options", "DENY")
		if r.Header.Get("X-Client") == "blocked" {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		io.WriteString(w, "Hello, World!")
	}
	for _, test := range []struct {
		name    string
		handler http.HandlerFunc
		want    int // the length of the body; 0: refused
	}{
		{"right", right, 13},
		{"wrong status", http.NotFound, 0},
		{"wrong body", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Frame-Options", "DENY")
			io.WriteString(w, "Goodbye")
		}, 0},
		{"no date", func(w http.ResponseWriter, r *http.Request) {
			w.Header()["Date"] = nil
			right(w, r)
		}, 0},
		{"no length", func(w http.ResponseWriter, r *http.Request) {
			right(w, r)
			w.(http.Flusher).Flush()
		}, 0},
		{"no response middleware", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/plain")
			io.WriteString(w, "Hello, World!")
		}, 0},
		{"no request middleware", func(w http.ResponseWriter, r *http.Request) {
			r.Header.Del("X-Client")
			right(w, r)
		}, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			server := httptest.NewServer(test.handler)
			defer server.Close()
			addr := netip.MustParseAddrPort(server.Listener.Addr().String())
			got, err := probe(context.Background(), addr, dates, plaintext)
			if got != test.want || (err == nil) != (test.want > 0) {
				t.Errorf("probe = %d, %v; want %d", got, err, test.want)
			}
		})
	}
}

func TestAServerThatIsKnownToSendNoDateMayLeaveItOut(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header()["Date"] = nil
		w.Header().Set("X-Frame-Options", "DENY")
		if r.Header.Get("X-Client") == "blocked" {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		io.WriteString(w, "Hello, World!")
	}))
	defer server.Close()
	addr := netip.MustParseAddrPort(server.Listener.Addr().String())
	if _, err := probe(context.Background(), addr, framework&^dates, plaintext); err != nil {
		t.Error(err)
	}
}
