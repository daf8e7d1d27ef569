package interop

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"expvar"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/pprof"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/go-chi/chi/v5"
	"github.com/gorilla/mux"
	"github.com/hyperlane-go/hyperlane"
)

// mounted serves h on every path and method.
func mounted(h http.HandlerFunc) func(s *hyperlane.Server) {
	return func(s *hyperlane.Server) { s.Any("/{path...}", hyperlane.FromHTTP(h)) }
}

func TestHandlersOfTheStandardLibraryAnswerWhenMounted(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "digits.txt"), []byte("0123456789"), 0o600); err != nil {
		t.Fatal(err)
	}
	router := chi.NewRouter()
	router.Get("/chi/{name}", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "chi "+chi.URLParam(r, "name")) })
	gorilla := mux.NewRouter()
	gorilla.HandleFunc("/mux/{name}", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "mux "+mux.Vars(r)["name"]) })
	std := http.NewServeMux()
	std.HandleFunc("GET /std/{name}", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "std "+r.PathValue("name")) })
	slow := func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	echo := func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusRequestEntityTooLarge)
			return
		}
		w.Write(body)
	}
	onEachDriver(t, func(s *hyperlane.Server) {
		s.Get("/debug/vars", hyperlane.FromHTTP(expvar.Handler()))
		s.Get("/debug/pprof/", hyperlane.FromHTTP(http.HandlerFunc(pprof.Index)))
		s.Get("/debug/pprof/profile", hyperlane.FromHTTP(http.HandlerFunc(pprof.Profile)))
		s.Get("/debug/pprof/{name}", hyperlane.FromHTTP(http.HandlerFunc(pprof.Index)))
		s.Get("/files/{path...}", hyperlane.FromHTTP(http.StripPrefix("/files/", http.FileServer(http.Dir(dir)))))
		s.Get("/content", hyperlane.FromHTTP(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			http.ServeContent(w, r, "digits.txt", time.Unix(1e9, 0), strings.NewReader("0123456789"))
		})))
		s.Get("/timeout", hyperlane.FromHTTP(http.TimeoutHandler(http.HandlerFunc(slow), 20*time.Millisecond, "too slow")))
		s.Post("/small", hyperlane.FromHTTP(http.MaxBytesHandler(http.HandlerFunc(echo), 4)))
		protection := http.NewCrossOriginProtection()
		s.Post("/protected", hyperlane.FromHTTP(protection.Handler(http.HandlerFunc(echo))))
		s.Get("/chi/{path...}", hyperlane.FromHTTP(router))
		s.Get("/mux/{path...}", hyperlane.FromHTTP(gorilla))
		s.Get("/std/{path...}", hyperlane.FromHTTP(std))
		s.Get("/values/{id}/{rest...}", hyperlane.FromHTTP(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, r.PathValue("id"), " ", r.PathValue("rest"), " ", r.Pattern)
		})))
	}, func(t *testing.T, addr string) {
		for _, test := range []struct {
			method, target, body string
			fields               []string // of the request, names and values
			status               int
			answer               string // begins the body
			answered             string // a field of the response, "Name: value"
		}{
			{"GET", "/debug/vars", "", nil, 200, "{\n", "Content-Type: application/json; charset=utf-8"},
			{"GET", "/debug/pprof/", "", nil, 200, "<html>", "Content-Type: text/html; charset=utf-8"},
			{"GET", "/debug/pprof/goroutine?debug=1", "", nil, 200, "goroutine profile:", ""},
			{"GET", "/debug/pprof/profile?seconds=1", "", nil, 200, "\x1f\x8b", "Content-Type: application/octet-stream"},
			{"GET", "/files/digits.txt", "", nil, 200, "0123456789", "Content-Length: 10"},
			{"GET", "/files/digits.txt", "", []string{"Range", "bytes=2-4"}, 206, "234", "Content-Range: bytes 2-4/10"},
			{"GET", "/files/digits.txt", "", []string{"Range", "bytes=0-1,8-9"}, 206, "--", ""},
			{"GET", "/files/digits.txt", "", []string{"Range", "bytes=20-"}, 416, "invalid range", "Content-Range: bytes */10"},
			{"HEAD", "/files/digits.txt", "", nil, 200, "", "Content-Length: 10"},
			{"GET", "/files/", "", nil, 200, "<!doctype html>", ""},
			{"GET", "/content", "", []string{"If-Modified-Since", time.Unix(1e9, 0).UTC().Format(http.TimeFormat)}, 304, "", ""},
			{"GET", "/content", "", []string{"Range", "bytes=-3"}, 206, "789", "Content-Length: 3"},
			{"GET", "/timeout", "", nil, 503, "too slow", ""},
			{"POST", "/small", "four", nil, 200, "four", ""},
			{"POST", "/small", "fiver", nil, 413, "http: request body too large", ""},
			{"POST", "/protected", "x", []string{"Sec-Fetch-Site", "same-origin"}, 200, "x", ""},
			{"POST", "/protected", "x", []string{"Sec-Fetch-Site", "cross-site"}, 403, "cross-origin", ""},
			{"GET", "/chi/a", "", nil, 200, "chi a", "Content-Type: text/plain; charset=utf-8"},
			{"GET", "/mux/a", "", nil, 200, "mux a", ""},
			{"GET", "/std/a", "", nil, 200, "std a", ""},
			{"GET", "/values/7/a/b", "", nil, 200, "7 a/b /values/{id}/{rest...}", ""},
		} {
			var body io.Reader
			if test.body != "" {
				body = strings.NewReader(test.body)
			}
			resp := do(t, client(t, false), request(t, test.method, "http://"+addr+test.target, body, test.fields...))
			what := test.method + " " + test.target
			want(t, what+": status", resp.StatusCode, test.status)
			if answer := text(t, resp.Body); !strings.HasPrefix(answer, test.answer) {
				t.Errorf("%s: got body %.100q, want it to begin with %q", what, answer, test.answer)
			}
			if name, value, ok := strings.Cut(test.answered, ": "); ok {
				want(t, what+": "+name, resp.Header.Get(name), value)
			}
		}
	})
}

