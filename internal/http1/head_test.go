package http1

import (
	"fmt"
	"strings"
	"testing"
)

// roomy are limits that no test breaks by accident.
var roomy = Limits{Head: 64 << 10, Target: 8 << 10, Fields: 100, Field: 16 << 10}

// browser is what a browser sends for a page: 12 fields, about 700 bytes.
const browser = "GET /articles/hyperlane?page=2&sort=new HTTP/1.1\r\n" +
	"Host: www.example.com\r\n" +
	"Connection: keep-alive\r\n" +
	"Cache-Control: max-age=0\r\n" +
	"Upgrade-Insecure-Requests: 1\r\n" +
	"User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36\r\n" +
	"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8\r\n" +
	"Referer: https://www.example.com/articles?page=1&sort=new\r\n" +
	"Accept-Encoding: gzip, deflate, br, zstd\r\n" +
	"Accept-Language: en-GB,en;q=0.9,de;q=0.8\r\n" +
	"Cookie: session=8c6f3e0a51b94d2f9e1a7b6c; theme=dark; consent=yes\r\n" +
	"If-None-Match: \"5e1f-60a3c2d4b8f40\"\r\n" +
	"Sec-Fetch-Mode: navigate\r\n" +
	"\r\n"

// describe renders what a head says, one word for each thing that is not the default of an HTTP/1.1 request for "/".
func describe(h *Head, buf []byte) string {
	s := fmt.Sprintf("%s %s path=%s", h.Method.Of(buf), h.Target.Of(buf), h.Path.Of(buf))
	if h.HasQuery {
		s += fmt.Sprintf(" query=%s", h.Query.Of(buf))
	}
	s += fmt.Sprintf(" host=%s", h.Host.Of(buf))
	if h.Minor != 1 {
		s += fmt.Sprintf(" minor=%d", h.Minor)
	}
	if h.ContentLength != -1 {
		s += fmt.Sprintf(" length=%d", h.ContentLength)
	}
	for _, flag := range []struct {
		word string
		is   bool
	}{{" chunked", h.Chunked}, {" close", !h.KeepAlive}, {" expect", h.Expect}, {" upgrade", h.Upgrade}} {
		if flag.is {
			s += flag.word
		}
	}
	return s
}

