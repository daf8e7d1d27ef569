package hyperlane

import (
	"encoding/json"
	"sync"
)

// Codec turns values into JSON and back, for Config.JSON. Its methods are called from many goroutines at once.
type Codec interface {
	// Append appends v as JSON to dst, without a line break behind it, and returns the longer slice. It may keep neither.
	// On an error what it returns is ignored.
	Append(dst []byte, v any) ([]byte, error)

	// Unmarshal stores into v, which is a pointer, the one JSON value that data holds. Anything but white space behind that
	// value is an error. data is only lent: what Unmarshal stores must not point into it.
	Unmarshal(data []byte, v any) error
}

// stdJSON is encoding/json as a Codec. It writes what json.Marshal writes, HTML escaping included.
type stdJSON struct{}

func (stdJSON) Append(dst []byte, v any) ([]byte, error) {
	a := jsonAppenders.Get().(*jsonAppender)
	a.dst = dst
	err := a.encoder.Encode(v)
	out := a.dst
	a.dst = nil
	jsonAppenders.Put(a)
	if err != nil {
		return dst, err
	}
	return out[:len(out)-1], nil // Encode ends with a line break
}

func (stdJSON) Unmarshal(data []byte, v any) error { return json.Unmarshal(data, v) }

// jsonAppender is an encoder that appends to dst; json.Marshal would allocate the text once more. It belongs to one Append.
type jsonAppender struct {
	dst     []byte
	encoder *json.Encoder
}

func (a *jsonAppender) Write(p []byte) (int, error) {
	a.dst = append(a.dst, p...)
	return len(p), nil
}

var jsonAppenders = sync.Pool{New: func() any {
	a := new(jsonAppender)
	a.encoder = json.NewEncoder(a)
	return a
}}