func TestAWebSocketEchoesThroughAMountedHandler(t *testing.T) {
	onEachDriver(t, mounted(echoWebSocket), func(t *testing.T, addr string) { talkWebSocket(t, "ws://"+addr+"/ws") })
}

// echoWebSocket sends back the messages of one WebSocket until it ends.
func echoWebSocket(w http.ResponseWriter, r *http.Request) {
	conn, err := websocket.Accept(w, r, nil)
	if err != nil {
		return // Accept has answered
	}
	defer conn.CloseNow()
	conn.SetReadLimit(1 << 20)
	for {
		kind, message, err := conn.Read(context.Background())
		if err != nil || conn.Write(context.Background(), kind, message) != nil {
			return
		}
	}
}

// talkWebSocket has some messages echoed.
func talkWebSocket(t *testing.T, url string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	conn, _, err := websocket.Dial(ctx, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.CloseNow()
	conn.SetReadLimit(1 << 20)
	for _, message := range []string{"", "short", strings.Repeat("long", 100_000)} {
		if err := conn.Write(ctx, websocket.MessageText, []byte(message)); err != nil {
			t.Fatal(err)
		}
		_, echo, err := conn.Read(ctx)
		if err != nil || string(echo) != message {
			t.Fatalf("got %.20q, %v; want %.20q", echo, err, message)
		}
	}
	if err := conn.Close(websocket.StatusNormalClosure, ""); err != nil {
		t.Errorf("close: %v", err)
	}
}

func TestWhatAMountedHandlerWritesIsAnsweredAsNetHTTPWould(t *testing.T) {
	type W = http.ResponseWriter
	type R = *http.Request
	tests := []struct {
		name    string
		method  string
		handler http.HandlerFunc
		// fields are the fields of the response that must be as net/http has them, besides status and body.
		fields []string
	}{
		{"an empty handler", "GET", func(W, R) {}, []string{"Content-Length"}},
		{"sniffed text", "GET", func(w W, r R) { io.WriteString(w, "text") }, []string{"Content-Length", "Content-Type"}},
		{"sniffed HTML", "GET", func(w W, r R) { io.WriteString(w, "<html>") }, []string{"Content-Length", "Content-Type"}},
		{"a type that was set", "GET", func(w W, r R) { w.Header().Set("Content-Type", "a/b"); io.WriteString(w, "<html>") }, []string{"Content-Type"}},
		{"no type, as told", "GET", func(w W, r R) { w.Header()["Content-Type"] = nil; io.WriteString(w, "<html>") }, []string{"Content-Type"}},
		{"HEAD of a short body", "HEAD", func(w W, r R) { io.WriteString(w, "text") }, []string{"Content-Length", "Content-Type"}},
		{"HEAD without a write", "HEAD", func(w W, r R) {}, []string{"Content-Length"}},
		{"HEAD with a length", "HEAD", func(w W, r R) { w.Header().Set("Content-Length", "7") }, []string{"Content-Length"}},
		{"204", "GET", func(w W, r R) { w.WriteHeader(204); fmt.Fprint(w, "no") }, []string{"Content-Length", "Transfer-Encoding"}},
		{"304", "GET", func(w W, r R) { w.Header().Set("ETag", `"a"`); w.WriteHeader(304) }, []string{"Content-Length", "ETag"}},
		{"WriteHeader twice", "GET", func(w W, r R) { w.WriteHeader(201); w.WriteHeader(500) }, nil},
		{"a field too late", "GET", func(w W, r R) { w.WriteHeader(201); w.Header().Set("X-Late", "1") }, []string{"X-Late"}},
		{"a line break in a field", "GET", func(w W, r R) { w.Header().Set("X-A", "a\r\nX-B: b") }, []string{"X-A", "X-B"}},
		{"an error", "GET", func(w W, r R) { http.Error(w, "teapot", http.StatusTeapot) }, []string{"Content-Type", "X-Content-Type-Options"}},
		{"a redirect", "GET", func(w W, r R) { http.Redirect(w, r, "../x", http.StatusFound) }, []string{"Location", "Content-Type"}},
		{"not found", "GET", http.NotFound, []string{"Content-Type"}},
		{"a long body", "GET", func(w W, r R) { io.WriteString(w, strings.Repeat("x", 1<<20)) }, nil},
		{"a long body with a length", "GET", func(w W, r R) {
			w.Header().Set("Content-Length", "1048576")
			io.WriteString(w, strings.Repeat("x", 1<<20))
		}, []string{"Content-Length"}},
		{"more than was declared", "GET", func(w W, r R) {
			w.Header().Set("Content-Length", "4")
			io.WriteString(w, "four")
			if _, err := io.WriteString(w, "five"); err != http.ErrContentLength {
				t.Error(err)
			}
		}, []string{"Content-Length"}},
		{"an announced trailer", "GET", func(w W, r R) {
			w.Header().Set("Trailer", "X-Sum")
			io.WriteString(w, "x")
			w.Header().Set("X-Sum", "1")
		}, []string{"X-Sum"}},
		{"a trailer by prefix", "GET", func(w W, r R) {
			io.WriteString(w, "x")
			w.(http.Flusher).Flush()
			w.Header().Set(http.TrailerPrefix+"X-Sum", "1")
		}, nil},
		{"values of one field", "GET", func(w W, r R) { w.Header().Add("Vary", "A"); w.Header().Add("Vary", "B") }, []string{"Vary"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			answer := func(addr string) (*http.Response, string) {
				resp := do(t, client(t, false), request(t, test.method, "http://"+addr+"/", nil))
				return resp, text(t, resp.Body)
			}
			oracle, oracleBody := answer(serveStd(t, test.handler))
			onEachDriver(t, mounted(test.handler), func(t *testing.T, addr string) {
				resp, body := answer(addr)
				want(t, "status", resp.StatusCode, oracle.StatusCode)
				if body != oracleBody {
					t.Errorf("got body %.40q, want %.40q", body, oracleBody)
				}
				for _, name := range test.fields {
					want(t, name, strings.Join(resp.Header[name], ","), strings.Join(oracle.Header[name], ","))
				}
				want(t, "trailer", fmt.Sprint(resp.Trailer), fmt.Sprint(oracle.Trailer))
			})
		})
	}
}

func TestAResponseThatEndsTooEarlyIsBrokenOff(t *testing.T) {
	for name, h := range map[string]http.HandlerFunc{
		"less than was declared": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "10")
			io.WriteString(w, "x")
		},
		"aborted behind a flush": func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, "x")
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		},
		"aborted before anything was sent": func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, "x")
			panic(http.ErrAbortHandler)
		},
	} {
		t.Run(name, func(t *testing.T) {
			for _, h2c := range []bool{false, true} {
				onEachDriver(t, mounted(h), func(t *testing.T, addr string) {
					resp, err := client(t, h2c).Do(request(t, "GET", "http://"+addr+"/", nil))
					if err == nil {
						_, err = io.ReadAll(resp.Body)
						resp.Body.Close()
					}
					if err == nil {
						t.Errorf("HTTP/2 %v: the response is complete", h2c)
					}
				})
			}
		})
	}
}

