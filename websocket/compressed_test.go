package websocket_test

import (
	"bytes"
	"compress/flate"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/hyperlane-go/hyperlane/hyperlanetest"
	"github.com/hyperlane-go/hyperlane/websocket"
)

// The peer of these tests compresses by the standard library, which the package does not use.

// deflate compresses as RFC 7692 section 7.2.1 says.
func deflate(text string) string {
	var b bytes.Buffer
	w, _ := flate.NewWriter(&b, flate.BestCompression)
	io.WriteString(w, text)
	w.Flush()
	return strings.TrimSuffix(b.String(), "\x00\x00\xff\xff")
}

// inflate undoes that, where before is what the text may refer back to.
func inflate(data, before string) (string, error) {
	r := flate.NewReaderDict(strings.NewReader(data+"\x00\x00\xff\xff\x01\x00\x00\xff\xff"), []byte(before))
	b, err := io.ReadAll(r)
	return string(b), err
}

func TestOffersOfCompression(t *testing.T) {
	tests := []struct {
		takeover bool
		offer    string
		answer   string // without its spaces
	}{
		{false, "permessage-deflate", "permessage-deflate;server_no_context_takeover;client_no_context_takeover"},
		{false, "permessage-deflate; client_max_window_bits", "permessage-deflate;server_no_context_takeover;client_no_context_takeover"},
		{true, "permessage-deflate", "permessage-deflate"},
		{true, "permessage-deflate; client_max_window_bits", "permessage-deflate"},
		{true, "permessage-deflate; client_no_context_takeover", "permessage-deflate;client_no_context_takeover"},
		{true, "permessage-deflate; server_no_context_takeover", "permessage-deflate;server_no_context_takeover"},
		{true, "permessage-deflate; server_max_window_bits=9", "permessage-deflate;server_max_window_bits=9"},
		{true, "permessage-deflate; server_max_window_bits=8", "permessage-deflate;server_max_window_bits=8"},
		{true, "permessage-deflate; server_max_window_bits=15", "permessage-deflate;server_max_window_bits=15"},
		{true, `permessage-deflate; server_max_window_bits="10"`, "permessage-deflate;server_max_window_bits=10"},
		{true, "permessage-deflate; unknown", ""},
		{true, "permessage-deflate; server_max_window_bits", ""},
		{true, "permessage-deflate; server_max_window_bits=7", ""},
		{true, "permessage-deflate; server_max_window_bits=16", ""},
		{true, "permessage-deflate; server_max_window_bits=09", ""},
		{true, "permessage-deflate; server_max_window_bits=10; server_max_window_bits=10", ""},
		{true, "permessage-deflate; server_no_context_takeover=1", ""},
		{true, "permessage-deflate; client_max_window_bits=99", ""},
		{true, "x-webkit-deflate-frame", ""},
		{true, "permessage-deflate; unknown, permessage-deflate; server_no_context_takeover", "permessage-deflate;server_no_context_takeover"},
		{true, "other; a=\"b, permessage-deflate\"", ""},
	}
	for _, takeover := range []bool{false, true} {
		each(t, echo(websocket.Config{Compression: websocket.Compression{ContextTakeover: takeover}}), func(t *testing.T, c *hyperlanetest.Client, _ *websocket.Endpoint) {
			for _, test := range tests {
				if test.takeover != takeover {
					continue
				}
				_, resp := upgrade(t, c, "Sec-WebSocket-Extensions: "+test.offer)
				if answer := strings.ReplaceAll(resp.Header.Get("Sec-WebSocket-Extensions"), " ", ""); answer != test.answer {
					t.Errorf("offer %q: got %q, want %q", test.offer, answer, test.answer)
				}
			}
		})
	}
}

func TestCompressedMessagesComeBack(t *testing.T) {
	for _, takeover := range []bool{false, true} {
		for bits := 8; bits <= 15; bits++ {
			config := websocket.Config{Compression: websocket.Compression{ContextTakeover: takeover, MinSize: 1}}
			t.Run(fmt.Sprintf("takeover %v, %d bits", takeover, bits), func(t *testing.T) {
				each(t, echo(config), func(t *testing.T, c *hyperlanetest.Client, _ *websocket.Endpoint) {
					w, _ := upgrade(t, c, fmt.Sprintf("Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=%d", bits))
					before := ""
					for i, text := range []string{"x", "Hello, Hello, Hello", strings.Repeat("so it goes, ", 20_000), "Hello, Hello, Hello", noise(5000), "κόσμε"} {
						first := byte(0xc2)
						if i%2 == 1 {
							first = 0xc1
						}
						w.send(f(first, deflate(text)))
						got, payload, err := w.frame()
						if err != nil || got != first {
							t.Fatalf("message %d: %#x, %v", i, got, err)
						}
						back, err := inflate(payload, before)
						if err != nil || back != text {
							t.Fatalf("message %d: %v, and %d bytes that are other than the %d", i, err, len(back), len(text))
						}
						if takeover {
							before += text
							before = before[max(0, len(before)-1<<15):]
						}
					}
					w.send(end)
					w.wants(closed(1000))
				})
			})
		}
	}
}

