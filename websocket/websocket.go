// Package websocket speaks the WebSocket protocol (RFC 6455) and its compression (RFC 7692). Say what is to be done when something
// happens:
//
//	echo := websocket.New(websocket.Config{}, websocket.Events{
//		Message: func(c *websocket.Conn, m websocket.Message) { c.Send(m.Type, m.Data) },
//	})
//	server.Get("/echo", echo.Serve)
//
// or take a goroutine for each connection, and write ordinary blocking code:
//
//	greet := websocket.NewBlocking(websocket.Config{}, func(ctx context.Context, c *websocket.Conn) error {
//		for {
//			name, err := c.ReadText(ctx)
//			if err != nil {
//				return err
//			}
//			if err := c.Write(ctx, websocket.Text, []byte("hello, "+name)); err != nil {
//				return err
//			}
//		}
//	})
//	server.Get("/greet", greet.Serve)
//
// # The idea
//
// An [Endpoint] is what a path answers: its rules, and what it does. Its Serve is a hyperlane handler; one that wants to ask first who is
// there calls it last. A [Conn] is one connection. In the style of events it has no goroutine, no timer and no buffer while nothing
// happens, whatever the driver of the server gives it; a handler of an event may block, as any handler may. The messages of a
// connection come in order, one at a time. Everything on Conn may be called by any goroutine in both styles, but for the reading methods,
// which belong to the blocking one.
//
// # Guarantees
//
//   - What breaks RFC 6455 or 7692 is refused with the status that they name, once, and then the connection ends. Text is checked while it
//     arrives.
//   - A message is never larger than Config.MessageLimit, compressed or not: 1009. Memory follows what has arrived, not what was announced.
//   - A browser's page from another host is refused, unless Config.Origins says otherwise.
//   - A peer that does not answer a ping is gone after about two of Config.PingInterval.
//   - A slow peer costs the server's Limits.Outbox at most: beyond it Send returns ErrSlow, and Write waits.
//   - When the server shuts down, each peer gets 1001.
package websocket

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/hyperlane-go/hyperlane"
)

// Type is the type of a message.
type Type uint8

const (
	Text   Type = 1 // UTF-8
	Binary Type = 2
)

// String returns "text" or "binary".
func (t Type) String() string {
	switch t {
	case Text:
		return "text"
	case Binary:
		return "binary"
	}
	return fmt.Sprintf("Type(%d)", uint8(t))
}

// Message is what Events.Message gets. Data is only lent: it ends with the call.
type Message struct {
	Type Type
	Data []byte
}

// Events are what a connection does when something happens. Each may be nil. The calls for one connection never overlap. A panic is logged,
// and closes the connection with 1011.
type Events struct {
	// Open is the first call, when the upgrade has succeeded.
	Open func(c *Conn)
	// Message gets each message, whole; after Conn.Close also those that the peer had sent before it knew.
	Message func(c *Conn, m Message)
	// Close is the last call. err is a *CloseError if there was a closing handshake, or one end broke the rules, ErrDead for a peer
	// that was silent for too long, or what ended the connection.
	Close func(c *Conn, err error)
}

// Config is for an Endpoint. The zero value is ready to use.
type Config struct {
	// Origins are the hosts whose pages may connect, besides the endpoint's own: "example.com", "example.com:8443", or
	// "*.example.com" for all below it. "*" allows every page there is, which is right only where nothing depends on cookies.
	// A client that sends no Origin is no browser, and is not asked for one.
	Origins []string

	// Protocols are the subprotocols that the endpoint speaks, the best first. The first of them that the client offers is chosen
	// (RFC 6455 section 1.9); a client that offers none of them gets none.
	Protocols []string

	// MessageLimit is bytes of one message, expanded if it was compressed. Zero: 1 MiB. Negative: no limit.
	MessageLimit int64

	// Compression says how messages are compressed for clients that offer it.
	Compression Compression

	// PingInterval is how long a peer may be silent until it is asked for a sign of life. Zero: 30 s. Negative: never.
	PingInterval time.Duration

	// CloseTimeout is how long the peer has to answer a close frame. Zero: 5 s.
	CloseTimeout time.Duration

	// Connections is how many there may be at the same time; one more is answered 503. Zero: any number.
	Connections int
}

