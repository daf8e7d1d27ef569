package hyperlanetest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// pair returns both ends of a connection in memory.
func pair(t *testing.T) (client, server net.Conn) {
	t.Helper()
	m := newMemory()
	client, err := m.dial(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	server, err = m.Accept()
	if err != nil {
		t.Fatal(err)
	}
	return client, server
}

func TestAWriteInMemoryDoesNotWaitForItsReaderUntilTheWindowIsFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := pair(t)
		sent := bytes.Repeat([]byte("0123456789"), window/4)
		var wrote sync.WaitGroup
		written := 0
		wrote.Go(func() {
			for len(sent[written:]) > 0 {
				n, err := client.Write(sent[written:min(written+1000, len(sent))])
				if written += n; err != nil {
					t.Error(err)
					return
				}
			}
			client.Close()
		})
		synctest.Wait()
		if written < window-1000 || written > window {
			t.Errorf("got %d bytes written before the first read, want nearly %d", written, window)
		}
		got, err := io.ReadAll(server)
		if err != nil || !bytes.Equal(got, sent) {
			t.Errorf("got %d bytes and %v, want the %d that were sent", len(got), err, len(sent))
		}
		wrote.Wait()
	})
}

func TestAConnectionInMemoryEndsAsATCPConnectionDoes(t *testing.T) {
	for _, test := range []struct {
		name     string
		end      func(client, server net.Conn)
		read     error // what the server's Read gives
		mayWrite bool  // the server can still answer
	}{
		{"half closed", func(client, _ net.Conn) { client.(interface{ CloseWrite() error }).CloseWrite() }, io.EOF, true},
		{"closed", func(client, _ net.Conn) { client.Close() }, io.EOF, false},
		{"closed with something unread", func(client, server net.Conn) { server.Write([]byte("x")); client.Close() }, syscall.ECONNRESET, false},
		{"closed without linger", func(client, _ net.Conn) {
			client.(interface{ SetLinger(int) error }).SetLinger(0)
			client.Close()
		}, syscall.ECONNRESET, false},
		{"closed by oneself", func(_, server net.Conn) { server.Close() }, net.ErrClosed, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			client, server := pair(t)
			test.end(client, server)
			if _, err := server.Read(make([]byte, 1)); !errors.Is(err, test.read) {
				t.Errorf("got %v from Read, want %v", err, test.read)
			}
			if _, err := server.Write([]byte("x")); (err == nil) != test.mayWrite {
				t.Errorf("got %v from Write, want success: %t", err, test.mayWrite)
			}
		})
	}
}

func TestADeadlineEndsACallThatWaitsInMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, server := pair(t)
		start := time.Now()
		server.SetReadDeadline(start.Add(time.Hour))
		if _, err := server.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(start) != time.Hour {
			t.Errorf("got %v after %v, want %v after an hour", err, time.Since(start), os.ErrDeadlineExceeded)
		}
		go func() {
			synctest.Wait() // until the Read below waits
			server.SetReadDeadline(time.Unix(1, 0))
		}()
		server.SetReadDeadline(time.Time{})
		if _, err := server.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("got %v from a Read whose deadline was moved to the past, want %v", err, os.ErrDeadlineExceeded)
		}
		server.SetWriteDeadline(time.Now().Add(time.Minute))
		if n, err := server.Write(make([]byte, window+1)); n != window || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("got %d, %v from a Write that nobody reads, want %d, %v", n, err, window, os.ErrDeadlineExceeded)
		}
	})
}

func TestNobodyReachesAListenerInMemoryThatIsClosed(t *testing.T) {
	m := newMemory()
	waiting, err := m.dial(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	m.Close()
	if _, err := waiting.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("got %v on a connection that was never accepted, want EOF", err)
	}
	if _, err := m.dial(context.Background()); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("got %v from dial, want %v", err, syscall.ECONNREFUSED)
	}
	if _, err := m.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("got %v from Accept, want %v", err, net.ErrClosed)
	}
}