func TestAMountedHandlerCanSendInterimResponses(t *testing.T) {
	onEachDriver(t, mounted(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Link", "</style.css>; rel=preload")
		w.WriteHeader(http.StatusEarlyHints)
		w.WriteHeader(http.StatusProcessing)
		w.Header().Del("Link")
		w.Header().Set("X-Last", "1")
		w.WriteHeader(http.StatusCreated)
	}), func(t *testing.T, addr string) {
		for _, h2c := range []bool{false, true} {
			hints, resp := interim(t, client(t, h2c), "http://"+addr+"/")
			want(t, "interim responses", hints, "103 </style.css>; rel=preload,102 </style.css>; rel=preload,")
			want(t, "status", resp.StatusCode, 201)
			want(t, "Link of the final response", resp.Header.Get("Link"), "")
			want(t, "X-Last", resp.Header.Get("X-Last"), "1")
		}
	})
}

func TestTrailersOfARequestAreThereWhenItsBodyHasBeenRead(t *testing.T) {
	onEachDriver(t, mounted(func(w http.ResponseWriter, r *http.Request) {
		_, announced := r.Trailer["X-Sum"]
		n, err := io.Copy(io.Discard, r.Body)
		fmt.Fprint(w, announced, " ", n, " ", err, " ", r.Trailer.Get("X-Sum"), " ", r.Header.Get("Trailer"))
	}), func(t *testing.T, addr string) {
		for _, h2c := range []bool{false, true} {
			for _, size := range []int{3, 1 << 20} {
				r := request(t, "POST", "http://"+addr+"/", io.MultiReader(bytes.NewReader(make([]byte, size))))
				r.Trailer = http.Header{"X-Sum": nil}
				r.Body = io.NopCloser(&atEnd{r.Body, func() { r.Trailer.Set("X-Sum", "42") }})
				resp := do(t, client(t, h2c), r)
				want(t, "answer", text(t, resp.Body), fmt.Sprint("true ", size, " <nil> 42 "))
			}
		}
	})
}

