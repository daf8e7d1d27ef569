package hyperlane

import (
	"fmt"
	"strings"
)

// FieldError is one thing that is wrong with what a client sent.
type FieldError struct {
	Pointer string `json:"pointer,omitempty"` // to a value in a JSON body (RFC 6901), such as "/items/0/price"
	Name    string `json:"name,omitempty"`    // of a value elsewhere: its source and its name, such as "query page"
	Detail  string `json:"detail"`            // for the client; it follows the name in a sentence: "must not be empty"
}

// FieldErrors is everything that is wrong with what a client sent. See [Bind]. A handler that returns it answers 422.
type FieldErrors []FieldError

// maxFieldErrors bounds an answer whose length the client could choose.
const maxFieldErrors = 100

// Add adds one more thing that is wrong. where is a JSON pointer if it begins with a slash ("/title"), else a source and a name
// ("query page"). The client is told the formatted text. What comes after the first 100 is left out.
func (e *FieldErrors) Add(where, format string, args ...any) {
	if len(*e) >= maxFieldErrors {
		return
	}
	f := FieldError{Name: where, Detail: fmt.Sprintf(format, args...)}
	if strings.HasPrefix(where, "/") {
		f.Pointer, f.Name = where, ""
	}
	*e = append(*e, f)
}

// Err returns e as an error, or nil if nothing was added.
func (e FieldErrors) Err() error {
	if len(e) == 0 {
		return nil
	}
	return e
}

// Error returns all of them in one line.
func (e FieldErrors) Error() string {
	parts := make([]string, len(e))
	for i, f := range e {
		parts[i] = f.Pointer + f.Name + " " + f.Detail
	}
	return strings.Join(parts, "; ")
}

// refusal returns the answer that tells the client of e.
func (e FieldErrors) refusal(status int) *Error {
	if len(e) > maxFieldErrors {
		e = e[:maxFieldErrors]
	}
	return &Error{Status: status, Detail: e.Error(), Extensions: map[string]any{"errors": []FieldError(e)}, Cause: e}
}
