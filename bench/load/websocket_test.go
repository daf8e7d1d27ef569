package load

import (
	"bytes"
	"testing"
)

func TestFramesAreThoseOfTheRFC(t *testing.T) {
	// The examples of RFC 6455, section 5.7; theirs has the same masking key.
	for _, test := range []struct {
		name      string
		got, want []byte
	}{
		{"unmasked text", ServerFrame(Text, []byte("Hello")), []byte("\x81\x05Hello")},
		{"masked text", ClientFrame(Text, []byte("Hello")), []byte("\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58")},
		{"256 bytes", ServerFrame(Binary, make([]byte, 256)), append([]byte("\x82\x7e\x01\x00"), make([]byte, 256)...)},
		{"64 kB", ServerFrame(Binary, make([]byte, 65536)), append([]byte("\x82\x7f\x00\x00\x00\x00\x00\x01\x00\x00"), make([]byte, 65536)...)},
		{"the longest short one", ServerFrame(Binary, make([]byte, 125)), append([]byte("\x82\x7d"), make([]byte, 125)...)},
		{"the longest of 16 bits", ServerFrame(Binary, make([]byte, 65535)), append([]byte("\x82\x7e\xff\xff"), make([]byte, 65535)...)},
	} {
		if !bytes.Equal(test.got, test.want) {
			t.Errorf("%s: got % x ..., want % x ...", test.name, test.got[:min(16, len(test.got))], test.want[:min(16, len(test.want))])
		}
	}
}
