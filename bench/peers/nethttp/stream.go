package main

import (
	"bytes"
	"io"
	"net/http"
	"sync"
)

// streams is the one topic: a goroutine and a channel for each event stream.
type streams struct {
	mu      sync.Mutex
	members map[chan []byte]struct{}
}

func (s *streams) follow(w http.ResponseWriter, r *http.Request) {
	events := make(chan []byte, 16)
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	s.mu.Lock()
	s.members[events] = struct{}{}
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.members, events)
	}()
	rc := http.NewResponseController(w)
	if rc.Flush() != nil {
		return
	}
	for {
		select {
		case event := <-events:
			if _, err := w.Write(event); err != nil {
				return
			}
			if rc.Flush() != nil {
				return
			}
		case <-r.Context().Done():
			return
		}
	}
}

// publish encodes the body once. A member that has no room misses it.
func (s *streams) publish(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	event := append(append([]byte("data: "), bytes.ReplaceAll(body, []byte("\n"), []byte("\ndata: "))...), "\n\n"...)
	s.mu.Lock()
	defer s.mu.Unlock()
	for events := range s.members {
		select {
		case events <- event:
		default:
		}
	}
	w.WriteHeader(http.StatusNoContent)
}
