//go:build linux

package load

import (
	"errors"
	"testing"
)

func TestAHeadIsReadOnlyWhenItIsCompleteAndRight(t *testing.T) {
	for _, test := range []struct {
		name string
		in   string
		want head
		size int // of the head; 0 when it is not complete
		err  error
	}{
		{"whole", "HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\nHello", head{200, 13}, 39, nil},
		{"name in lower case", "HTTP/1.1 404 Not Found\r\ncontent-length:0\r\n\r\n", head{404, 0}, 44, nil},
		{"no reason", "HTTP/1.1 204\r\nContent-Length: 0\r\n\r\n", head{204, 0}, 35, nil},
		{"not complete", "HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r", head{}, 0, nil},
		{"no length", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", head{}, 0, errNoLength},
		{"two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n", head{}, 0, errNoLength},
		{"negative length", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", head{}, 0, errNoLength},
		{"another protocol", "SSH-2.0-OpenSSH\r\n\r\n", head{}, 0, errStatusLine},
		{"status with four digits", "HTTP/1.1 2000 OK\r\nContent-Length: 1\r\n\r\n", head{}, 0, errStatusLine},
		{"endless head", string(make([]byte, maxHead+1)), head{}, 0, errHeadTooLong},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, size, err := parseHead([]byte(test.in))
			if got != test.want || size != test.size || !errors.Is(err, test.err) {
				t.Errorf("parseHead(%q) = %v, %d, %v; want %v, %d, %v",
					test.in, got, size, err, test.want, test.size, test.err)
			}
		})
	}
}

func TestARememberedHeadIsNotTakenForAnother(t *testing.T) {
	var r headReader
	first := "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"
	second := "HTTP/1.1 200 OK\r\nContent-Length: 51\r\n\r\n"
	for _, step := range []struct {
		in   string
		want head
		size int
	}{
		{first + "hello", head{200, 5}, len(first)},
		{first + "again", head{200, 5}, len(first)}, // remembered
		{second, head{200, 51}, len(second)},        // another one
		{first[:20], head{}, 0},                     // not whole
	} {
		got, size, err := r.read([]byte(step.in))
		if got != step.want || size != step.size || err != nil {
			t.Errorf("read(%q) = %v, %d, %v; want %v, %d, nil", step.in, got, size, err, step.want, step.size)
		}
	}
}

func FuzzParseHead(f *testing.F) {
	f.Add([]byte("HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\nHello, World!"))
	f.Add([]byte("HTTP/1.1 200\r\n\r\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		h, n, err := parseHead(b)
		if n < 0 || n > len(b) {
			t.Fatalf("size %d of %d bytes", n, len(b))
		}
		if n > 0 && (err != nil || h.length < 0 || h.status < 100) {
			t.Fatalf("complete, but %+v and %v", h, err)
		}
	})
}
