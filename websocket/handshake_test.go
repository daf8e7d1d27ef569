package websocket_test

import (
	"bufio"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/hyperlane-go/hyperlane"
	"github.com/hyperlane-go/hyperlane/hyperlanetest"
	"github.com/hyperlane-go/hyperlane/websocket"
)

func TestHandshakes(t *testing.T) {
	const good = "GET /ws HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
	change := func(old, new string) string {
		if !strings.Contains(good, old) {
			t.Fatalf("nothing to change: %q", old)
		}
		return strings.Replace(good, old, new, 1)
	}
	tests := []struct {
		name, request string
		status        int
		field, value  string
	}{
		{"good", good, 101, "Upgrade", "websocket"},
		{"any case, in lists", change("Upgrade: websocket\r\nConnection: Upgrade", "UPGRADE: other, WebSocket\r\nconnection: keep-alive, uPgRaDe"), 101, "Sec-WebSocket-Accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="},
		{"POST", change("GET", "POST") + "Content-Length: 0\r\n", 405, "Allow", "GET"},
		{"HTTP/1.0", change("HTTP/1.1", "HTTP/1.0"), 426, "Upgrade", "websocket"},
		{"no Upgrade", change("Upgrade: websocket\r\n", ""), 426, "Upgrade", "websocket"},
		{"another Upgrade", change("Upgrade: websocket", "Upgrade: h2c"), 426, "Upgrade", "websocket"},
		{"no Connection", change("Connection: Upgrade\r\n", ""), 426, "Upgrade", "websocket"},
		{"Upgrade in two lines", change("Upgrade: websocket", "Upgrade: h2c\r\nUpgrade: websocket"), 101, "Upgrade", "websocket"},
		{"no version", change("Sec-WebSocket-Version: 13\r\n", ""), 426, "Sec-WebSocket-Version", "13"},
		{"version 8", change("Version: 13", "Version: 8"), 426, "Sec-WebSocket-Version", "13"},
		{"version 8 is told what to upgrade to", change("Version: 13", "Version: 8"), 426, "Upgrade", "websocket"},
		{"and that this is for the connection only", change("Version: 13", "Version: 8"), 426, "Connection", "Upgrade"},
		{"no key", change("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", ""), 400, "", ""},
		{"a short key", change("dGhlIHNhbXBsZSBub25jZQ==", "c2hvcnQ="), 400, "", ""},
		{"a key that is no base64", change("dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25jZ***"), 400, "", ""},
		{"two keys", good + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", 400, "", ""},
		{"a page of the same host", good + "Origin: https://EXAMPLE.com\r\n", 101, "", ""},
		{"a page of another host", good + "Origin: https://evil.example\r\n", 403, "", ""},
		{"a page of a host that ends alike", good + "Origin: https://notfriend.example\r\n", 403, "", ""},
		{"a page of no host", good + "Origin: null\r\n", 403, "", ""},
		{"a page of a friend", good + "Origin: https://friend.example:8443\r\n", 101, "", ""},
		{"a page below a friend", good + "Origin: https://a.b.pals.example\r\n", 101, "", ""},
		{"a page above a friend", good + "Origin: https://pals.example\r\n", 403, "", ""},
		{"subprotocols", good + "Sec-WebSocket-Protocol: v3, v1\r\nSec-WebSocket-Protocol: v2\r\n", 101, "Sec-WebSocket-Protocol", "v2"},
		{"unknown subprotocols", good + "Sec-WebSocket-Protocol: v3\r\n", 101, "Sec-WebSocket-Protocol", ""},
		{"a subprotocol twice", good + "Sec-WebSocket-Protocol: v1, v1\r\n", 400, "", ""},
	}
	config := websocket.Config{Origins: []string{"friend.example:8443", "*.pals.example"}, Protocols: []string{"v2", "v1"}}
	each(t, echo(config), func(t *testing.T, c *hyperlanetest.Client, _ *websocket.Endpoint) {
		for _, test := range tests {
			nc := c.Dial()
			nc.SetDeadline(time.Now().Add(soon))
			// A frame right behind the head is no part of it, and not lost.
			nc.Write([]byte(test.request + "\r\n" + f(0x81, "at once")))
			r := bufio.NewReader(nc)
			resp, err := http.ReadResponse(r, nil)
			if err != nil || resp.StatusCode != test.status || test.field != "" && resp.Header.Get(test.field) != test.value {
				t.Errorf("%s: got %v, %v, want %d and %s: %s", test.name, resp, err, test.status, test.field, test.value)
			} else if test.status == 101 {
				(&raw{t, nc, r}).wants(got(0x81, "at once"))
			}
			nc.Close()
		}
	})
}

// Cookies come with the request of any page: without an Origins a page of another host could act as its visitor.
func TestAPageOfAnotherHostIsRefusedByDefault(t *testing.T) {
	each(t, echo(websocket.Config{}), func(t *testing.T, c *hyperlanetest.Client, _ *websocket.Endpoint) {
		for origin, status := range map[string]int{
			"":                             101, // no browser
			"https://hyperlane.test":       101,
			"https://evil.example":         403,
			"https://evil.hyperlane.test":  403,
			"https://hyperlane.test.evil":  403,
			"https://nothyperlane.test":    403,
			"https://hyperlane.test:8443":  403,
			"null":                         403,
			"hyperlane.test":               403,
			"https://hyperlane.test@evil/": 403,
		} {
			field := ""
			if origin != "" {
				field = "Origin: " + origin + "\r\n"
			}
			nc := c.Dial()
			nc.Write([]byte("GET /ws HTTP/1.1\r\nHost: hyperlane.test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
				"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" + field + "\r\n"))
			resp, err := http.ReadResponse(bufio.NewReader(nc), nil)
			if err != nil || resp.StatusCode != status {
				t.Errorf("Origin %q: got %v, %v, want %d", origin, resp, err, status)
			}
			nc.Close()
		}
	})
}

func TestConnectionsOverTheLimitAreRefused(t *testing.T) {
	each(t, echo(websocket.Config{Connections: 1}), func(t *testing.T, c *hyperlanetest.Client, e *websocket.Endpoint) {
		first := dial(t, c, websocket.DialConfig{})
		if err := first.SendText("here"); err != nil {
			t.Fatal(err)
		}
		if text, err := first.ReadText(within(t)); err != nil || text != "here" {
			t.Fatalf("got %q, %v", text, err)
		}
		if n := e.Connections(); n != 1 {
			t.Errorf("%d connections", n)
		}
		c.Request("GET", "/ws").Header("Upgrade", "websocket").Header("Connection", "Upgrade").Header("Sec-WebSocket-Version", "13").
			Header("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==").Send().Status(503)
	})
}

func TestShutdownSays1001(t *testing.T) {
	hyperlanetest.Each(t, func(t *testing.T, d hyperlanetest.Driver) {
		e := echo(websocket.Config{})()
		var server *hyperlane.Server
		c := d.Serve(t, hyperlane.Config{}, func(s *hyperlane.Server) { server = s; s.Any("/ws", e.Serve) })
		w, _ := upgrade(t, c)
		w.send(f(0x81, "open"))
		w.wants(got(0x81, "open"))
		down := make(chan error, 1)
		go func() { down <- server.Shutdown(within(t)) }()
		if frame, err := w.next(); err != nil || frame != closed(1001) {
			t.Fatalf("got %s, %v", frame, err)
		}
		w.send(f(0x88, closing(1001, "")))
		if _, err := w.r.ReadByte(); err == nil {
			t.Error("something behind the close frame")
		}
		if err := await(t, "the end of the server", down); err != nil {
			t.Error(err)
		}
	})
}

// A peer that does not answer the good-bye has CloseTimeout, and holds nobody up beyond it.
func TestAShutdownDoesNotHangOnAPeerThatDoesNotAnswer(t *testing.T) {
	for name, e := range map[string]func() *websocket.Endpoint{
		"events":   echo(websocket.Config{CloseTimeout: 50 * time.Millisecond}),
		"blocking": func() *websocket.Endpoint { return blockingEcho(websocket.Config{CloseTimeout: 50 * time.Millisecond}) },
	} {
		t.Run(name, func(t *testing.T) {
			each(t, e, func(t *testing.T, c *hyperlanetest.Client, _ *websocket.Endpoint) {
				w, _ := upgrade(t, c)
				w.send(f(0x81, "open"))
				w.wants(got(0x81, "open"))
				down := make(chan error, 1)
				go func() { down <- c.Shutdown(within(t)) }()
				if frame, err := w.next(); err != nil || frame != closed(1001) {
					t.Fatalf("got %s, %v", frame, err)
				}
				if err := await(t, "the end of the server", down); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func TestASilentPeerIsAskedAndThenDead(t *testing.T) {
	why := make(chan error, 10)
	endpoint := func() *websocket.Endpoint {
		return websocket.New(websocket.Config{PingInterval: 40 * time.Millisecond}, websocket.Events{Close: func(_ *websocket.Conn, err error) { why <- err }})
	}
	each(t, endpoint, func(t *testing.T, c *hyperlanetest.Client, _ *websocket.Endpoint) {
		w, _ := upgrade(t, c)
		for range 3 { // as long as it answers it lives
			w.wants(got(0x89, ""))
			w.send(f(0x8a, ""))
		}
		w.wants(got(0x89, ""))
		if _, err := w.r.ReadByte(); err == nil {
			t.Error("got more than the ping")
		}
		if err := await(t, "the end", why); err != websocket.ErrDead {
			t.Errorf("ended with %v", err)
		}
	})
}
