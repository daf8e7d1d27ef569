package websocket

import (
	"encoding/binary"
	"math/bits"
)

// opcode says what a frame is (RFC 6455 section 5.2).
type opcode uint8

const (
	opContinuation opcode = 0
	opText         opcode = 1
	opBinary       opcode = 2
	opClose        opcode = 8
	opPing         opcode = 9
	opPong         opcode = 10
)

// control reports whether frames of this kind may stand between the fragments of a message (RFC 6455 section 5.4).
func (o opcode) control() bool { return o >= opClose }

// frame is the head of a frame.
type frame struct {
	op         opcode
	final      bool
	compressed bool // RSV1, which permessage-deflate has taken (RFC 7692 section 6)
	masked     bool
	key        uint32 // in the order of the wire: its first byte is the lowest
	length     uint64
}

// The longest head: two bytes, eight of length, four of key. And the most that a control frame carries (RFC 6455 section 5.5).
const (
	maxHead    = 14
	maxControl = 125
)

// parseFrame reads the head of a frame from the front of b, and returns how long the head is; 0 is incomplete. It refuses what no frame
// may be, as soon as it can be seen; what depends on the connection is the caller's to refuse.
func parseFrame(b []byte) (f frame, size int, err error) {
	if len(b) == 0 {
		return f, 0, nil
	}
	f.op, f.final, f.compressed = opcode(b[0]&0x0f), b[0]&0x80 != 0, b[0]&0x40 != 0
	switch {
	case b[0]&0x30 != 0:
		return f, 0, refuse(StatusProtocolError, "RSV2 or RSV3 is set") // section 5.2: unless an extension has taken it
	case f.op > opBinary && f.op < opClose, f.op > opPong:
		return f, 0, refuse(StatusProtocolError, "reserved opcode")
	case f.op.control() && !f.final:
		return f, 0, refuse(StatusProtocolError, "a control frame is fragmented") // section 5.5
	case f.op.control() && f.compressed:
		return f, 0, refuse(StatusProtocolError, "a control frame is compressed") // RFC 7692 section 6.1
	}
	if len(b) < 2 {
		return f, 0, nil
	}
	f.masked, f.length, size = b[1]&0x80 != 0, uint64(b[1]&0x7f), 2
	if f.op.control() && f.length > maxControl {
		return f, 0, refuse(StatusProtocolError, "a control frame is longer than 125 bytes")
	}
	// Section 5.2: the minimal number of bytes must be used.
	switch f.length {
	case 126:
		if len(b) < 4 {
			return f, 0, nil
		}
		f.length, size = uint64(binary.BigEndian.Uint16(b[2:])), 4
		if f.length < 126 {
			return f, 0, refuse(StatusProtocolError, "a length has more bytes than it needs")
		}
	case 127:
		if len(b) < 10 {
			return f, 0, nil
		}
		f.length, size = binary.BigEndian.Uint64(b[2:]), 10
		if f.length <= 0xffff || f.length > 1<<63-1 {
			return f, 0, refuse(StatusProtocolError, "a length has more bytes than it needs, or its highest bit is set")
		}
	}
	if f.masked {
		if len(b) < size+4 {
			return f, 0, nil
		}
		f.key = binary.LittleEndian.Uint32(b[size:])
		size += 4
	}
	return f, size, nil
}

// append appends the head.
func (f frame) append(b []byte) []byte {
	first := byte(f.op)
	if f.final {
		first |= 0x80
	}
	if f.compressed {
		first |= 0x40
	}
	var mask byte
	if f.masked {
		mask = 0x80
	}
	switch {
	case f.length < 126:
		b = append(b, first, mask|byte(f.length))
	case f.length <= 0xffff:
		b = binary.BigEndian.AppendUint16(append(b, first, mask|126), uint16(f.length))
	default:
		b = binary.BigEndian.AppendUint64(append(b, first, mask|127), f.length)
	}
	if f.masked {
		b = binary.LittleEndian.AppendUint32(b, f.key)
	}
	return b
}

// mask applies key to b, eight bytes at a time, and returns the key for what follows b (RFC 6455 section 5.3). It undoes itself.
func mask(b []byte, key uint32) uint32 {
	wide := uint64(key)<<32 | uint64(key)
	for len(b) >= 32 {
		p := b[:32]
		binary.LittleEndian.PutUint64(p, binary.LittleEndian.Uint64(p)^wide)
		binary.LittleEndian.PutUint64(p[8:], binary.LittleEndian.Uint64(p[8:])^wide)
		binary.LittleEndian.PutUint64(p[16:], binary.LittleEndian.Uint64(p[16:])^wide)
		binary.LittleEndian.PutUint64(p[24:], binary.LittleEndian.Uint64(p[24:])^wide)
		b = b[32:]
	}
	for len(b) >= 8 {
		binary.LittleEndian.PutUint64(b, binary.LittleEndian.Uint64(b)^wide)
		b = b[8:]
	}
	for i := range b {
		b[i] ^= byte(key)
		key = bits.RotateLeft32(key, -8)
	}
	return key
}