func TestCompressedStrictly(t *testing.T) {
	hello := deflate("Hello")
	bomb := deflate(strings.Repeat("\x00", 2<<20))
	tests := map[string]strictCase{
		"the example of RFC 7692 section 7.2.3.1": {"", []string{f(0xc1, "\xf2\x48\xcd\xc9\xc9\x07\x00"), end}, []string{got(0x81, "Hello"), closed(1000)}},
		"in two frames (7.2.3.1)":                 {"", []string{f(0x41, "\xf2\x48\xcd"), f(0x80, "\xc9\xc9\x07\x00"), end}, []string{got(0x81, "Hello"), closed(1000)}},
		"a block without compression (7.2.3.3)":   {"", []string{f(0xc1, "\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00"), end}, []string{got(0x81, "Hello"), closed(1000)}},
		"a block with BFINAL (7.2.3.4)":           {"", []string{f(0xc1, "\xf3\x48\xcd\xc9\xc9\x07\x00\x00"), end}, []string{got(0x81, "Hello"), closed(1000)}},
		"two blocks (7.2.3.5)":                    {"", []string{f(0xc1, "\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00"), end}, []string{got(0x81, "Hello"), closed(1000)}},
		"empty (7.2.3.6)":                         {"", []string{f(0xc1, "\x00"), end}, []string{got(0x81, ""), closed(1000)}},
		"uncompressed":                            {"", []string{f(0x81, "Hello"), end}, []string{got(0x81, "Hello"), closed(1000)}},
		"a ping between its frames":               {"", []string{f(0x41, hello[:2]), f(0x89, "?"), f(0x80, hello[2:]), end}, []string{got(0x8a, "?"), got(0x81, "Hello"), closed(1000)}},
		"RSV1 on the second frame":                {"", []string{f(0x41, hello[:2]), f(0xc0, hello[2:])}, []string{closed(1002)}},
		"RSV1 on a ping":                          {"", []string{f(0xc9, "")}, []string{closed(1002)}},
		"RSV2":                                    {"", []string{f(0xa1, "x")}, []string{closed(1002)}},
		"no deflate":                              {"", []string{f(0xc2, "\xff\xff\xff\xff")}, []string{closed(1007)}},
		"not UTF-8":                               {"", []string{f(0xc1, deflate("\xff"))}, []string{closed(1007)}},
		"blocks with BFINAL, without end":         {"", []string{f(0xc2, strings.Repeat("\x03\x00", 400_000))}, []string{closed(1007)}},
		"a bomb":                                  {"", []string{f(0xc2, bomb)}, []string{closed(1009)}},
	}
	each(t, echo(websocket.Config{}), func(t *testing.T, c *hyperlanetest.Client, _ *websocket.Endpoint) {
		for name, test := range tests {
			t.Run(name, func(t *testing.T) {
				w, _ := upgrade(t, c, "Sec-WebSocket-Extensions: permessage-deflate")
				w.send(strings.Join(test.send, ""))
				w.wants(test.want...)
			})
		}
	})
}

func TestTheLimitOfAMessageIsThatOfTheExpandedOne(t *testing.T) {
	const limit = 64 << 10
	noise := make([]byte, limit+1)
	rand.NewChaCha8([32]byte{}).Read(noise) // its compressed form is larger
	each(t, echo(websocket.Config{MessageLimit: limit}), func(t *testing.T, c *hyperlanetest.Client, _ *websocket.Endpoint) {
		w, _ := upgrade(t, c, "Sec-WebSocket-Extensions: permessage-deflate")
		fits := string(noise[:limit])
		if n := len(deflate(fits)); n <= limit {
			t.Fatalf("%d bytes of noise are compressed to %d", limit, n)
		}
		w.send(f(0xc2, deflate(fits)))
		first, payload, err := w.frame()
		if first == 0xc2 && err == nil {
			payload, err = inflate(payload, "")
		}
		if err != nil || payload != fits {
			t.Fatalf("got a frame that begins with %#x, of %d bytes, %v", first, len(payload), err)
		}
		w.send(f(0xc2, deflate(string(noise))))
		w.wants(closed(1009))
	})
}
