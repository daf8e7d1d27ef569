// Command coder is the WebSocket benchmark server on coder/websocket.
package main

import (
	"flag"
	"io"
	"log"
	"net/http"
	"sync"

	"github.com/coder/websocket"
)

// messageLimit is the largest message in bytes.
const messageLimit = 16 << 20

func main() {
	addr := flag.String("addr", "127.0.0.1:8080", "address to listen on")
	flag.Parse()

	members := &members{conns: make(map[*websocket.Conn]struct{})}
	http.HandleFunc("GET /ws/echo", echo)
	http.HandleFunc("GET /ws/topic", members.join)
	http.HandleFunc("POST /publish", members.publish)
	log.Fatal(http.ListenAndServe(*addr, nil))
}

// echo sends each message back.
func echo(w http.ResponseWriter, r *http.Request) {
	c, err := websocket.Accept(w, r, nil)
	if err != nil {
		return // it has answered
	}
	defer c.CloseNow()
	c.SetReadLimit(messageLimit)
	for {
		kind, message, err := c.Read(r.Context())
		if err != nil {
			return
		}
		if err := c.Write(r.Context(), kind, message); err != nil {
			return
		}
	}
}

// members is the one topic. The publisher writes to one member after the other, which is the cheapest way, and in favour of this server: a
// member that does not read holds up all others.
type members struct {
	mu    sync.Mutex
	conns map[*websocket.Conn]struct{}
}

func (m *members) join(w http.ResponseWriter, r *http.Request) {
	c, err := websocket.Accept(w, r, nil)
	if err != nil {
		return // it has answered
	}
	defer c.CloseNow()
	m.mu.Lock()
	m.conns[c] = struct{}{}
	m.mu.Unlock()
	defer func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		delete(m.conns, c)
	}()
	for {
		if _, _, err := c.Read(r.Context()); err != nil {
			return
		}
	}
}

func (m *members) publish(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for c := range m.conns {
		// The member's own loop finds out when the connection has ended.
		_ = c.Write(r.Context(), websocket.MessageText, body)
	}
	w.WriteHeader(http.StatusNoContent)
}
