package websocket_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/hyperlane-go/hyperlane/hyperlanetest"
	"github.com/hyperlane-go/hyperlane/websocket"
)

// A case is what a client sends, and what an echo must answer: exactly that, and if the last is a close frame, the end of the connection.
// The numbers are those of the Autobahn test suite.
type strictCase struct {
	number string
	send   []string
	want   []string
}

// end is a closing handshake that nothing was wrong with, which shows that nothing else came before.
var end = f(0x88, closing(1000, ""))

func closed(status int) string { return got(0x88, closing(status, "")) }

func strictCases() (cases []strictCase) {
	add := func(number string, send []string, want ...string) {
		cases = append(cases, strictCase{number, send, want})
	}
	ended := closed(1000)
	broken := closed(1002)
	for i, size := range []int{0, 125, 126, 127, 128, 65535, 65536} {
		text := strings.Repeat("*", size)
		add(fmt.Sprintf("1.1.%d", i+1), []string{f(0x81, text), end}, got(0x81, text), ended)
		binary := strings.Repeat("\xfe", size)
		add(fmt.Sprintf("1.2.%d", i+1), []string{f(0x82, binary), end}, got(0x82, binary), ended)
	}

	add("2.1", []string{f(0x89, ""), end}, got(0x8a, ""), ended)
	add("2.2", []string{f(0x89, "Hello, world!"), end}, got(0x8a, "Hello, world!"), ended)
	add("2.3", []string{f(0x89, "\x00\xff\xfe\xfd\xfc\xfb\x00\xff"), end}, got(0x8a, "\x00\xff\xfe\xfd\xfc\xfb\x00\xff"), ended)
	add("2.4", []string{f(0x89, strings.Repeat("\xfe", 125)), end}, got(0x8a, strings.Repeat("\xfe", 125)), ended)
	add("2.5", []string{f(0x89, strings.Repeat("\xfe", 126))}, broken)
	add("2.7", []string{f(0x8a, ""), end}, ended)
	add("2.8", []string{f(0x8a, "unsolicited"), end}, ended)
	add("2.9", []string{f(0x8a, "unsolicited"), f(0x89, "ping"), end}, got(0x8a, "ping"), ended)
	var pings, pongs []string
	for i := range 10 {
		pings, pongs = append(pings, f(0x89, fmt.Sprint(i))), append(pongs, got(0x8a, fmt.Sprint(i)))
	}
	add("2.10", append(pings, end), append(pongs, ended)...)

	hello := f(0x81, "Hello, world!")
	helloed := got(0x81, "Hello, world!")
	for rsv := byte(1); rsv < 8; rsv++ {
		bad := f(0x81|rsv<<4, "x")
		if rsv == 6 {
			bad = f(0x82|rsv<<4, "x")
		}
		add(fmt.Sprintf("3.%d", rsv), []string{hello, bad, hello}, helloed, broken)
		add(fmt.Sprintf("3.%d on a ping", rsv), []string{f(0x89|rsv<<4, "x")}, broken)
		add(fmt.Sprintf("3.%d on a close", rsv), []string{f(0x88|rsv<<4, closing(1000, ""))}, broken)
	}
	for i, op := range []byte{3, 4, 5, 6, 7} {
		add(fmt.Sprintf("4.1.%d", i+1), []string{hello, f(0x80|op, ""), hello}, helloed, broken)
		add(fmt.Sprintf("4.1.%d with payload", i+1), []string{hello, f(0x80|op, "x"), hello}, helloed, broken)
	}
	for i, op := range []byte{11, 12, 13, 14, 15} {
		add(fmt.Sprintf("4.2.%d", i+1), []string{hello, f(0x80|op, ""), hello}, helloed, broken)
		add(fmt.Sprintf("4.2.%d with payload", i+1), []string{hello, f(0x80|op, "x"), hello}, helloed, broken)
	}

	add("5.1", []string{f(0x09, "frag"), f(0x80, "ment")}, broken)
	add("5.2", []string{f(0x0a, "frag"), f(0x80, "ment")}, broken)
	add("5.3", []string{f(0x01, "frag"), f(0x80, "ment"), end}, got(0x81, "fragment"), ended)
	add("5.6", []string{f(0x01, "frag"), f(0x89, "ping"), f(0x80, "ment"), end}, got(0x8a, "ping"), got(0x81, "fragment"), ended)
	add("5.9", []string{f(0x80, "no start"), hello}, broken)
	add("5.12", []string{f(0x00, "no start"), hello}, broken)
	add("5.15", []string{f(0x01, "frag"), f(0x80, "ment"), f(0x00, "more"), hello}, got(0x81, "fragment"), broken)
	add("5.18", []string{f(0x01, "frag"), f(0x81, "ment")}, broken)
	add("5.19", []string{f(0x01, "a"), f(0x00, "b"), f(0x89, "1"), f(0x00, "c"), f(0x00, "d"), f(0x89, "2"), f(0x80, "e"), end},
		got(0x8a, "1"), got(0x8a, "2"), got(0x81, "abcde"), ended)

	for i, text := range []string{"Hello-µ@ßöäüàá-UTF-8!!", "κόσμε", "\U0010ffff", "\x00", "\u007f", "\u0080", "\u07ff", "\u0800", "\uffff", "\U00010000", "\ud7ff", "\ue000", "\ufffd", "\ufdd0"} {
		add(fmt.Sprintf("6 valid %d", i), []string{f(0x81, text), end}, got(0x81, text), ended)
		var pieces []string
		for j := range len(text) {
			pieces = append(pieces, f(map[bool]byte{true: 0x01, false: 0x00}[j == 0], text[j:j+1]))
		}
		add(fmt.Sprintf("6 valid %d by bytes", i), append(pieces, f(0x80, ""), end), got(0x81, text), ended)
	}
	for i, text := range []string{
		"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80edited", "\xf4\x90\x80\x80", "\xf8\x88\x80\x80\x80", "\xfc\x84\x80\x80\x80\x80",
		"\x80", "\xbf", "\xc0\xaf", "\xe0\x80\xaf", "\xf0\x80\x80\xaf", "\xc1\xbf", "\xed\xbf\xbf", "\xfe", "\xff", "a\xc3", "\xe2\x82", "\xf0\x9f\x98", "\xc3(",
	} {
		add(fmt.Sprintf("6 invalid %d", i), []string{f(0x81, text)}, closed(1007))
		var pieces []string
		for j := range len(text) {
			pieces = append(pieces, f(map[bool]byte{true: 0x01, false: 0x00}[j == 0], text[j:j+1]))
		}
		add(fmt.Sprintf("6 invalid %d by bytes", i), append(pieces, f(0x80, "")), closed(1007))
	}
	// As soon as it is known: the rest of the frame, or of the message, never comes.
	add("6.4.1", []string{f(0x01, "κόσμε\xf4\x90")}, closed(1007))
	add("6.4.3", []string{f(0x81, "κόσμε\xf4\x90\x80\x80 and more that never comes")[:6+len("κόσμε\xf4\x90")]}, closed(1007))

	add("7.1.1", []string{hello, end}, helloed, ended)
	add("7.1.2", []string{end, end}, ended)
	add("7.1.3", []string{end, f(0x89, "too late")}, ended)
	add("7.1.4", []string{end, hello}, ended)
	add("7.1.5", []string{f(0x01, "frag"), end, f(0x80, "ment")}, ended)
	add("7.3.1", []string{f(0x88, "")}, got(0x88, ""))
	add("7.3.2", []string{f(0x88, "a")}, broken)
	add("7.3.4", []string{f(0x88, closing(1000, "Hello World!"))}, ended)
	add("7.3.5", []string{f(0x88, closing(1000, strings.Repeat("*", 123)))}, ended)
	add("7.3.6", []string{f(0x88, closing(1000, strings.Repeat("*", 124)))}, broken)
	add("7.5.1", []string{f(0x88, closing(1000, "\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80edited"))}, closed(1007))
	for _, status := range []int{1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999} {
		add(fmt.Sprintf("7.7 status %d", status), []string{f(0x88, closing(status, ""))}, closed(status))
	}
	for _, status := range []int{0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535} {
		add(fmt.Sprintf("7.9 status %d", status), []string{f(0x88, closing(status, ""))}, broken)
	}

	add("unmasked", []string{"\x81\x01x"}, broken)
	add("length 16 bits, needs 7", []string{"\x82\xfe\x00\x7d\x00\x00\x00\x00"}, broken)
	add("length 64 bits, needs 16", []string{"\x82\xff\x00\x00\x00\x00\x00\x00\xff\xff\x00\x00\x00\x00"}, broken)
	add("length with its highest bit", []string{"\x82\xff\x80\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"}, broken)
	add("too big", []string{"\x82\xff\x00\x00\x00\x00\x00\x20\x00\x00\x00\x00\x00\x00"}, closed(1009))
	big := strings.Repeat("x", 512<<10)
	add("too big in fragments", []string{f(0x02, big), f(0x00, big), f(0x80, "x")}, closed(1009))
	return cases
}

func TestStrictly(t *testing.T) {
	blocking := func() *websocket.Endpoint {
		return blockingEcho(websocket.Config{Compression: websocket.Compression{Off: true}})
	}
	for style, endpoint := range map[string]func() *websocket.Endpoint{
		"events": echo(websocket.Config{Compression: websocket.Compression{Off: true}}), "blocking": blocking,
	} {
		t.Run(style, func(t *testing.T) {
			each(t, endpoint, func(t *testing.T, c *hyperlanetest.Client, _ *websocket.Endpoint) {
				for _, test := range strictCases() {
					t.Run(test.number, func(t *testing.T) {
						w, _ := upgrade(t, c)
						all := strings.Join(test.send, "")
						w.send(all)
						w.wants(test.want...)
					})
					if len(strings.Join(test.send, "")) > 4<<10 || style == "blocking" {
						continue
					}
					t.Run(test.number+" by bytes", func(t *testing.T) {
						w, _ := upgrade(t, c)
						for _, b := range []byte(strings.Join(test.send, "")) {
							if _, err := w.nc.Write([]byte{b}); err != nil {
								break // the server has heard enough
							}
						}
						w.wants(test.want...)
					})
				}
			})
		})
	}
}