// atEnd calls then when its reader has ended.
type atEnd struct {
	io.Reader
	then func()
}

func (a *atEnd) Read(p []byte) (int, error) {
	n, err := a.Reader.Read(p)
	if err == io.EOF {
		a.then()
	}
	return n, err
}

func TestTheContextOfAMountedHandlerEndsWhenTheClientGoes(t *testing.T) {
	entered, left := make(chan struct{}), make(chan error)
	onEachDriver(t, mounted(func(w http.ResponseWriter, r *http.Request) {
		entered <- struct{}{}
		<-r.Context().Done()
		left <- context.Cause(r.Context())
	}), func(t *testing.T, addr string) {
		for _, h2c := range []bool{false, true} {
			ctx, cancel := context.WithCancel(t.Context())
			go func() {
				r := request(t, "GET", "http://"+addr+"/", nil)
				if resp, err := client(t, h2c).Do(r.WithContext(ctx)); err == nil {
					resp.Body.Close()
				}
			}()
			await(t, "the handler is called", entered)
			cancel()
			if err := await(t, "its context ends", left); !errors.Is(err, hyperlane.ErrDisconnected) {
				t.Errorf("HTTP/2 %v: cause: got %v, want %v", h2c, err, hyperlane.ErrDisconnected)
			}
		}
	})
}

