package websocket_test

import (
	"bufio"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/hyperlane-go/hyperlane/hyperlanetest"
)

// raw is a client that sends any bytes, and reads frames strictly. It shares no code with the package.
type raw struct {
	t  testing.TB
	nc net.Conn
	r  *bufio.Reader
}

// upgrade opens a connection, with more fields of the request.
func upgrade(t *testing.T, c *hyperlanetest.Client, fields ...string) (*raw, *http.Response) {
	t.Helper()
	nc := c.Dial()
	t.Cleanup(func() { nc.Close() })
	nc.SetDeadline(time.Now().Add(soon))
	return shake(t, nc, fields...)
}

func shake(t testing.TB, nc net.Conn, fields ...string) (*raw, *http.Response) {
	t.Helper()
	w := &raw{t, nc, bufio.NewReader(nc)}
	w.send("GET /ws HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" + strings.Join(append(fields, "\r\n"), "\r\n"))
	resp, err := http.ReadResponse(w.r, nil)
	if err != nil {
		t.Fatal(err)
	}
	// The example of RFC 6455 section 1.3.
	if resp.StatusCode != 101 || resp.Header.Get("Sec-WebSocket-Accept") != "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" {
		t.Fatalf("got %d %v", resp.StatusCode, resp.Header)
	}
	return w, resp
}

func (w *raw) send(p string) {
	w.t.Helper()
	if _, err := io.WriteString(w.nc, p); err != nil {
		w.t.Fatalf("send: %v", err)
	}
}

// f returns a masked frame. first is its first byte: FIN, RSV1 to RSV3 and the opcode.
func f(first byte, payload string) string {
	b := []byte{first}
	switch n := len(payload); {
	case n < 126:
		b = append(b, 0x80|byte(n))
	case n < 1<<16:
		b = binary.BigEndian.AppendUint16(append(b, 0xfe), uint16(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, 0xff), uint64(n))
	}
	key := "\x37\xfa\x21\x3d"
	b = append(b, key...)
	head := len(b)
	b = append(b, payload...)
	subtle.XORBytes(b[head:], b[head:], []byte(strings.Repeat(key, len(payload)/4+1)))
	return string(b)
}

var errBadFrame = errors.New("no frame that a server sends")

// closing is the payload of a close frame.
func closing(status int, reason string) string {
	return string(binary.BigEndian.AppendUint16(nil, uint16(status))) + reason
}

// got is a frame of the server, as text: its first byte in hex, and its payload.
func got(first byte, payload string) string { return fmt.Sprintf("%02x %q", first, payload) }

// next reads a frame, which must be unmasked and have the shortest length there is.
func (w *raw) next() (string, error) {
	first, payload, err := w.frame()
	if err != nil {
		return "", err
	}
	if first == 0x88 && len(payload) > 2 {
		payload = payload[:2] // the reason is for people
	}
	return got(first, payload), nil
}

func (w *raw) frame() (first byte, payload string, err error) {
	head := make([]byte, 2, 10)
	if _, err := io.ReadFull(w.r, head); err != nil {
		return 0, "", err
	}
	n, least := uint64(head[1]), uint64(0)
	switch head[1] {
	case 126, 127:
		size := map[byte]int{126: 2, 127: 8}[head[1]]
		least = map[byte]uint64{126: 126, 127: 1 << 16}[head[1]]
		head = head[:2+size]
		if _, err := io.ReadFull(w.r, head[2:]); err != nil {
			return 0, "", err
		}
		n = 0
		for _, b := range head[2:] {
			n = n<<8 | uint64(b)
		}
	}
	if head[1]&0x80 != 0 || n < least || n > 32<<20 {
		return 0, "", fmt.Errorf("%w: it begins with % x", errBadFrame, head)
	}
	p := make([]byte, n)
	_, err = io.ReadFull(w.r, p)
	return head[0], string(p), err
}

// wants reads frames until there are as many, and then, if the last is a close frame, the end of the connection.
func (w *raw) wants(frames ...string) {
	w.t.Helper()
	ends := false
	for i, want := range frames {
		frame, err := w.next()
		if err != nil || frame != want {
			w.t.Fatalf("frame %d: got %.200s, %v, want %.200s", i, frame, err, want)
		}
		ends = strings.HasPrefix(want, "88")
	}
	if ends {
		if b, err := w.r.ReadByte(); !errors.Is(err, io.EOF) {
			w.t.Errorf("behind the close frame: %#x, %v", b, err)
		}
	}
}
