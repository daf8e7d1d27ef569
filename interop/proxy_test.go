package interop

import (
	"bufio"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"

	"github.com/hyperlane-go/hyperlane"
)

// proxyTo returns a reverse proxy in front of addr.
func proxyTo(addr string) *httputil.ReverseProxy {
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: addr})
	proxy.ErrorLog = log.New(io.Discard, "", 0)
	proxy.Transport = &http.Transport{DisableCompression: true, DisableKeepAlives: true}
	return proxy
}

// A backend answers on these paths, as the tests of the proxies want it.
func backend(next chan struct{}) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Method", r.Method)
		io.Copy(w, r.Body)
	})
	mux.HandleFunc("/stream", func(w http.ResponseWriter, r *http.Request) {
		for i := range 3 {
			fmt.Fprintln(w, i)
			w.(http.Flusher).Flush()
			<-next
		}
	})
	mux.HandleFunc("/hints", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Link", "</a>")
		w.WriteHeader(http.StatusEarlyHints)
	})
	mux.HandleFunc("/trailer", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Trailer", "X-Sum")
		io.WriteString(w, "body")
		w.Header().Set("X-Sum", "1")
		w.Header().Set(http.TrailerPrefix+"X-Late", "2")
	})
	mux.HandleFunc("/cut", func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "half")
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	})
	mux.HandleFunc("/early", func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, "unread", http.StatusForbidden)
	})
	mux.HandleFunc("/hang", func(w http.ResponseWriter, r *http.Request) {
		next <- struct{}{}
		<-r.Context().Done()
		next <- struct{}{}
	})
	mux.HandleFunc("/ws", echoWebSocket)
	return mux
}

func TestOurServerIsAProxyInFrontOfNetHTTP(t *testing.T) {
	for _, driver := range drivers() {
		t.Run(driver, func(t *testing.T) {
			next := make(chan struct{})
			proxy := proxyTo(serveStd(t, backend(next)))
			proxy.FlushInterval = -1
			addr := serve(t, driver, func(s *hyperlane.Server) { s.Any("/{path...}", hyperlane.FromHTTP(proxy)) })
			testProxy(t, "http://"+addr, next, driver != "nethttp")
		})
	}
}

func TestAProxyOfNetHTTPStandsInFrontOfOurServer(t *testing.T) {
	for _, driver := range drivers() {
		t.Run(driver, func(t *testing.T) {
			next := make(chan struct{})
			behind := backend(next)
			addr := serve(t, driver, func(s *hyperlane.Server) { s.Any("/{path...}", hyperlane.FromHTTP(behind)) })
			testProxy(t, "http://"+serveStd(t, proxyTo(addr)), next, false)
		})
	}
}

// testProxy talks through a proxy at base. Ours says that we have the connection to it: net/http's server, before an answer leaves, waits
// for an unread body's end, and takes what comes of it away from the handler.
func testProxy(t *testing.T, base string, next chan struct{}, ours bool) {
	big := strings.Repeat("0123456789abcdef", 1<<16)
	bodies := map[string]io.Reader{
		"small with a length":    strings.NewReader("hello"),
		"small without a length": io.MultiReader(strings.NewReader("hello")),
	}
	if ours {
		bodies["large with a length"] = strings.NewReader(big)
		bodies["large without a length"] = io.MultiReader(strings.NewReader(big))
	}
	for name, body := range bodies {
		t.Run("body "+name, func(t *testing.T) {
			resp := do(t, client(t, false), request(t, "PUT", base+"/echo", body))
			want(t, "method", resp.Header.Get("X-Method"), "PUT")
			whole := big
			if strings.HasPrefix(name, "small") {
				whole = "hello"
			}
			if got := text(t, resp.Body); got != whole {
				t.Errorf("got %d bytes, want %d", len(got), len(whole))
			}
		})
	}
	t.Run("streams as it comes", func(t *testing.T) {
		resp := do(t, client(t, false), request(t, "GET", base+"/stream", nil))
		lines := bufio.NewScanner(resp.Body)
		for i := range 3 {
			if !lines.Scan() {
				t.Fatalf("ended before line %d: %v", i, lines.Err())
			}
			want(t, "line", lines.Text(), fmt.Sprint(i))
			next <- struct{}{}
		}
		want(t, "end", lines.Scan(), false)
	})
	t.Run("interim responses", func(t *testing.T) {
		hints, resp := interim(t, client(t, false), base+"/hints")
		want(t, "interim responses", hints, "103 </a>,")
		want(t, "status", resp.StatusCode, 200)
	})
	t.Run("trailers", func(t *testing.T) {
		resp := do(t, client(t, false), request(t, "GET", base+"/trailer", nil))
		want(t, "body", text(t, resp.Body), "body")
		want(t, "announced", resp.Trailer.Get("X-Sum"), "1")
		want(t, "late", resp.Trailer.Get("X-Late"), "2")
	})
	t.Run("a response that is cut off stays so", func(t *testing.T) {
		resp := do(t, client(t, false), request(t, "GET", base+"/cut", nil))
		if body, err := io.ReadAll(resp.Body); err == nil {
			t.Errorf("got %q as if that were all", body)
		}
	})
	if ours {
		t.Run("an answer before the body", func(t *testing.T) {
			from, to := io.Pipe()
			defer to.Close()
			resp := do(t, client(t, false), request(t, "POST", base+"/early", io.MultiReader(strings.NewReader(big[:100_000]), from)))
			want(t, "status", resp.StatusCode, http.StatusForbidden)
		})
	}
	t.Run("a client that goes away", func(t *testing.T) {
		r := request(t, "GET", base+"/hang", nil)
		ctx, cancel := contextOf(r)
		go func() {
			if resp, err := client(t, false).Do(r.WithContext(ctx)); err == nil {
				resp.Body.Close()
			}
		}()
		await(t, "the backend is asked", next)
		cancel()
		await(t, "the backend hears of it", next)
	})
	t.Run("a WebSocket", func(t *testing.T) { talkWebSocket(t, "ws"+strings.TrimPrefix(base, "http")+"/ws") })
}
