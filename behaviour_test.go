package hyperlane_test

import (
	"bytes"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hyperlane-go/hyperlane"
	"github.com/hyperlane-go/hyperlane/hyperlanetest"
)

// patience bounds every wait of a behaviour test for something that must happen.
const patience = 10 * time.Second

// each runs test on every driver, each time with a new server that fill has filled.
func each(t *testing.T, config hyperlane.Config, fill func(*hyperlane.Server), test func(*testing.T, *hyperlanetest.Client)) {
	hyperlanetest.Each(t, func(t *testing.T, d hyperlanetest.Driver) {
		test(t, d.Serve(t, config, fill))
	})
}

// await returns the next value of ch, and fails the test if none comes.
func await[T any](t *testing.T, ch <-chan T, what string) T {
	t.Helper()
	select {
	case v := <-ch:
		return v
	case <-time.After(patience):
		t.Fatalf("%s: nothing came in %v", what, patience)
		panic("not reached")
	}
}

// talk writes raw on a new connection and returns all that comes until the server closes.
func talk(t *testing.T, c *hyperlanetest.Client, raw string) string {
	t.Helper()
	nc := c.Dial()
	defer nc.Close()
	write(t, nc, raw)
	return readAll(t, nc)
}

func write(t *testing.T, nc net.Conn, raw string) {
	t.Helper()
	if _, err := io.WriteString(nc, raw); err != nil {
		t.Fatalf("write %q: %v", raw[:min(len(raw), 100)], err)
	}
}

func readAll(t *testing.T, nc net.Conn) string {
	t.Helper()
	all, err := io.ReadAll(nc)
	if err != nil {
		t.Fatalf("got %q and then %v, want it to end", all, err)
	}
	return string(all)
}

// readUntil reads from nc until what was read ends with the text.
func readUntil(t *testing.T, nc net.Conn, text string) string {
	t.Helper()
	var got []byte
	one := make([]byte, 1)
	for !bytes.HasSuffix(got, []byte(text)) {
		if _, err := nc.Read(one); err != nil {
			t.Fatalf("got %q and then %v, want %q", got, err, text)
		}
		got = append(got, one[0])
	}
	return string(got)
}

// contains checks that text has every piece, in that order.
func contains(t *testing.T, text string, pieces ...string) {
	t.Helper()
	rest := text
	for _, piece := range pieces {
		_, after, ok := strings.Cut(rest, piece)
		if !ok {
			t.Errorf("got %q, want %q in it", text, pieces)
			return
		}
		rest = after
	}
}

// logbook is a log that can be read while it is written.
type logbook struct {
	mu   sync.Mutex // guards what follows
	text bytes.Buffer
}

func (l *logbook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logbook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func (l *logbook) logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }

// tellWhenServing returns a logger that closes serving when a server says that it serves.
func tellWhenServing(serving chan struct{}) *slog.Logger {
	var once sync.Once
	return slog.New(slog.NewTextHandler(writerFunc(func(p []byte) (int, error) {
		if bytes.Contains(p, []byte("serving addr=")) {
			once.Do(func() { close(serving) })
		}
		return len(p), nil
	}), nil))
}

type writerFunc func(p []byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }
