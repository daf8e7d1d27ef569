// Command nethttp is the benchmark server on the standard library alone.
package main

import (
	"encoding/json"
	"flag"
	"io"
	"log"
	"net/http"
	"strconv"
	"time"

	"github.com/hyperlane-go/hyperlane/bench/router"
	"github.com/hyperlane-go/hyperlane/bench/spin"
)

type message struct {
	Message string `json:"message"`
	ID      int    `json:"id"`
}

func main() {
	addr := flag.String("addr", "127.0.0.1:8080", "address to listen on")
	routes := flag.Int("routes", 0, "how many further routes there are")
	flag.Parse()

	mux := http.NewServeMux()
	mux.HandleFunc("GET /plaintext", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		io.WriteString(w, "Hello, World!")
	})
	mux.HandleFunc("GET /json", func(w http.ResponseWriter, r *http.Request) {
		body, err := json.Marshal(message{"Hello, World!", 42})
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Write(body)
	})
	mux.HandleFunc("GET /users/{id}", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		io.WriteString(w, r.PathValue("id"))
	})
	mux.HandleFunc("POST /echo", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "application/octet-stream")
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		w.Write(body)
	})
	mux.HandleFunc("GET /sleep/{ms}", func(w http.ResponseWriter, r *http.Request) {
		ms, err := strconv.Atoi(r.PathValue("ms"))
		if err != nil {
			http.Error(w, "not a number", http.StatusBadRequest)
			return
		}
		time.Sleep(time.Duration(ms) * time.Millisecond)
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		io.WriteString(w, r.PathValue("ms"))
	})
	mux.HandleFunc("GET /spin/{ms}", func(w http.ResponseWriter, r *http.Request) {
		ms, err := strconv.Atoi(r.PathValue("ms"))
		if err != nil {
			http.Error(w, "not a number", http.StatusBadRequest)
			return
		}
		spin.For(time.Duration(ms) * time.Millisecond)
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		io.WriteString(w, r.PathValue("ms"))
	})
	for _, r := range router.Generate(*routes) {
		mux.HandleFunc(r.Method+" "+r.Pattern, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, r.Pattern) })
	}
	topic := &streams{members: make(map[chan []byte]struct{})}
	mux.HandleFunc("GET /sse/topic", topic.follow)
	mux.HandleFunc("POST /publish", topic.publish)
	log.Fatal(http.ListenAndServe(*addr, denyFrames(refuseBlocked(mux))))
}

// refuseBlocked is the request middleware.
func refuseBlocked(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Client") == "blocked" {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// denyFrames is the response middleware. It sets its field before the handler
// runs, because afterwards net/http may have sent the head.
func denyFrames(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Frame-Options", "DENY")
		next.ServeHTTP(w, r)
	})
}
