package http1

import (
	"bufio"
	"bytes"
	"math"
	"net/http"
	"testing"
)

func TestNothingAllocatesOnceItWasUsed(t *testing.T) {
	var h Head
	var b Body
	var out []byte
	request, refused := []byte(browser), []byte("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n")
	body := []byte("5;a=b\r\nhello\r\n0\r\nX: y\r\n\r\n")
	data := []byte("hello")
	for name, work := range map[string]func(){
		"parse a head": func() { h.Reset(); _, _ = h.Parse(request, &roomy) },
		"refuse one":   func() { h.Reset(); _, _ = h.Parse(refused, &roomy) },
		"find a field": func() { h.Find(request, "cookie") },
		"read a body": func() {
			b.Begin(&Head{Chunked: true}, math.MaxInt64)
			for in := body; !b.Done(); {
				_, n, err := b.Next(in)
				if err != nil {
					t.Fatal(err)
				}
				in = in[n:]
			}
		},
		"write a response": func() {
			out = AppendStatusLine(out[:0], 404)
			out = AppendField(out, "X", "y")
			out = AppendContentLength(out, 12345)
			out = AppendChunk(out, data)
			out = AppendLastChunk(out)
		},
	} {
		work()
		if got := testing.AllocsPerRun(100, work); got != 0 {
			t.Errorf("%s: %v allocations, want none", name, got)
		}
	}
}

func BenchmarkParseBrowserRequest(b *testing.B) {
	in := []byte(browser)
	b.Run("hyperlane", func(b *testing.B) {
		var h Head
		b.SetBytes(int64(len(in)))
		b.ReportAllocs()
		for b.Loop() {
			h.Reset()
			if n, err := h.Parse(in, &roomy); n != len(in) || err != nil {
				b.Fatal(n, err)
			}
		}
	})
	b.Run("nethttp", func(b *testing.B) {
		source := bytes.NewReader(in)
		reader := bufio.NewReader(source)
		b.SetBytes(int64(len(in)))
		b.ReportAllocs()
		for b.Loop() {
			source.Reset(in)
			reader.Reset(source)
			if _, err := http.ReadRequest(reader); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkParseSmallRequest(b *testing.B) {
	in := []byte("GET /plaintext HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n")
	var h Head
	b.ReportAllocs()
	for b.Loop() {
		h.Reset()
		if n, err := h.Parse(in, &roomy); n != len(in) || err != nil {
			b.Fatal(n, err)
		}
	}
}

// BenchmarkParseByteByByte parses a head of 10 kB that arrives one byte at a time: per byte it must not cost more than
// one of a short head.
func BenchmarkParseByteByByte(b *testing.B) {
	in := append([]byte("GET / HTTP/1.1\r\nHost: a\r\nX: "), bytes.Repeat([]byte("a"), 10_000)...)
	var h Head
	for b.Loop() {
		h.Reset()
		for end := range in {
			if _, err := h.Parse(in[:end], &roomy); err != nil {
				b.Fatal(err)
			}
		}
	}
}

func BenchmarkReadChunkedBody(b *testing.B) {
	var in []byte
	for range 16 {
		in = AppendChunk(in, make([]byte, 4<<10))
	}
	in = append(AppendLastChunk(in), "\r\n"...)
	var body Body
	b.SetBytes(int64(len(in)))
	b.ReportAllocs()
	for b.Loop() {
		body.Begin(&Head{Chunked: true}, math.MaxInt64)
		for rest := in; !body.Done(); {
			_, n, err := body.Next(rest)
			if err != nil {
				b.Fatal(err)
			}
			rest = rest[n:]
		}
	}
}
