package soak

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"time"

	other "github.com/coder/websocket"

	"github.com/hyperlane-go/hyperlane/websocket"
)

var webSocketKinds = []kind{
	{"a WebSocket of events", 2, func(c *client) error { return c.talk("/ws/events") }},
	{"a WebSocket that blocks", 2, func(c *client) error { return c.talk("/ws/blocking") }},
	{"a WebSocket of another client", 1, talkByCoder},
	{"a WebSocket that is reset", 2, resetSocket},
	{"a WebSocket that breaks the rules", 1, breakRules},
}

// fillSockets adds what sends each message back, in both styles.
func (s *stage) fillSockets(v *server) {
	config := websocket.Config{MessageLimit: 2 << 20}
	v.Get("/ws/events", websocket.New(config, websocket.Events{
		Open: func(*websocket.Conn) { s.sockets.Add(1) },
		Message: func(conn *websocket.Conn, m websocket.Message) {
			conn.Write(conn.Context(), m.Type, m.Data) // if it fails the connection has
		},
		Close: func(*websocket.Conn, error) { s.sockets.Add(-1) },
	}).Serve)
	v.Get("/ws/blocking", websocket.NewBlocking(config, func(ctx context.Context, conn *websocket.Conn) error {
		s.sockets.Add(1)
		defer s.sockets.Add(-1)
		for {
			kind, p, err := conn.Read(ctx)
			if err != nil {
				return err
			}
			if err := conn.Write(ctx, kind, p); err != nil {
				return err
			}
		}
	}).Serve)
}

// dialSocket opens a WebSocket, compressed in one of the ways there are or not at all. nc is its connection.
func (c *client) dialSocket(path string) (conn *websocket.Conn, nc *net.TCPConn, err error) {
	ctx, cancel := context.WithTimeout(c.ctx, patience)
	defer cancel()
	conn, err = websocket.Dial(ctx, "ws://"+c.addr+path, websocket.DialConfig{
		MessageLimit: 2 << 20,
		Compression:  websocket.Compression{Off: c.chance(40), ContextTakeover: c.chance(50), MinSize: 1 + c.IntN(500)},
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			plain, err := new(net.Dialer).DialContext(ctx, network, addr)
			if err == nil {
				nc = plain.(*net.TCPConn)
			}
			return plain, err
		},
	})
	return conn, nc, err
}

// talk sends messages, several before it reads one, and closes in an orderly way.
func (c *client) talk(path string) error {
	conn, nc, err := c.dialSocket(path)
	if err != nil {
		return err
	}
	defer hangUp(conn, nc)
	ctx, cancel := context.WithTimeout(c.ctx, patience)
	defer cancel()
	for range 1 + c.IntN(30) {
		if err := c.exchangeMessages(ctx, conn); err != nil {
			return err
		}
	}
	if err := conn.Close(websocket.StatusNormal, "enough"); err != nil {
		return err
	}
	_, _, err = conn.Read(ctx)
	var end *websocket.CloseError
	if !errors.As(err, &end) || end.Status != websocket.StatusNormal {
		return fmt.Errorf("after a close with %d: %w", websocket.StatusNormal, orNothing(err))
	}
	return nil
}

func (c *client) exchangeMessages(ctx context.Context, conn *websocket.Conn) error {
	messages := make([]ribbon, 1+c.IntN(5))
	kind := websocket.Type(1 + c.IntN(2))
	for i := range messages {
		messages[i] = c.ribbon(1 + c.Int64N(100<<10))
		if err := conn.Write(ctx, kind, []byte(messages[i].text())); err != nil {
			return err
		}
	}
	for i, message := range messages {
		gotKind, got, err := conn.Read(ctx)
		if err != nil {
			return fmt.Errorf("message %d of %d: %w", i+1, len(messages), err)
		}
		if gotKind != kind || string(got) != message.text() {
			return fmt.Errorf("%v message of %d bytes from %d: got a %v one of %d, %q", kind, message.size, message.start, gotKind, len(got), shown(got))
		}
	}
	return nil
}

