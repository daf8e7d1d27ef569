package http1

import (
	"math"
	"strings"
	"testing"
)

func TestHeadsThatAreRefused(t *testing.T) {
	const get = "GET / HTTP/1.1\r\n"
	const host = "Host: a\r\n"
	tests := []struct {
		name string // what is wrong with it
		in   string // up to the end of the line that is wrong: nothing more may be needed to refuse it
		want *Error
	}{
		{"two empty lines before the request line", "\r\n\r\n", errMethod},
		{"a bare LF before the request line", "\n", errBareLF},
		{"white space before the request line", " GET / HTTP/1.1\r\n", errFolded},
		{"no method", ":GET / HTTP/1.1\r\n", errMethod},
		{"a method that is no token", "G@T / HTTP/1.1\r\n", errRequestLine},
		{"a method that is too long", strings.Repeat("A", maxMethod+1) + " / HTTP/1.1\r\n", errMethodSize},
		{"a method that never ends", strings.Repeat("A", 9000), errMethodSize},
		{"a request line that ends in LF", "GET / HTTP/1.1\n", errBareLF},
		{"HTTP/0.9", "GET /\r\n", errRequestLine},
		{"only a method", "GET\r\n", errRequestLine},
		{"no target", "GET HTTP/1.1\r\n", errRequestLine},
		{"an empty target", "GET  HTTP/1.1\r\n", errRequestLine},
		{"two spaces before the target", "GET  / HTTP/1.1\r\n", errForm},
		{"two spaces before the version", "GET /  HTTP/1.1\r\n", errTarget},
		{"a tab before the target", "GET\t/ HTTP/1.1\r\n", errRequestLine},
		{"a tab before the version", "GET /\tHTTP/1.1\r\n", errRequestLine},
		{"a space behind the version", "GET / HTTP/1.1 \r\n", errRequestLine},
		{"a space in the target", "GET /a b HTTP/1.1\r\n", errTarget},
		{"a bare CR in the request line", "GET /\r HTTP/1.1\r\n", errTarget},

		{"version 0.9", "GET / HTTP/0.9\r\n", errVersion},
		{"version 2.0", "GET / HTTP/2.0\r\n", errMajor},
		{"the preface of HTTP/2", "PRI * HTTP/2.0\r\n", errMajor},
		{"a version in lower case", "GET / http/1.1\r\n", errVersion},
		{"a version with a letter", "GET / HTTP/1.x\r\n", errVersion},
		{"a major version with a letter", "GET / HTTP/x.1\r\n", errVersion},
		{"a version without a dot", "GET / HTTP/1,1\r\n", errVersion},
		{"a version with two digits", "GET / HTTP/1.10\r\n", errRequestLine},
		{"a version that is short", "GET / HTTP/1\r\n", errRequestLine},
		{"another protocol", "GET / ICAP/1.1\r\n", errVersion},

		{"a fragment", "GET /a#b HTTP/1.1\r\n", errFragment},
		{"a fragment behind a query", "GET /?a#b HTTP/1.1\r\n", errFragment},
		{"a quote in the path", "GET /\" HTTP/1.1\r\n", errTarget},
		{"a quote in the query", "GET /?\" HTTP/1.1\r\n", errTarget},
		{"an angle bracket in the query", "GET /?<script> HTTP/1.1\r\n", errTarget},
		{"a backslash in the path", "GET /\\ HTTP/1.1\r\n", errTarget},
		{"a brace in the path", "GET /{a} HTTP/1.1\r\n", errTarget},
		{"raw UTF-8 in the target", "GET /\u00e9 HTTP/1.1\r\n", errTarget},
		{"NUL in the target", "GET /\x00 HTTP/1.1\r\n", errTarget},
		{"DEL in the target", "GET /\x7f HTTP/1.1\r\n", errTarget},
		{"no form at all", "GET a HTTP/1.1\r\n", errForm},
		{"asterisk-form for another method", "GET * HTTP/1.1\r\n", errForm},
		{"asterisk-form for another case", "options * HTTP/1.1\r\n", errForm},
		{"asterisk-form with a query", "OPTIONS *? HTTP/1.1\r\n", errForm},
		{"authority-form for another method", "GET a:80 HTTP/1.1\r\n", errForm},
		{"origin-form for CONNECT", "CONNECT / HTTP/1.1\r\n", errAuthority},
		{"absolute-form for CONNECT", "CONNECT http://a:80/ HTTP/1.1\r\n", errAuthority},
		{"CONNECT without a port", "CONNECT a HTTP/1.1\r\n", errAuthority},
		{"CONNECT with an empty port", "CONNECT a: HTTP/1.1\r\n", errAuthority},
		{"CONNECT without a host", "CONNECT :80 HTTP/1.1\r\n", errAuthority},
		{"another scheme", "GET ftp://a/ HTTP/1.1\r\n", errForm},
		{"a scheme without an authority", "GET http:/a HTTP/1.1\r\n", errForm},
		{"absolute-form without a host", "GET http:///a HTTP/1.1\r\n", errAuthority},
		{"absolute-form with only a port", "GET http://:80/ HTTP/1.1\r\n", errAuthority},
		{"absolute-form with userinfo", "GET http://u:p@a/ HTTP/1.1\r\n", errAuthority},
		{"absolute-form with a bad port", "GET http://a:8x/ HTTP/1.1\r\n", errAuthority},
		{"absolute-form with a fragment", "GET http://a#b HTTP/1.1\r\n", errFragment},

		{"a field line that ends in LF", get + "Host: a\n", errBareLF},
		{"a final line that is only LF", get + host + "\n", errBareLF},
		{"white space before the first field", get + " Host: a\r\n", errFolded},
		{"obs-fold", get + host + "X: a\r\n\tb\r\n", errFolded},
		{"a space before the colon", get + "Host : a\r\n", errSpacedName},
		{"a tab before the colon", get + host + "Content-Length\t: 1\r\n", errSpacedName},
		{"no colon", get + "Host\r\n", errFieldName},
		{"an empty name", get + ": a\r\n", errFieldName},
		{"a name that is no token", get + "X(y): a\r\n", errFieldName},
		{"a name with obs-text", get + "X\xe9: a\r\n", errFieldName},
		{"NUL in a name", get + "X\x00: a\r\n", errFieldName},
		{"NUL in a value", get + "X: a\x00b\r\n", errFieldValue},
		{"DEL in a value", get + "X: a\x7fb\r\n", errFieldValue},
		{"ESC in a long value", get + "X: abcdefghijklmnopqrstuvw\x1bxyz\r\n", errFieldValue},
		{"a control behind a tab", get + "X: abcdefgh\tijklmnopqrstuvw\x01\r\n", errFieldValue},
		{"a bare CR in a value", get + "X: a\rb\r\n", errBareCR},
		{"two CR at the end of a value", get + "X: a\r\r\n", errBareCR},
		{"two CR at the end of the head", get + host + "\r\r\n", errFieldName},

		{"no Host", get + "\r\n", errNoHost},
		{"no Host in absolute-form", "GET http://a/ HTTP/1.1\r\n\r\n", errNoHost},
		{"two equal Hosts", get + host + host, errTwoHosts},
		{"two Hosts in HTTP/1.0", "GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n", errTwoHosts},
		{"a bad Host in HTTP/1.0", "GET / HTTP/1.0\r\nHost: a b\r\n", errHost},
		{"a bad Host in absolute-form", "GET http://a/ HTTP/1.1\r\nHost: a/b\r\n", errHost},
		{"userinfo in Host", get + "Host: u@a\r\n", errHost},
		{"a path in Host", get + "Host: a/b\r\n", errHost},
		{"a list in Host", get + "Host: a, b\r\n", errHost},
		{"only a port in Host", get + "Host: :80\r\n", errHost},
		{"a signed port in Host", get + "Host: a:+80\r\n", errHost},
		{"two ports in Host", get + "Host: a:80:80\r\n", errHost},
		{"a port over 65535 in Host", get + "Host: a:65536\r\n", errHost},
		{"raw UTF-8 in Host", get + "Host: \u00e9\r\n", errHost},
		{"a bad escape in Host", get + "Host: a%2\r\n", errHost},
		{"a bad IPv6 address in Host", get + "Host: [::1::]\r\n", errHost},
		{"a zone in Host", get + "Host: [fe80::1%25eth0]\r\n", errHost},
		{"an open bracket in Host", get + "Host: [::1\r\n", errHost},
		{"text behind a bracket in Host", get + "Host: [::1]a\r\n", errHost},

		{"an empty length", get + "Content-Length:\r\n", errLength},
		{"a signed length", get + "Content-Length: +1\r\n", errLength},
		{"a negative length", get + "Content-Length: -1\r\n", errLength},
		{"a hexadecimal length", get + "Content-Length: 0x1\r\n", errLength},
		{"a length with a space", get + "Content-Length: 1 1\r\n", errLength},
		{"a list of equal lengths", get + "Content-Length: 1, 1\r\n", errLength},
		{"a length over int64", get + "Content-Length: 9223372036854775808\r\n", errLength},
		{"a length over uint64", get + "Content-Length: 18446744073709551617\r\n", errLength},
		{"two equal lengths", get + "Content-Length: 1\r\ncontent-length: 1\r\n", errTwoLengths},
		{"a length behind a coding", get + "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n", errLengthAndCoding},
		{"a coding behind a length", get + "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n", errLengthAndCoding},
		{"a coding in HTTP/1.0", "GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n", errOldCoding},
		{"an unknown coding", get + "Transfer-Encoding: gzip\r\n", errUnknownCoding},
		{"an unknown coding before chunked", get + "Transfer-Encoding: gzip;q=1, chunked\r\n", errUnknownCoding},
		{"identity", get + "Transfer-Encoding: identity\r\n", errUnknownCoding},
		{"a coding whose name only starts like chunked", get + "Transfer-Encoding: chunkedx\r\n", errUnknownCoding},
		{"chunked before an unknown coding", get + "Transfer-Encoding: chunked, gzip\r\n", errCoding},
		{"chunked twice in a list", get + "Transfer-Encoding: chunked, chunked\r\n", errCoding},
		{"chunked twice in two fields", get + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", errCoding},
		{"a coding behind chunked in a second field", get + "Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip\r\n", errCoding},
		{"chunked with a parameter", get + "Transfer-Encoding: chunked;a=b\r\n", errCoding},
		{"chunked in quotes", get + "Transfer-Encoding: \"chunked\"\r\n", errCoding},
		{"chunked and a comma", get + "Transfer-Encoding: chunked,\r\n", errCoding},
		{"a comma and chunked", get + "Transfer-Encoding: ,chunked\r\n", errCoding},
		{"chunked behind a vertical tab", get + "Transfer-Encoding: \x0bchunked\r\n", errFieldValue},
		{"no coding", get + "Transfer-Encoding:\r\n", errCoding},

		{"another expectation", get + "Expect: 200-ok\r\n", errExpect},
		{"an empty expectation", get + "Expect:\r\n", errExpect},
		{"another expectation in HTTP/1.0", "GET / HTTP/1.0\r\nExpect: x\r\n", errExpect},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var h Head
			n, err := h.Parse([]byte(tt.in), &roomy)
			if n != 0 || err != tt.want {
				t.Errorf("%q:\n got %d, %v\nwant 0, %v", tt.in, n, err, tt.want)
			}
		})
	}
}

