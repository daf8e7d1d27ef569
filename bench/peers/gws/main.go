// Command gws is the WebSocket benchmark server on lxzan/gws.
package main

import (
	"flag"
	"io"
	"log"
	"net/http"
	"sync"

	"github.com/lxzan/gws"
)

// messageLimit is the largest message in bytes.
const messageLimit = 16 << 20

func main() {
	addr := flag.String("addr", "127.0.0.1:8080", "address to listen on")
	flag.Parse()

	options := &gws.ServerOption{ReadMaxPayloadSize: messageLimit}
	members := &members{conns: make(map[*gws.Conn]struct{})}
	http.Handle("GET /ws/echo", serve(gws.NewUpgrader(echo{}, options)))
	http.Handle("GET /ws/topic", serve(gws.NewUpgrader(members, options)))
	http.Handle("POST /publish", members)
	log.Fatal(http.ListenAndServe(*addr, nil))
}

func serve(upgrader *gws.Upgrader) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		c, err := upgrader.Upgrade(w, r)
		if err != nil {
			return // it has answered
		}
		go c.ReadLoop() // and not here, so that net/http gives its buffers back
	}
}

// echo sends each message back.
type echo struct{ gws.BuiltinEventHandler }

func (echo) OnMessage(c *gws.Conn, m *gws.Message) {
	defer m.Close()
	// The read loop finds out when the connection has ended.
	_ = c.WriteMessage(m.Opcode, m.Bytes())
}

// members is the one topic. A message is framed once, and gws queues it for each member.
type members struct {
	gws.BuiltinEventHandler
	mu    sync.Mutex
	conns map[*gws.Conn]struct{}
}

func (m *members) OnOpen(c *gws.Conn) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.conns[c] = struct{}{}
}

func (m *members) OnClose(c *gws.Conn, _ error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.conns, c)
}

func (m *members) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	broadcaster := gws.NewBroadcaster(gws.OpcodeText, body)
	defer broadcaster.Close()
	m.mu.Lock()
	defer m.mu.Unlock()
	for c := range m.conns {
		// The read loop finds out when the connection has ended.
		_ = broadcaster.Broadcast(c)
	}
	w.WriteHeader(http.StatusNoContent)
}