func TestHeadsThatAreAccepted(t *testing.T) {
	const get = "GET / HTTP/1.1\r\n"
	const host = "Host: a\r\n"
	tests := []struct {
		name string // what is special about it
		in   string // without the final empty line
		want string // see describe
	}{
		{"the smallest request", get + host, "GET / path=/ host=a"},
		{"HTTP/1.0 needs no Host and does not persist", "GET / HTTP/1.0\r\n", "GET / path=/ host= minor=0 close"},
		{"HTTP/1.0 persists on request", "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n", "GET / path=/ host= minor=0"},
		{"in HTTP/1.0 close beats keep-alive", "GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n", "GET / path=/ host= minor=0 close"},
		{"a later minor version is HTTP/1.1", "GET / HTTP/1.9\r\n" + host, "GET / path=/ host=a"},
		{"one empty line before the request line", "\r\n" + get + host, "GET / path=/ host=a"},
		{"methods keep their case", "get / HTTP/1.1\r\n" + host, "get / path=/ host=a"},
		{"an unknown method is a method", "M-SEARCH / HTTP/1.1\r\n" + host, "M-SEARCH / path=/ host=a"},

		{"a query", "GET /a?b=c HTTP/1.1\r\n" + host, "GET /a?b=c path=/a query=b=c host=a"},
		{"an empty query", "GET /a? HTTP/1.1\r\n" + host, "GET /a? path=/a query= host=a"},
		{"a question mark in the query", "GET /a?b?c HTTP/1.1\r\n" + host, "GET /a?b?c path=/a query=b?c host=a"},
		{"escapes are left alone, even bad ones", "GET /%2F%zz HTTP/1.1\r\n" + host, "GET /%2F%zz path=/%2F%zz host=a"},
		{"what browsers leave unescaped in a path", "GET /[a]|^ HTTP/1.1\r\n" + host, "GET /[a]|^ path=/[a]|^ host=a"},
		{"what browsers leave unescaped in a query", "GET /?{a}|^`\\[] HTTP/1.1\r\n" + host, "GET /?{a}|^`\\[] path=/ query={a}|^`\\[] host=a"},
		{"empty segments", "GET //a//b HTTP/1.1\r\n" + host, "GET //a//b path=//a//b host=a"},
		{"absolute-form beats Host", "GET http://b:80/x?y HTTP/1.1\r\n" + host, "GET http://b:80/x?y path=/x query=y host=b:80"},
		{"absolute-form behind Host, other case", "GET HTTPS://b/ HTTP/1.1\r\n" + host, "GET HTTPS://b/ path=/ host=b"},
		{"absolute-form without a path", "GET http://b HTTP/1.1\r\n" + host, "GET http://b path= host=b"},
		{"absolute-form without a path, with a query", "GET http://b?q HTTP/1.1\r\n" + host, "GET http://b?q path= query=q host=b"},
		{"absolute-form and an empty Host", "GET http://b/ HTTP/1.1\r\nHost:\r\n", "GET http://b/ path=/ host=b"},
		{"asterisk-form", "OPTIONS * HTTP/1.1\r\n" + host, "OPTIONS * path=* host=a"},
		{"authority-form", "CONNECT b:443 HTTP/1.1\r\n" + host, "CONNECT b:443 path= host=b:443"},

		{"an empty Host", get + "Host:\r\n", "GET / path=/ host="},
		{"a Host with a port", get + "Host: a.b-c_d:8080\r\n", "GET / path=/ host=a.b-c_d:8080"},
		{"a Host with an empty port", get + "Host: a:\r\n", "GET / path=/ host=a:"},
		{"a Host with an escape", get + "Host: a%2Db\r\n", "GET / path=/ host=a%2Db"},
		{"a Host that is an IPv6 address", get + "Host: [2001:db8::1]:80\r\n", "GET / path=/ host=[2001:db8::1]:80"},
		{"field names in any case", get + "hOST: a\r\nCONTENT-length: 5\r\n", "GET / path=/ host=a length=5"},
		{"white space around a value", get + "Host: \t a \t\r\n", "GET / path=/ host=a"},
		{"no white space before a value", get + "Host:a\r\n", "GET / path=/ host=a"},
		{"an empty value", get + host + "X:\r\n", "GET / path=/ host=a"},
		{"HTAB and obs-text in a value", get + host + "X: a\tb\xff\x80c\r\n", "GET / path=/ host=a"},

		{"no body", get + host + "Content-Length: 0\r\n", "GET / path=/ host=a length=0"},
		{"a body with leading zeros in its length", get + host + "Content-Length: 007\r\n", "GET / path=/ host=a length=7"},
		{"the largest length", get + host + "Content-Length: 9223372036854775807\r\n", "GET / path=/ host=a length=9223372036854775807"},
		{"a chunked body, other case", get + host + "Transfer-Encoding: Chunked\r\n", "GET / path=/ host=a chunked"},
		{"close", get + host + "Connection: close\r\n", "GET / path=/ host=a close"},
		{"close in a list", get + host + "Connection: foo ,, Close\r\n", "GET / path=/ host=a close"},
		{"close is a token", get + host + "Connection: closed, not-close\r\n", "GET / path=/ host=a"},
		{"close in a second field", get + host + "Connection: keep-alive\r\nConnection: close\r\n", "GET / path=/ host=a close"},
		{"an upgrade", get + host + "Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n", "GET / path=/ host=a upgrade"},
		{"an Upgrade that Connection does not name", get + host + "Upgrade: websocket\r\n", "GET / path=/ host=a"},
		{"a Connection: upgrade without Upgrade", get + host + "Connection: upgrade\r\n", "GET / path=/ host=a"},
		{"HTTP/1.0 does not upgrade", "GET / HTTP/1.0\r\nConnection: upgrade\r\nUpgrade: x\r\n", "GET / path=/ host= minor=0 close"},
		{"an expectation", get + host + "Expect: 100-Continue\r\nContent-Length: 1\r\n", "GET / path=/ host=a length=1 expect"},
		{"an expectation before a chunked body", get + host + "Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n", "GET / path=/ host=a chunked expect"},
		{"an expectation without a body is pointless", get + host + "Expect: 100-continue\r\n", "GET / path=/ host=a"},
		{"HTTP/1.0 has no expectations", "GET / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1\r\n", "GET / path=/ host= minor=0 length=1 close"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var h Head
			in := []byte(tt.in + "\r\nbody")
			n, err := h.Parse(in, &roomy)
			if err != nil {
				t.Fatalf("%q: %v", in, err)
			}
			if want := len(in) - len("body"); n != want {
				t.Errorf("%q: got length %d, want %d", in, n, want)
			}
			if got := describe(&h, in); got != tt.want {
				t.Errorf("%q:\n got %s\nwant %s", in, got, tt.want)
			}
		})
	}
}