func TestAMountedHandlerFindsItsServerAndAddress(t *testing.T) {
	onEachDriver(t, mounted(func(w http.ResponseWriter, r *http.Request) {
		server, _ := r.Context().Value(http.ServerContextKey).(*http.Server)
		local, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
		fmt.Fprint(w, server != nil, " ", local, " ", r.Host, " ", r.RequestURI, " ", r.Proto)
		if _, _, err := net.SplitHostPort(r.RemoteAddr); err != nil {
			t.Error(err)
		}
	}), func(t *testing.T, addr string) {
		_, body := get(t, "http://"+addr+"/a%2Fb?c=d")
		want(t, "answer", body, fmt.Sprintf("true %s %s /a%%2Fb?c=d HTTP/1.1", addr, addr))
	})
}

func TestAResponseControllerWorksOrSaysThatItDoesNot(t *testing.T) {
	onEachDriver(t, mounted(func(w http.ResponseWriter, r *http.Request) {
		rc := http.NewResponseController(w)
		owned := r.URL.Query().Get("net/http") != ""
		for name, err := range map[string]error{
			"SetReadDeadline":  rc.SetReadDeadline(time.Now().Add(within)),
			"SetWriteDeadline": rc.SetWriteDeadline(time.Now().Add(within)),
		} {
			if owned && err != nil || !owned && !errors.Is(err, http.ErrNotSupported) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if err := rc.EnableFullDuplex(); err != nil {
			t.Error(err)
		}
		// Full duplex: each line is answered before the next is sent.
		lines := bufio.NewScanner(r.Body)
		for lines.Scan() {
			fmt.Fprintln(w, strings.ToUpper(lines.Text()))
			if err := rc.Flush(); err != nil {
				t.Error(err)
			}
		}
	}), func(t *testing.T, addr string) {
		from, to := io.Pipe()
		url := "http://" + addr + "/"
		if strings.HasSuffix(t.Name(), "nethttp") {
			url += "?net/http=yes"
		}
		go io.WriteString(to, "one\n")
		resp := do(t, client(t, false), request(t, "POST", url, from))
		lines := bufio.NewScanner(resp.Body)
		for _, line := range []string{"ONE", "TWO", "THREE"} {
			if !lines.Scan() {
				t.Fatalf("the response has ended before %s: %v", line, lines.Err())
			}
			want(t, "line", lines.Text(), line)
			switch line {
			case "ONE":
				io.WriteString(to, "two\n")
			case "TWO":
				io.WriteString(to, "three\n")
			}
		}
		to.Close()
		want(t, "end", lines.Scan(), false)
	})
}

func TestAHijackedConnectionBelongsToTheHandler(t *testing.T) {
	onEachDriver(t, mounted(func(w http.ResponseWriter, r *http.Request) {
		conn, buffer, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		if _, err := w.Write([]byte("x")); err != http.ErrHijacked {
			t.Errorf("Write after Hijack: %v", err)
		}
		if err := http.NewResponseController(w).Flush(); err == nil {
			t.Error("Flush after Hijack succeeds")
		}
		line, err := buffer.ReadString('\n')
		fmt.Fprintf(buffer, "own protocol: %s", line)
		if err = errors.Join(err, buffer.Flush()); err != nil {
			t.Error(err)
		}
	}), func(t *testing.T, addr string) {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		conn.SetDeadline(time.Now().Add(within))
		io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\nahead of time\n")
		want(t, "answer", text(t, conn), "own protocol: ahead of time\n")
	})
}

func TestABodyThatIsReadTooLateIsAnError(t *testing.T) {
	bodies := make(chan io.Reader, 1)
	onEachDriver(t, mounted(func(w http.ResponseWriter, r *http.Request) { bodies <- r.Body }), func(t *testing.T, addr string) {
		for _, body := range []string{"short", strings.Repeat("long", 100_000)} {
			do(t, client(t, false), request(t, "POST", "http://"+addr+"/", strings.NewReader(body)))
			late := await(t, "the handler is called", bodies)
			if _, body := get(t, "http://"+addr+"/"); body != "" { // the answer to the first has left for sure
				t.Errorf("got body %q", body)
			}
			await(t, "the handler is called", bodies)
			if n, err := late.Read(make([]byte, 10)); n != 0 || err == nil {
				t.Errorf("got %d bytes, %v; want an error", n, err)
			}
		}
	})
}
