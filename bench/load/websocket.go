package load

import (
	"encoding/binary"
	"fmt"
)

// Opcodes of RFC 6455, section 5.2.
const (
	Text   = 0x1
	Binary = 0x2
)

// mask is the masking key of all frames. A browser draws one for each frame; a server has the same work with any but zero.
var mask = [4]byte{0x37, 0xfa, 0x21, 0x3d}

// Upgrade returns a request for a WebSocket (RFC 6455, section 4.1), without extensions.
func Upgrade(host, path string) []byte {
	return fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: bench\r\nX-Client: bench\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", path, host)
}

// ClientFrame returns a message as a client sends it: one masked frame (RFC 6455, section 5).
func ClientFrame(opcode byte, payload []byte) []byte {
	frame := frameHead(opcode, len(payload))
	frame[1] |= 0x80
	frame = append(frame, mask[:]...)
	for i, b := range payload {
		frame = append(frame, b^mask[i%4])
	}
	return frame
}

// ServerFrame returns a message as a server sends it: one frame, with the shortest form of its length.
func ServerFrame(opcode byte, payload []byte) []byte {
	return append(frameHead(opcode, len(payload)), payload...)
}

// frameHead is the head of a whole message without its masking key.
func frameHead(opcode byte, length int) []byte {
	head := []byte{0x80 | opcode}
	switch {
	case length <= 125:
		return append(head, byte(length))
	case length < 1<<16:
		return binary.BigEndian.AppendUint16(append(head, 126), uint16(length))
	}
	return binary.BigEndian.AppendUint64(append(head, 127), uint64(length))
}
