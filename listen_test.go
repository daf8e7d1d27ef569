//go:build unix

package hyperlane_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hyperlane-go/hyperlane"
)

// TestMain makes the test binary a server, when it is started as one, on a listener that it inherits.
func TestMain(m *testing.M) {
	addr := os.Getenv("HYPERLANE_TEST_SERVE")
	if addr == "" {
		os.Exit(m.Run())
	}
	if os.Getenv("LISTEN_PID") == "self" { // systemd knows it between fork and exec; exec.Cmd does not
		os.Setenv("LISTEN_PID", fmt.Sprint(os.Getpid()))
	}
	s := hyperlane.New(hyperlane.Config{})
	s.Get("/", func(c *hyperlane.Context) error { return c.Text("inherited by " + addr) })
	ctx, cancel := context.WithCancel(context.Background())
	go func() { // until the parent lets go of the standard input
		bufio.NewReader(os.Stdin).ReadByte()
		cancel()
	}()
	if err := s.Run(ctx, addr); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

func TestAServerServesOnAListenerThatItInherits(t *testing.T) {
	for _, test := range []struct {
		addr string
		env  []string
		at   int // which of two descriptors it is
	}{
		{"fd:3", nil, 0},
		{"fd:4", nil, 1},
		{"systemd:", []string{"LISTEN_PID=self", "LISTEN_FDS=2", "LISTEN_FDNAMES=a:b"}, 0},
		{"systemd:b", []string{"LISTEN_PID=self", "LISTEN_FDS=2", "LISTEN_FDNAMES=a:b"}, 1},
	} {
		t.Run(test.addr, func(t *testing.T) {
			var addrs [2]string
			command := exec.Command(os.Args[0])
			command.Env = append(append(os.Environ(), "HYPERLANE_TEST_SERVE="+test.addr), test.env...)
			for i := range addrs {
				ln := listenTCP(t).(*net.TCPListener)
				f, err := ln.File()
				if err != nil {
					t.Fatal(err)
				}
				addrs[i] = ln.Addr().String()
				ln.Close()
				defer f.Close()
				command.ExtraFiles = append(command.ExtraFiles, f)
			}
			var said strings.Builder
			command.Stderr = &said
			stdin, err := command.StdinPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := command.Start(); err != nil {
				t.Fatal(err)
			}
			client := http.Client{Timeout: patience}
			r, err := client.Get("http://" + addrs[test.at] + "/")
			if err != nil {
				t.Errorf("%v; the server said: %s", err, said.String())
			} else {
				body, _ := bufio.NewReader(r.Body).ReadString(0)
				r.Body.Close()
				if want := "inherited by " + test.addr; body != want {
					t.Errorf("got %q, want %q", body, want)
				}
			}
			client.CloseIdleConnections()
			stdin.Close()
			if err := command.Wait(); err != nil {
				t.Errorf("got %v from the server; it said: %s", err, said.String())
			}
		})
	}
}

func TestAUnixSocketThatNobodyServesIsReplaced(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	dead, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	dead.(*net.UnixListener).SetUnlinkOnClose(false)
	dead.Close() // as a process does that is killed
	ask := func() (string, error) {
		nc, err := net.Dial("unix", path)
		if err != nil {
			return "", err
		}
		defer nc.Close()
		fmt.Fprint(nc, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		return readMessage(nc)
	}
	if got, err := ask(); err == nil {
		t.Fatalf("got %q from a dead socket", got)
	}
	run := func(ctx context.Context, text string) (serving chan struct{}, ended chan error) {
		serving, ended = make(chan struct{}), make(chan error, 1)
		s := hyperlane.New(hyperlane.Config{Logger: tellWhenServing(serving)})
		s.Get("/", say(text))
		go func() { ended <- s.Run(ctx, "unix:"+path) }()
		return serving, ended
	}
	ctx, cancel := context.WithCancel(context.Background())
	serving, ended := run(ctx, "first")
	await(t, serving, "the server on the socket of a dead one")
	if got, err := ask(); err != nil || !strings.HasSuffix(got, "first") {
		t.Errorf("got %q, %v", got, err)
	}

	// A socket that answers belongs to somebody, and a file that is no socket, too.
	_, second := run(ctx, "second")
	if err := await(t, second, "Run on a socket that is served"); err == nil || !strings.Contains(err.Error(), "address already in use") {
		t.Errorf("got %v from a second server on one socket", err)
	}
	if got, err := ask(); err != nil || !strings.HasSuffix(got, "first") {
		t.Errorf("got %q, %v after another had tried", got, err)
	}
	cancel()
	if err := await(t, ended, "the end of Run"); err != nil {
		t.Error(err)
	}
	if err := os.WriteFile(path, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, third := run(context.Background(), "third")
	if err := await(t, third, "Run on a file"); err == nil {
		t.Error("got no error from Run on a file that is no socket")
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != "precious" {
		t.Errorf("got %q, %v, want the file as it was", text, err)
	}
}
