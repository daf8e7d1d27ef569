package interop

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/lxzan/gws"

	"github.com/hyperlane-go/hyperlane"
	"github.com/hyperlane-go/hyperlane/hyperlanetest"
	"github.com/hyperlane-go/hyperlane/websocket"
)

// gwsModes are what gws's permessage-deflate can be: off, without context, with the context of both sides kept.
var gwsModes = map[string]gws.PermessageDeflate{
	"uncompressed":    {},
	"without context": {Enabled: true, Threshold: 1},
	"with context":    {Enabled: true, Threshold: 1, ServerContextTakeover: true, ClientContextTakeover: true},
}

// gwsEvents is one end of a gws connection. A server answers each message with itself, a client gives it to its test.
type gwsEvents struct {
	gws.BuiltinEventHandler
	received chan string // of a client
	ended    chan error
}

func (e *gwsEvents) OnMessage(conn *gws.Conn, message *gws.Message) {
	defer message.Close()
	if e.received == nil {
		conn.WriteMessage(message.Opcode, message.Bytes())
		return
	}
	e.received <- string(message.Bytes())
}

func (e *gwsEvents) OnClose(_ *gws.Conn, err error) { e.ended <- err }

func TestGwsAsClient(t *testing.T) {
	for name, mode := range gwsModes {
		for _, takeover := range []bool{false, true} {
			echo := websocket.New(websocket.Config{Compression: websocket.Compression{ContextTakeover: takeover, MinSize: 1}}, websocket.Events{
				Message: func(c *websocket.Conn, m websocket.Message) { c.Send(m.Type, m.Data) },
			})
			t.Run(name, func(t *testing.T) {
				hyperlanetest.Each(t, func(t *testing.T, d hyperlanetest.Driver) {
					c := d.Serve(t, hyperlane.Config{}, func(s *hyperlane.Server) { s.Get("/", echo.Serve) })
					events := &gwsEvents{received: make(chan string, 1), ended: make(chan error, 1)}
					conn, response, err := gws.NewClientFromConn(events, &gws.ClientOption{Addr: "ws://example.com/", PermessageDeflate: mode}, c.Dial())
					if err != nil {
						t.Fatal(err)
					}
					if agreed := strings.Contains(response.Header.Get("Sec-WebSocket-Extensions"), "permessage-deflate"); agreed != mode.Enabled {
						t.Errorf("compression was agreed on: %t, want %t", agreed, mode.Enabled)
					}
					go conn.ReadLoop()
					ctx, cancel := context.WithTimeout(t.Context(), within)
					defer cancel()
					for _, message := range append(messages, messages...) {
						if err := conn.WriteString(message); err != nil {
							t.Fatal(err)
						}
						select {
						case got := <-events.received:
							if got != message {
								t.Fatalf("%d bytes came back as %d", len(message), len(got))
							}
						case err := <-events.ended:
							t.Fatalf("ended: %v", err)
						case <-ctx.Done():
							t.Fatalf("%d bytes did not come back", len(message))
						}
					}
					conn.WriteClose(1000, []byte("bye"))
					select {
					case err := <-events.ended:
						var end *gws.CloseError
						if errors.As(err, &end) && end.Code != 1000 {
							t.Errorf("got %v for an end, want status 1000", err)
						}
					case <-ctx.Done():
						t.Error("the connection did not end")
					}
				})
			})
		}
	}
}

func TestGwsAsServer(t *testing.T) {
	for name, mode := range gwsModes {
		ended := make(chan error, 2)
		upgrader := gws.NewUpgrader(&gwsEvents{ended: ended}, &gws.ServerOption{PermessageDeflate: mode})
		ts := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			conn, err := upgrader.Upgrade(w, r)
			if err != nil {
				t.Error(err)
				return
			}
			go conn.ReadLoop()
		}))
		defer ts.Close()
		ctx, cancel := context.WithTimeout(t.Context(), within)
		defer cancel()
		for _, takeover := range []bool{false, true} {
			conn, err := websocket.Dial(ctx, "ws"+strings.TrimPrefix(ts.URL, "http"), websocket.DialConfig{
				Compression: websocket.Compression{ContextTakeover: takeover, MinSize: 1},
			})
			if err != nil {
				t.Fatalf("%s, takeover %v: %v", name, takeover, err)
			}
			for _, message := range append(messages, messages...) {
				if err := conn.SendText(message); err != nil {
					t.Fatal(err)
				}
				if text, err := conn.ReadText(ctx); err != nil || text != message {
					t.Fatalf("%s, takeover %v: %d bytes came back as %d, %v", name, takeover, len(message), len(text), err)
				}
			}
			conn.Close(websocket.StatusNormal, "bye")
			if _, _, err := conn.Read(ctx); err == nil {
				t.Error("a message behind the end")
			}
			select {
			case <-ended:
			case <-ctx.Done():
				t.Fatalf("%s: the server's end did not end", name)
			}
		}
	}
}
