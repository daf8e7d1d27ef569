package hyperlane

import "strings"

// Header is the fields of a request or of a response, in the order in which they came or were set. It is a sequence:
//
//	for name, value := range c.Request.Headers() {
//
// Names are compared without regard to case (RFC 9110 section 5.1). It ends with the handler; the strings that it yields are the caller's.
type Header func(yield func(name, value string) bool)

// Get returns the value of the first field of that name, or "".
func (h Header) Get(name string) string {
	for n, value := range h {
		if strings.EqualFold(n, name) {
			return value
		}
	}
	return ""
}

// Has reports whether there is a field of that name, which may be empty.
func (h Header) Has(name string) bool {
	for n := range h {
		if strings.EqualFold(n, name) {
			return true
		}
	}
	return false
}

// Values returns the values of all fields of that name, in order. One value may be a list by itself (RFC 9110 section 5.6.1).
func (h Header) Values(name string) []string {
	var values []string
	for n, value := range h {
		if strings.EqualFold(n, name) {
			values = append(values, value)
		}
	}
	return values
}
