package websocket_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/hyperlane-go/hyperlane/hyperlanetest"
	"github.com/hyperlane-go/hyperlane/websocket"
)

// The cases of this file have the numbers of the Autobahn test suite, too: there they are about performance, here about the bytes being the
// same.

// volume is what a client sends to an echo, again and again.
type volume struct {
	number   string
	first    byte // of the message: 0x81 or 0x82, and 0xc1 or 0xc2 if it is compressed
	size     int  // bytes of a message before it is compressed
	fragment int  // bytes of a frame; 0 is one frame for all
	chop     int  // bytes of a write; 0 is one write for all
	messages int
}

const kib, mib = 1 << 10, 1 << 20

func volumes() (all []volume) {
	for kind, first := range []byte{0x81, 0x82} {
		for i, size := range []int{64 * kib, 256 * kib, mib, 4 * mib, 8 * mib, 16 * mib} {
			all = append(all, volume{fmt.Sprintf("9.%d.%d", 1+kind, i+1), first, size, 0, 0, 1})
		}
		for i, fragment := range []int{64, 256, kib, 4 * kib, 16 * kib, 64 * kib, 256 * kib, mib, 4 * mib} {
			all = append(all, volume{fmt.Sprintf("9.%d.%d", 3+kind, i+1), first, 4 * mib, fragment, 0, 1})
		}
		for i, chop := range []int{64, 128, 256, 512, kib, 2 * kib} {
			all = append(all, volume{fmt.Sprintf("9.%d.%d", 5+kind, i+1), first, mib, 0, chop, 1})
		}
		for i, size := range []int{0, 16, 64, 256, kib, 4 * kib} {
			all = append(all, volume{fmt.Sprintf("9.%d.%d", 7+kind, i+1), first, size, 0, 0, 200})
		}
	}
	return append(all, volume{"10.1.1", 0x81, 64 * kib, 1300, 0, 1})
}

// compressedVolumes are the cases of one group of the sections 12 and 13. There each has a thousand messages, here 2 to
// 50: enough for one to refer back to others.
func compressedVolumes(group string) (all []volume) {
	add := func(size, fragment int) {
		first := byte(0xc1)
		if len(all)%2 == 1 {
			first = 0xc2
		}
		all = append(all, volume{fmt.Sprintf("%s.%d", group, len(all)+1), first, size, fragment, 0, min(50, max(2, 32*kib/size))})
	}
	for size := 16; size <= 4*kib; size *= 4 {
		add(size, 0)
	}
	for size := 8 * kib; size <= 128*kib; size *= 2 {
		add(size, 0)
	}
	for size := 8 * kib; size <= 128*kib; size *= 2 {
		add(size, 256)
	}
	for _, fragment := range []int{kib, 4 * kib, 32 * kib} {
		add(128*kib, fragment)
	}
	return all
}

// frames returns a message in as many frames as it takes.
func (v volume) frames(payload string) string {
	if v.fragment == 0 {
		return f(v.first, payload)
	}
	var b strings.Builder
	for first, final := v.first&^0x80, byte(0); final == 0; first = 0 {
		n := min(v.fragment, len(payload))
		if n == len(payload) {
			final = 0x80
		}
		b.WriteString(f(first|final, payload[:n]))
		payload = payload[n:]
	}
	return b.String()
}

// send sends one message. The echo is read meanwhile: neither end has room for all.
func (v volume) send(w *raw, payload string) <-chan error {
	sent := make(chan error, 1)
	go func() {
		all := []byte(v.frames(payload))
		var err error
		for step := len(all); len(all) > 0 && err == nil; all = all[min(step, len(all)):] {
			if v.chop > 0 {
				step = v.chop
			}
			_, err = w.nc.Write(all[:min(step, len(all))])
		}
		sent <- err
	}()
	return sent
}

func (v volume) text() string {
	const words = "Il ne suffit pas d'être grand, il faut revenir à temps: κόσμε "
	return strings.Repeat(words, v.size/len(words)+1)[:v.size/len(words)*len(words)] + strings.Repeat(".", v.size%len(words))
}

func TestVolumes(t *testing.T) {
	config := websocket.Config{MessageLimit: 16 * mib, Compression: websocket.Compression{Off: true}}
	each(t, echo(config), func(t *testing.T, c *hyperlanetest.Client, _ *websocket.Endpoint) {
		for _, v := range volumes() {
			t.Run(v.number, func(t *testing.T) {
				w, _ := upgrade(t, c)
				text := v.text()
				for i := range v.messages {
					sent := v.send(w, text)
					first, payload, err := w.frame()
					if err != nil || first != v.first || payload != text {
						t.Fatalf("message %d: got a frame that begins with %#x, of %d bytes, %v", i, first, len(payload), err)
					}
					if err := <-sent; err != nil {
						t.Fatal(err)
					}
				}
				w.send(end)
				w.wants(closed(1000))
			})
		}
	})
}

func TestCompressedVolumes(t *testing.T) {
	for _, group := range []struct {
		number   string
		takeover bool // as the server is configured
		offer    string
	}{
		{"12.1", false, ""},
		{"13.1", true, ""},
		{"13.2", true, "; server_no_context_takeover"},
		{"13.3", true, "; server_max_window_bits=9"},
		{"13.4", true, "; server_max_window_bits=15"},
		{"13.5", true, "; server_no_context_takeover; server_max_window_bits=9"},
		{"13.6", true, "; server_no_context_takeover; server_max_window_bits=15"},
		{"13.7", true, "; server_no_context_takeover; server_max_window_bits=9, permessage-deflate; server_no_context_takeover, permessage-deflate"},
	} {
		config := websocket.Config{MessageLimit: 16 * mib, Compression: websocket.Compression{ContextTakeover: group.takeover, MinSize: 1}}
		each(t, echo(config), func(t *testing.T, c *hyperlanetest.Client, _ *websocket.Endpoint) {
			for _, v := range compressedVolumes(group.number) {
				t.Run(v.number, func(t *testing.T) {
					w, resp := upgrade(t, c, "Sec-WebSocket-Extensions: permessage-deflate"+group.offer)
					remembers := !strings.Contains(resp.Header.Get("Sec-WebSocket-Extensions"), "server_no_context_takeover")
					text, before := v.text(), ""
					small := deflate(text)
					for i := range v.messages {
						sent := v.send(w, small)
						first, payload, err := w.frame()
						if err != nil || first != v.first {
							t.Fatalf("message %d: got a frame that begins with %#x, %v", i, first, err)
						}
						if back, err := inflate(payload, before); err != nil || back != text {
							t.Fatalf("message %d: got %d bytes that expand to %d, %v, want %d", i, len(payload), len(back), err, len(text))
						}
						if remembers {
							before += text
							before = before[max(0, len(before)-32*kib):]
						}
						if err := <-sent; err != nil {
							t.Fatal(err)
						}
					}
					w.send(end)
					w.wants(closed(1000))
				})
			}
		})
	}
}
