package interop

import (
	"bufio"
	"context"
	"crypto/tls"
	"io"
	"net"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/hyperlane-go/hyperlane"
	"github.com/hyperlane-go/hyperlane/broadcast"
	"github.com/hyperlane-go/hyperlane/sse"
)

var news = broadcast.TopicOf("news")

// newsroom serves the topic news.
type newsroom struct {
	hub    *broadcast.Hub
	source *sse.Source

	mu  sync.Mutex
	ids []string // that clients have come with
}

func newNewsroom(t *testing.T) *newsroom {
	hub := broadcast.NewHub(broadcast.HubConfig{Rules: func(broadcast.Topic) broadcast.Rules {
		return broadcast.Rules{History: broadcast.Retention{Count: 10}}
	}})
	t.Cleanup(func() { hub.Close(context.Background()) })
	return &newsroom{hub: hub, source: sse.NewSource(hub, sse.Config{Retry: 200 * time.Millisecond})}
}

func (n *newsroom) set(s *hyperlane.Server) {
	s.Get("/", func(c *hyperlane.Context) error { return c.HTML(newsPage) })
	s.Get("/news", func(c *hyperlane.Context) error {
		n.mu.Lock()
		n.ids = append(n.ids, c.Request.Header("Last-Event-ID"))
		n.mu.Unlock()
		return n.source.Subscribe(c, news, broadcast.As{})
	})
	s.Get("/countdown", func(c *hyperlane.Context) error {
		return sse.Serve(c, sse.Config{}, func(s *sse.Stream) error {
			for _, data := range []string{"3", "2", "1"} {
				if err := s.Send(sse.Event{Data: data}); err != nil {
					return err
				}
			}
			<-s.Context().Done()
			return s.Context().Err()
		})
	})
}

func (n *newsroom) publish(t *testing.T, name, data string) {
	t.Helper()
	if _, err := n.hub.Publish(t.Context(), news, broadcast.Publication{Name: name, Data: []byte(data)}); err != nil {
		t.Fatal(err)
	}
}

// streams waits until there are that many.
func (n *newsroom) streams(t *testing.T, want int) {
	t.Helper()
	for end := time.Now().Add(within); n.source.Streams() != want; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("there are %d streams, want %d", n.source.Streams(), want)
		}
	}
}

func TestCurlHearsEventsAsTheyAreSent(t *testing.T) {
	curl := need(t, "curl")
	for _, driver := range drivers() {
		for _, version := range []string{"--http1.0", "--http1.1", "--http2-prior-knowledge"} {
			t.Run(driver+version, func(t *testing.T) {
				n := newNewsroom(t)
				addr := serve(t, driver, n.set)
				for _, target := range []string{"/news", "/countdown"} {
					ctx, cancel := context.WithTimeout(t.Context(), within)
					defer cancel()
					command := exec.CommandContext(ctx, curl, "--silent", "--show-error", "--no-buffer", "--noproxy", "*", version, "http://"+addr+target)
					out, err := command.StdoutPipe()
					if err != nil {
						t.Fatal(err)
					}
					if err := command.Start(); err != nil {
						t.Fatal(err)
					}
					events := sse.NewReader(bufio.NewReader(out))
					for _, data := range []string{"3", "2", "1"} {
						if target == "/news" {
							n.streams(t, 1)
							n.publish(t, "", data) // only when the one before has come
						}
						e, err := events.Next()
						if err != nil {
							t.Fatal(err)
						}
						want(t, target, e.Data, data)
					}
					command.Process.Kill()
					io.Copy(io.Discard, out)
					command.Wait()
					n.streams(t, 0)
				}
			})
		}
	}
}