func TestEveryFieldOfABrowsersRequestIsFound(t *testing.T) {
	var h Head
	buf := []byte(browser)
	if n, err := h.Parse(buf, &roomy); n != len(buf) || err != nil {
		t.Fatalf("got %d, %v", n, err)
	}
	lines := strings.Split(strings.TrimSuffix(browser, "\r\n\r\n"), "\r\n")[1:]
	if len(h.Fields) != len(lines) {
		t.Fatalf("got %d fields, want %d", len(h.Fields), len(lines))
	}
	for i, line := range lines {
		f := h.Fields[i]
		if got := string(f.Name.Of(buf)) + ": " + string(f.Value.Of(buf)); got != line {
			t.Errorf("field %d: got %q, want %q", i, got, line)
		}
		name, value, _ := strings.Cut(line, ": ")
		if got, ok := h.Find(buf, strings.ToUpper(name)); !ok || string(got.Of(buf)) != value {
			t.Errorf("Find(%q): got %q, %t, want %q", strings.ToUpper(name), got.Of(buf), ok, value)
		}
	}
	if _, ok := h.Find(buf, "Hos"); ok {
		t.Error("Find found a field by the start of its name")
	}
}

func TestFindReturnsTheFirstOfSeveralFields(t *testing.T) {
	var h Head
	buf := h.Append(nil, "X-One", "1")
	buf = h.Append(buf, "Empty", "")
	buf = h.Append(buf, "x-one", "2")
	for name, want := range map[string]string{"X-ONE": "1", "empty": ""} {
		if got, ok := h.Find(buf, name); !ok || string(got.Of(buf)) != want {
			t.Errorf("Find(%q): got %q, %t, want %q", name, got.Of(buf), ok, want)
		}
	}
	if want := "X-One: 1\r\nEmpty: \r\nx-one: 2\r\n"; string(buf) != want {
		t.Errorf("Append wrote %q, want %q", buf, want)
	}
}

func TestParseRepeatsItsResultUntilReset(t *testing.T) {
	var h Head
	good, bad := []byte("GET /a?b HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"), []byte("GET /\r\n")
	for range 2 {
		if n, err := h.Parse(good, &roomy); n != len(good) || err != nil || len(h.Fields) != 2 {
			t.Fatalf("got %d, %v, %d fields, want %d, nil, 2", n, err, len(h.Fields), len(good))
		}
	}
	h.Reset()
	for range 2 {
		if n, err := h.Parse(bad, &roomy); n != 0 || err != errRequestLine {
			t.Fatalf("got %d, %v, want %v", n, err, errRequestLine)
		}
	}
	h.Reset()
	other := []byte("PUT / HTTP/1.1\r\nHost: b\r\n\r\n")
	if _, err := h.Parse(other, &roomy); err != nil {
		t.Fatal(err)
	}
	if got, want := describe(&h, other), "PUT / path=/ host=b"; got != want {
		t.Errorf("got %s, want %s: something of the last head stayed", got, want)
	}
}

func TestResetDropsAnUnusuallyLargeRoom(t *testing.T) {
	h := Head{Fields: make([]Field, 3, keptFields)}
	if h.Reset(); cap(h.Fields) != keptFields || len(h.Fields) != 0 {
		t.Errorf("got room %d and length %d, want %d and 0", cap(h.Fields), len(h.Fields), keptFields)
	}
	h.Fields = make([]Field, keptFields+1)
	if h.Reset(); cap(h.Fields) != 0 {
		t.Errorf("got room %d, want 0", cap(h.Fields))
	}
}