// Compression is about permessage-deflate (RFC 7692).
type Compression struct {
	// Off declines every offer.
	Off bool
	// ContextTakeover lets messages refer to earlier ones, where the client wants that, too. It makes small messages smaller, and costs
	// each connection some hundred kilobytes for as long as it lasts. Prepared messages and those of a topic are then sent uncompressed.
	ContextTakeover bool
	// WindowBits bounds what a compressed message refers back to: 8 to 15, for 256 bytes to 32 KiB. Zero: 15.
	WindowBits int
	// MinSize is bytes: a shorter message is sent as it is. Zero: 256.
	MinSize int
}

func (c Config) withDefaults() (Config, error) {
	var errs []error
	for _, o := range c.Origins {
		if u, err := url.Parse("http://" + strings.TrimPrefix(o, "*.")); o != "*" && (err != nil || u.Host == "" || u.Path != "" || strings.Contains(u.Host, "*")) {
			errs = append(errs, fmt.Errorf("Config.Origins: %q is no host", o))
		}
	}
	for i, p := range c.Protocols {
		if !isToken(p) || slices.Contains(c.Protocols[:i], p) {
			errs = append(errs, fmt.Errorf("Config.Protocols: %q is no token, or there twice", p))
		}
	}
	if b := c.Compression.WindowBits; b != 0 && (b < 8 || b > 15) {
		errs = append(errs, fmt.Errorf("Config.Compression.WindowBits = %d: want 8 to 15, or 0", b))
	}
	if c.Connections < 0 || c.CloseTimeout < 0 || c.Compression.MinSize < 0 {
		errs = append(errs, errors.New("Config: Connections, CloseTimeout and Compression.MinSize must not be negative"))
	}
	if c.MessageLimit == 0 {
		c.MessageLimit = 1 << 20
	}
	if c.MessageLimit < 0 {
		c.MessageLimit = 1<<63 - 1
	}
	if c.PingInterval == 0 {
		c.PingInterval = 30 * time.Second
	}
	if c.CloseTimeout == 0 {
		c.CloseTimeout = 5 * time.Second
	}
	if c.Compression.MinSize == 0 {
		c.Compression.MinSize = 256
	}
	if c.Compression.WindowBits == 0 {
		c.Compression.WindowBits = 15
	}
	c.Origins, c.Protocols = slices.Clone(c.Origins), slices.Clone(c.Protocols)
	return c, errors.Join(errs...)
}

// Endpoint is what a path answers that speaks WebSocket. It may serve any number of paths; its methods may be called by any goroutine.
type Endpoint struct {
	config Config
	events Events
	serve  func(ctx context.Context, c *Conn) error // in the blocking style

	open   atomic.Int64
	keeper keeper
}

// New returns an endpoint in the style of events. It panics if config makes no sense.
func New(config Config, events Events) *Endpoint {
	full, err := config.withDefaults()
	if err != nil {
		panic(fmt.Sprintf("websocket: %v", err))
	}
	e := &Endpoint{config: full, events: events}
	e.keeper.init(full.PingInterval)
	return e
}

// NewBlocking returns an endpoint that gives each connection a goroutine, which runs serve. When serve returns the connection is closed:
// normally if the error is nil or says that the connection has ended, else with 1011, and the error is logged. ctx is Conn.Context.
func NewBlocking(config Config, serve func(ctx context.Context, c *Conn) error) *Endpoint {
	e := New(config, Events{})
	e.serve = serve
	return e
}

// Serve upgrades the connection of c, and is a hyperlane.Handler. What is no opening handshake is an error, which answers as RFC 6455
// section 4.2.2 says; so is a page of another host (403) and a connection too many (503). When Serve has returned nil, whatever
// else the handler sets on the response but header fields is not sent.
func (e *Endpoint) Serve(c *hyperlane.Context) error {
	h, err := e.accept(c)
	if err != nil {
		return err
	}
	if n := e.config.Connections; n > 0 && e.open.Load() >= int64(n) {
		c.Response.SetHeader("Retry-After", "1")
		return hyperlane.Errorf(http.StatusServiceUnavailable, "")
	}
	conn := newConn(&e.config, true, h.terms)
	conn.endpoint, conn.protocol, conn.request = e, h.protocol, c.Keep()
	if e.serve != nil {
		conn.inbox = newInbox()
	}
	if err := c.Upgrade("websocket", (*upgraded)(conn)); err != nil {
		return err
	}
	c.Response.SetHeader("Sec-WebSocket-Accept", h.accept)
	if h.protocol != "" {
		c.Response.SetHeader("Sec-WebSocket-Protocol", h.protocol)
	}
	if h.extension != "" {
		c.Response.SetHeader("Sec-WebSocket-Extensions", h.extension)
	}
	return nil
}

// Connections returns how many there are.
func (e *Endpoint) Connections() int { return int(e.open.Load()) }
