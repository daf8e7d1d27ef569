package websocket

import (
	"encoding/binary"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Status is why a connection was closed (RFC 6455 section 7.4).
type Status uint16

// The statuses of RFC 6455 section 7.4.1 and of IANA's registry.
const (
	StatusNormal          Status = 1000
	StatusGoingAway       Status = 1001 // the server shuts down, or the browser leaves the page
	StatusProtocolError   Status = 1002
	StatusUnsupportedData Status = 1003 // a kind of message that the endpoint does not take
	StatusNone            Status = 1005 // never sent: the close frame had no status
	StatusAbnormal        Status = 1006 // never sent: there was no close frame
	StatusInvalidData     Status = 1007 // text that is not UTF-8, say
	StatusPolicy          Status = 1008
	StatusTooBig          Status = 1009
	StatusExtension       Status = 1010
	StatusInternalError   Status = 1011
	StatusRestart         Status = 1012
	StatusTryAgain        Status = 1013
)

// sendable reports whether the status may stand in a close frame: 1000 to 1014 but for the three that are never sent and one that has no
// meaning, and 3000 to 4999, which belong to libraries and applications (RFC 6455 section 7.4.2).
func (s Status) sendable() bool {
	switch {
	case s == 1004, s == StatusNone, s == StatusAbnormal:
		return false
	case s >= 1000 && s <= 1014:
		return true
	}
	return s >= 3000 && s <= 4999
}

// CloseError is how a connection has ended: with a close frame, or because one of the two ends broke the rules.
type CloseError struct {
	Status Status
	Reason string
	Remote bool // the peer's close frame came first
}

// Error returns both.
func (e *CloseError) Error() string {
	who := "closed"
	if e.Remote {
		who = "closed by the peer"
	}
	if e.Reason == "" {
		return fmt.Sprintf("websocket: %s: %d", who, e.Status)
	}
	return fmt.Sprintf("websocket: %s: %d %s", who, e.Status, e.Reason)
}

// refuse is what the peer has done wrong.
func refuse(s Status, reason string) *CloseError { return &CloseError{Status: s, Reason: reason} }

// maxReason is how long a reason may be: a control frame, without the status.
const maxReason = maxControl - 2

// appendClose appends the payload of a close frame. A reason that is too long is cut at a character.
func appendClose(b []byte, s Status, reason string) []byte {
	if s == StatusNone {
		return b
	}
	reason = strings.ToValidUTF8(reason, "\uFFFD")
	if end := maxReason; len(reason) > end {
		for !utf8.RuneStart(reason[end]) {
			end--
		}
		reason = reason[:end]
	}
	return append(binary.BigEndian.AppendUint16(b, uint16(s)), reason...)
}

// parseClose reads the payload of a close frame (RFC 6455 section 5.5.1).
func parseClose(b []byte) (*CloseError, error) {
	switch len(b) {
	case 0:
		return &CloseError{Status: StatusNone, Remote: true}, nil
	case 1:
		return nil, refuse(StatusProtocolError, "a close frame has half a status")
	}
	e := &CloseError{Status: Status(binary.BigEndian.Uint16(b)), Reason: string(b[2:]), Remote: true}
	switch {
	case !e.Status.sendable():
		return nil, refuse(StatusProtocolError, "a close frame has a status that may not be sent")
	case !utf8.ValidString(e.Reason):
		return nil, refuse(StatusInvalidData, "the reason of a close frame is not UTF-8")
	}
	return e, nil
}
