package broadcast

import (
	"encoding/binary"
	"errors"
	"time"
)

// errWire is what UnmarshalBinary returns for bytes that MarshalBinary does not make.
var errWire = errors.New("broadcast: not an encoded message")

// wireVersion is the first byte. A node that meets another version refuses it.
const wireVersion = 1

// The layout, after the version: kind, then the numbers as uvarints (offset, exclude, count, nanoseconds since 1970), then the texts
// and Data, each with its length as a uvarint before it.

// MarshalBinary is for a Backplane that leaves the process: it returns everything but the forms.
func (m *Message) MarshalBinary() ([]byte, error) {
	texts := m.texts()
	size := 2 + 4*binary.MaxVarintLen64 + binary.MaxVarintLen32 + len(m.Data)
	for _, t := range texts {
		size += binary.MaxVarintLen32 + len(*t)
	}
	b := append(make([]byte, 0, size), wireVersion, byte(m.Kind))
	for _, n := range [...]uint64{m.Position.Offset, m.exclude, m.count, uint64(m.Time.UnixNano())} {
		b = binary.AppendUvarint(b, n)
	}
	b = appendText(b, m.Topic.text)
	for _, t := range texts {
		b = appendText(b, *t)
	}
	return appendText(b, m.Data), nil
}

// UnmarshalBinary fills a new Message with what MarshalBinary returned. It keeps nothing of b. On an error the message is
// not to be used.
func (m *Message) UnmarshalBinary(b []byte) error {
	if len(b) < 2 || b[0] != wireVersion || b[1] > byte(Left) {
		return errWire
	}
	m.Kind = Kind(b[1])
	rest, ok := b[2:], true
	var nanos uint64
	for _, n := range [...]*uint64{&m.Position.Offset, &m.exclude, &m.count, &nanos} {
		if *n, rest, ok = cutUvarint(rest); !ok {
			return errWire
		}
	}
	m.Time = time.Unix(0, int64(nanos))
	var text []byte
	if text, rest, ok = cutText(rest); !ok {
		return errWire
	}
	topic, err := ParseTopic(string(text))
	if err != nil {
		return errWire
	}
	m.Topic = topic
	for _, t := range m.texts() {
		if text, rest, ok = cutText(rest); !ok {
			return errWire
		}
		*t = string(text)
	}
	if text, rest, ok = cutText(rest); !ok || len(rest) > 0 {
		return errWire
	}
	if len(text) > 0 {
		m.Data = append([]byte(nil), text...)
	}
	return nil
}

// texts returns the fields that are strings, in the order of the wire.
func (m *Message) texts() [8]*string {
	return [...]*string{&m.Position.Epoch, &m.ID, &m.Node, &m.From, &m.Name, &m.to, &m.group, &m.except}
}

func appendText[S string | []byte](b []byte, s S) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func cutUvarint(b []byte) (uint64, []byte, bool) {
	n, size := binary.Uvarint(b)
	if size <= 0 || size > 1 && b[size-1] == 0 { // too short, too large, or longer than need be
		return 0, nil, false
	}
	return n, b[size:], true
}

func cutText(b []byte) (text, rest []byte, ok bool) {
	n, rest, ok := cutUvarint(b)
	if !ok || n > uint64(len(rest)) {
		return nil, nil, false
	}
	return rest[:n], rest[n:], true
}