// talkByCoder is the same by somebody else's client, so that a mistake that both of our ends make alike shows.
func talkByCoder(c *client) error {
	ctx, cancel := context.WithTimeout(c.ctx, patience)
	defer cancel()
	path := [...]string{"/ws/events", "/ws/blocking"}[c.IntN(2)]
	mode := [...]other.CompressionMode{other.CompressionDisabled, other.CompressionContextTakeover, other.CompressionNoContextTakeover}[c.IntN(3)]
	conn, _, err := other.Dial(ctx, "ws://"+c.addr+path, &other.DialOptions{CompressionMode: mode, CompressionThreshold: 1 + c.IntN(500)})
	if err != nil {
		return err
	}
	defer conn.CloseNow()
	conn.SetReadLimit(2 << 20)
	for range 1 + c.IntN(10) {
		message := c.ribbon(100 << 10)
		if err := conn.Write(ctx, other.MessageText, []byte(message.text())); err != nil {
			return err
		}
		kind, got, err := conn.Read(ctx)
		if err != nil {
			return err
		}
		if kind != other.MessageText || string(got) != message.text() {
			return fmt.Errorf("message of %d bytes from %d: got %d, %q", message.size, message.start, len(got), shown(got))
		}
	}
	return conn.Close(other.StatusNormalClosure, "enough")
}

// resetSocket leaves in the middle of messages.
func resetSocket(c *client) error {
	conn, nc, err := c.dialSocket([...]string{"/ws/events", "/ws/blocking"}[c.IntN(2)])
	if err != nil {
		return err
	}
	defer hangUp(conn, nc)
	ctx, cancel := context.WithTimeout(c.ctx, patience)
	defer cancel()
	if c.chance(50) {
		if err := c.exchangeMessages(ctx, conn); err != nil {
			return err
		}
	}
	for range c.IntN(5) {
		if conn.Send(websocket.Binary, []byte(c.ribbon(200<<10).text())) != nil {
			break // it has had enough of us
		}
	}
	c.upTo(2 * time.Millisecond)
	nc.SetLinger(0)
	nc.Close()
	if _, _, err := readAway(ctx, conn); err == nil {
		return errors.New("no end of a WebSocket that was reset")
	}
	return nil
}

// hangUp closes what is under conn, and takes what has come, so that nothing of conn stays behind after a failure either.
func hangUp(conn *websocket.Conn, nc *net.TCPConn) {
	nc.Close()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	readAway(ctx, conn)
}

// readAway reads to the end.
func readAway(ctx context.Context, conn *websocket.Conn) (websocket.Type, []byte, error) {
	for {
		if kind, p, err := conn.Read(ctx); err != nil {
			return kind, p, err
		}
	}
}

// breakRules sends a frame that is not allowed, and must be told so before the end.
func breakRules(c *client) error {
	return c.once(c.addr, func(l *line) error {
		path := [...]string{"/ws/events", "/ws/blocking"}[c.IntN(2)]
		ask, mark := c.ask("GET", path, "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"+
			"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
		if err := l.send(ask); err != nil {
			return err
		}
		head, err := readLines(l.r)
		if err != nil || len(head) < 4 || head[0] != "HTTP/1.1 101 Switching Protocols" {
			return fmt.Errorf("the handshake: got %q, %w", head, orNothing(err))
		}
		for _, line := range []string{mark, "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="} { // RFC 6455 section 1.3
			if !slices.Contains(head, line) {
				return fmt.Errorf("the handshake: got %q, want %q in it", head, line)
			}
		}
		bad := ruleBreakers[c.IntN(len(ruleBreakers))]
		if err := l.send(bad.frame); err != nil {
			return err
		}
		if err := expectClose(l.r, bad.status); err != nil {
			return fmt.Errorf("%s, %q: %w", path, bad.frame, err)
		}
		return nil
	})
}

// ruleBreakers are frames, and the statuses with which RFC 6455 section 7.4.1 answers them.
var ruleBreakers = []struct {
	frame  string
	status websocket.Status
}{
	{"\x81\x02hi", websocket.StatusProtocolError},                            // not masked
	{"\xc1\x80abcd", websocket.StatusProtocolError},                          // a reserved bit
	{"\x83\x80abcd", websocket.StatusProtocolError},                          // no such opcode
	{"\x09\x80abcd", websocket.StatusProtocolError},                          // a ping in fragments
	{"\x80\x80abcd", websocket.StatusProtocolError},                          // goes on where nothing has begun
	{"\x81\x81\x00\x00\x00\x00\xff", websocket.StatusInvalidData},            // no UTF-8
	{"\x82\xff\x00\x00\x00\x00\x10\x00\x00\x00abcd", websocket.StatusTooBig}, // 256 MiB
}

// expectClose reads one close frame, and the end.
func expectClose(r *bufio.Reader, status websocket.Status) error {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return fmt.Errorf("a close frame: got %q, %w", head, err)
	}
	got := websocket.Status(head[2])<<8 | websocket.Status(head[3])
	if head[0] != 0x88 || head[1] > 125 || got != status {
		return fmt.Errorf("got %q, want a close frame with %d", head, status)
	}
	if _, err := io.CopyN(io.Discard, r, int64(head[1])-2); err != nil {
		return fmt.Errorf("the reason of a close frame: %w", err)
	}
	return over(r)
}
