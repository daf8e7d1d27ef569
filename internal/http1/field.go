package http1

import (
	"encoding/binary"
	"unsafe"
)

var (
	errBareLF      = &Error{400, "a line ends in LF without CR (RFC 9112 section 2.2)"}
	errFolded      = &Error{400, "a line begins with white space: obs-fold or space before the first field (RFC 9112 sections 2.2 and 5.2)"}
	errSpacedName  = &Error{400, "white space between field name and colon (RFC 9112 section 5.1)"}
	errFieldName   = &Error{400, "a field name is empty or not a token, or its colon is missing (RFC 9110 section 5.1)"}
	errBareCR      = &Error{400, "a field value holds CR without LF (RFC 9112 section 2.2)"}
	errFieldValue  = &Error{400, "a field value holds a control character (RFC 9110 section 5.5)"}
	errFieldTooBig = &Error{431, "a field line is over the limit (RFC 6585 section 5)"}
	errFields      = &Error{431, "more fields than the limit (RFC 6585 section 5)"}
)

// ValidName reports whether s may be sent as a field name: a token, RFC 9110 section 5.6.2.
func ValidName(s string) bool {
	for i := range len(s) {
		if class[s[i]]&inToken == 0 {
			return false
		}
	}
	return len(s) > 0
}

// ValidValue reports whether s may be sent as a field value: no control characters but HTAB, RFC 9110 section 5.5. White
// space at its ends is legal to send, and lost on the way.
func ValidValue(s string) bool {
	return isText(unsafe.Slice(unsafe.StringData(s), len(s)), 0) // which only reads
}

// parseField cuts one field line, given without its line end, and checks it: line[:name] is the field's name and
// line[from:to] its value.
func parseField(line []byte) (name, from, to int, err *Error) {
	name = tokenLength(line)
	// RFC 9112 section 5: field-line = field-name ":" OWS field-value OWS.
	if name == 0 || name == len(line) || line[name] != ':' {
		return 0, 0, 0, refuseName(line, name)
	}
	from, to = name+1, len(line)
	if !isText(line, from) {
		return 0, 0, 0, refuseValue(line[from:])
	}
	for from < to && isSpace(line[from]) {
		from++
	}
	for from < to && isSpace(line[to-1]) {
		to--
	}
	return name, from, to, nil
}

// isText reports whether line[from:] may stand in a field value. It looks at eight bytes at a time, the last time possibly
// at some that it has seen, or at bytes before from, which are known to be good.
func isText(line []byte, from int) bool {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	if len(line) < 8 {
		return isTextBytewise(line[from:])
	}
	for i := from; i < len(line); i += 8 {
		x := binary.LittleEndian.Uint64(line[min(i, len(line)-8):])
		// A byte below 0x20 borrows into its high bit, and so does 0x7f once it is turned into zero. HTAB looks like any
		// other control character here, so it is told apart bytewise.
		if ((x-ones*0x20)|(x^ones*0x7f-ones))&^x&highs != 0 {
			return isTextBytewise(line[i:])
		}
	}
	return true
}

func isTextBytewise(b []byte) bool {
	for _, c := range b {
		if class[c]&inText == 0 {
			return false
		}
	}
	return true
}

// refuseName says what is wrong with a line whose first i bytes are the longest token at its start.
func refuseName(line []byte, i int) *Error {
	switch {
	case i < len(line) && isSpace(line[i]) && i == 0:
		return errFolded
	case i < len(line) && isSpace(line[i]):
		return errSpacedName
	}
	return errFieldName
}

// refuseValue says what is wrong with a value that holds a control character.
func refuseValue(value []byte) *Error {
	for _, c := range value {
		if class[c]&inText == 0 && c != '\r' {
			return errFieldValue
		}
	}
	return errBareCR
}