func TestLimitsAreExact(t *testing.T) {
	const line = "GET /abc HTTP/1.1\r\n" // 19 bytes, the target has 4
	const whole = line + "Host: a\r\nX: y\r\n\r\n"
	tests := []struct {
		name string // what is just possible, or just too much
		in   string
		lim  Limits
		want *Error // nil: accepted
	}{
		{"everything at its limit", whole, Limits{Head: len(whole), Target: 4, Fields: 2, Field: 7}, nil},
		{"a head one byte too long", whole, Limits{Head: len(whole) - 1, Target: 4, Fields: 2, Field: 7}, errHead},
		{"a target one byte too long", whole, Limits{Head: 100, Target: 3, Fields: 2, Field: 7}, errTargetSize},
		{"a field too many", whole, Limits{Head: 100, Target: 4, Fields: 1, Field: 7}, errFields},
		{"a field line one byte too long", whole, Limits{Head: 100, Target: 4, Fields: 2, Field: 6}, errFieldTooBig},
		{"an endless field line", line + strings.Repeat("a", 9), Limits{Head: 100, Target: 4, Fields: 2, Field: 7}, errFieldTooBig},
		{"a field line that may still end", line + strings.Repeat("a", 8), Limits{Head: 100, Target: 4, Fields: 2, Field: 7}, nil},
		{"an endless field line in a full head", line + strings.Repeat("a", 9), Limits{Head: 28, Target: 4, Fields: 2, Field: 70}, errHead},
		{"an endless target", "GET /" + strings.Repeat("a", 60), Limits{Head: 100, Target: 4, Fields: 2, Field: 7}, errTargetSize},
		{"an endless target in a full head", "GET /" + strings.Repeat("a", 95), Limits{Head: 100, Target: 400, Fields: 2, Field: 7}, errTargetSize},
		{"a long target and no version", "GET /" + strings.Repeat("a", 20) + "\r\n", Limits{Head: 100, Target: 4, Fields: 2, Field: 7}, errTargetSize},
		{"no limits set", "GET", Limits{}, errHead},
		{"limits without sense", whole, Limits{Head: math.MaxInt, Target: math.MaxInt, Fields: math.MaxInt, Field: math.MaxInt}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var h Head
			_, err := h.Parse([]byte(tt.in), &tt.lim)
			if tt.want == nil && err != nil || tt.want != nil && err != tt.want {
				t.Errorf("%q: got %v, want %v", tt.in, err, tt.want)
			}
		})
	}
}

func TestEveryRefusalHasAStatusAndAReasonWithItsSection(t *testing.T) {
	for _, e := range []*Error{
		errAuthority, errBareCR, errBareLF, errBodySize, errChunkData, errChunkExt, errChunkLine, errChunkOverhead, errChunkSize,
		errCoding, errExpect, errFieldName, errFieldTooBig, errFieldValue, errFields, errFolded, errForm, errFragment, errHead,
		errHost, errLength, errLengthAndCoding, errMajor, errMethod, errNoHost, errOldCoding, errRequestLine, errSpacedName,
		errTarget, errTargetSize, errTrailerEnd, errTrailerField, errTrailerFields, errTrailerSize, errTwoHosts, errTwoLengths,
		errUnknownCoding, errVersion,
	} {
		if e.Status < 400 || e.Status > 505 || !strings.Contains(e.Error(), "(RFC ") {
			t.Errorf("got status %d, reason %q", e.Status, e.Reason)
		}
	}
}
