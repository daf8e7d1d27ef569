package broadcast

import (
	"errors"
	"strconv"
	"strings"
)

// Position is a place in the history of one topic: of a message, or of a subscriber that has read so far. Hand its text to clients,
// as the id of an event say, and let them bring it back. The zero Position is none.
type Position struct {
	// Epoch names one unbroken life of one topic's numbering. Another topic, or the same after its history was lost, has
	// another epoch.
	Epoch string

	// Offset grows with each message of the topic that is published. The first of an epoch is 1 or more; 0 is before all of them.
	Offset uint64
}

var errPositionText = errors.New("broadcast: not the text of a position")

// ParsePosition returns the position whose String is text, and an error if there is none. A client may bring any text: a
// position that is no good is found out by Hub.Recover.
func ParsePosition(text string) (Position, error) {
	if text == "" {
		return Position{}, nil
	}
	dot := strings.LastIndexByte(text, '.')
	if dot < 0 {
		return Position{}, errPositionText
	}
	offset, err := strconv.ParseUint(text[dot+1:], 10, 64)
	p := Position{Epoch: text[:dot], Offset: offset}
	if err != nil || p.String() != text {
		return Position{}, errPositionText
	}
	return p, nil
}

// String returns the epoch, a dot, and the offset; of the zero Position it is empty.
func (p Position) String() string {
	if p == (Position{}) {
		return ""
	}
	return p.Epoch + "." + strconv.FormatUint(p.Offset, 10)
}

// MarshalText returns String.
func (p Position) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText is ParsePosition.
func (p *Position) UnmarshalText(text []byte) error {
	parsed, err := ParsePosition(string(text))
	if err == nil {
		*p = parsed
	}
	return err
}