func TestEventStreamsOverTLSEndWithTheirServer(t *testing.T) {
	cert, _, _ := certificate(t, "localhost")
	for name, h2 := range map[string]bool{"HTTP/1.1": false, "HTTP/2": true} {
		t.Run(name, func(t *testing.T) {
			n := newNewsroom(t)
			server := hyperlane.New(configOf("auto"))
			n.set(server)
			addr := serveTLS(t, server, &tls.Config{Certificates: []tls.Certificate{cert}})
			c := tlsClient(t, h2, cert)
			topic := sse.NewReader(do(t, c, request(t, "GET", "https://"+addr+"/news", nil)).Body)
			talk := sse.NewReader(do(t, c, request(t, "GET", "https://"+addr+"/countdown", nil)).Body)
			gone := do(t, c, request(t, "GET", "https://"+addr+"/news", nil))
			n.streams(t, 2)
			gone.Body.Close()
			n.streams(t, 1)
			n.publish(t, "", "news")
			for _, data := range []string{"3", "2", "1"} {
				e, err := talk.Next()
				if err != nil {
					t.Fatal(err)
				}
				want(t, "countdown", e.Data, data)
			}
			e, err := topic.Next()
			if err != nil {
				t.Fatal(err)
			}
			want(t, "news", e.Data, "news")
			ctx, cancel := context.WithTimeout(t.Context(), within)
			defer cancel()
			if err := server.Shutdown(ctx); err != nil {
				t.Error(err)
			}
			for _, r := range []*sse.Reader{topic, talk} {
				if e, err := r.Next(); err != io.EOF {
					t.Errorf("got %q, %v, want an orderly end", e, err)
				}
			}
			n.streams(t, 0)
		})
	}
}

const newsPage = `<!doctype html><title>News</title><script>
const heard = [];
let opened = 0;
const source = new EventSource("/news");
source.onopen = () => opened++;
for (const name of ["message", "headline", "unrecoverable", "missed"]) {
	source.addEventListener(name, (event) => heard.push(name + ": " + event.data));
}
</script>`

func TestABrowserComesBackAndHearsWhatItMissed(t *testing.T) {
	for _, driver := range drivers() {
		t.Run(driver, func(t *testing.T) {
			tab := browse(t)
			n := newNewsroom(t)
			through := newWire(t, serve(t, driver, n.set))
			until := func(condition string) {
				t.Helper()
				if err := chromedp.Do(tab, chromedp.Poll[chromedp.Void](condition)); err != nil {
					t.Fatalf("%s: %v", condition, err)
				}
			}
			if err := chromedp.Do(tab, chromedp.Navigate("http://"+through.addr+"/")); err != nil {
				t.Fatal(err)
			}
			until("opened === 1")
			n.publish(t, "", "one\ntwo")
			until("heard.length === 1")
			through.cut()
			n.streams(t, 0)
			n.publish(t, "headline", "three")
			n.publish(t, "headline", "<four> \u2603")
			until("opened === 2 && heard.length >= 3")
			n.publish(t, "", "five")
			until("heard.length >= 4")
			heard, err := chromedp.Run(tab, chromedp.Evaluate[[]string]("heard"))
			if err != nil {
				t.Fatal(err)
			}
			if want := []string{"message: one\ntwo", "headline: three", "headline: <four> \u2603", "message: five"}; !slices.Equal(heard, want) {
				t.Errorf("the page has heard %q, want %q", heard, want)
			}
			n.mu.Lock()
			defer n.mu.Unlock()
			if len(n.ids) != 2 || n.ids[0] != "" || !strings.Contains(n.ids[1], ".") {
				t.Errorf("it has come with the ids %q", n.ids)
			}
		})
	}
}

// wire is a way to a server that can be cut.
type wire struct {
	addr string

	mu    sync.Mutex
	conns []net.Conn
}

func newWire(t *testing.T, to string) *wire {
	ln := listen(t)
	w := &wire{addr: ln.Addr().String()}
	t.Cleanup(func() { ln.Close(); w.cut() })
	go func() {
		for {
			from, err := ln.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("tcp", to)
			if err != nil {
				from.Close()
				continue
			}
			w.mu.Lock()
			w.conns = append(w.conns, from, server)
			w.mu.Unlock()
			go func() { io.Copy(server, from); server.Close() }()
			go func() { io.Copy(from, server); from.Close() }()
		}
	}()
	return w
}

func (w *wire) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, nc := range w.conns {
		nc.Close()
	}
	w.conns = nil
}
