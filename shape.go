package hyperlane

import (
	"encoding"
	"errors"
	"math"
	"reflect"
	"strconv"
	"sync"
	"time"
)

// shape says how values of one Go type are made of text. It is made once for each type, and read only.
type shape struct {
	elem    reflect.Type // of one value
	set     func(v reflect.Value, text string) error
	wants   string // what one value has to be, for the client
	empty   bool   // "" is a value
	pointer bool   // the type is *elem
	list    bool   // the type is []elem
	file    bool   // the type is *FormFile or []*FormFile; nothing else is set but list and pointer
}

var shapes sync.Map // reflect.Type -> *shape

func shapeOf(t reflect.Type) *shape {
	if s, ok := shapes.Load(t); ok {
		return s.(*shape)
	}
	s, _ := shapes.LoadOrStore(t, newShape(t))
	return s.(*shape)
}

var (
	fileType     = reflect.TypeFor[*FormFile]()
	durationType = reflect.TypeFor[time.Duration]()
	textType     = reflect.TypeFor[encoding.TextUnmarshaler]()
)

func newShape(t reflect.Type) *shape {
	if t == fileType || t == reflect.SliceOf(fileType) {
		return &shape{file: true, pointer: t == fileType, list: t != fileType}
	}
	s := &shape{elem: t}
	if !reflect.PointerTo(t).Implements(textType) {
		switch t.Kind() {
		case reflect.Pointer:
			s.pointer, s.elem = true, t.Elem()
		case reflect.Slice:
			s.list, s.elem = true, t.Elem()
		}
	}
	s.empty = s.elem.Kind() == reflect.String
	s.set, s.wants = setter(s.elem)
	if s.list && t.Elem().Kind() == reflect.Uint8 {
		s.set = nil // bytes, or a list of small numbers? We do not guess
	}
	return s
}

// fits reports whether a value of this shape can come from there.
func (s *shape) fits(from source) bool {
	switch from {
	case fromForm:
		return s.file || s.set != nil
	case fromQuery:
		return s.set != nil
	}
	return s.set != nil && !s.list
}

const outOfRange = "is out of range"

// put sets v to text, or adds it to a list. The fault is for the client.
func (s *shape) put(v reflect.Value, text string) (fault string) {
	value := reflect.New(s.elem)
	if err := s.set(value.Elem(), text); err != nil {
		if errors.Is(err, strconv.ErrRange) {
			return outOfRange
		}
		return s.wants
	}
	switch {
	case s.list:
		v.Set(reflect.Append(v, value.Elem()))
	case s.pointer:
		v.Set(value)
	default:
		v.Set(value.Elem())
	}
	return ""
}

// setter returns what sets a value of type t to a text, or nil, and what the text has to be.
func setter(t reflect.Type) (set func(v reflect.Value, text string) error, wants string) {
	wants = wanted(t)
	switch {
	case reflect.PointerTo(t).Implements(textType):
		return setText, wants
	case t == durationType:
		return setDuration, wants
	}
	switch t.Kind() {
	case reflect.String:
		set = func(v reflect.Value, text string) error { v.SetString(text); return nil }
	case reflect.Bool:
		set = setBool
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		set = setInt
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		set = setUint
	case reflect.Float32, reflect.Float64:
		set = setFloat
	}
	return set, wants
}

// wanted says of a value of type t what it has to be, in words that are no Go.
func wanted(t reflect.Type) string {
	switch {
	case t == reflect.TypeFor[time.Time]():
		return "must be a time like 2006-01-02T15:04:05Z"
	case t == durationType:
		return `must be a duration like "1m30s"`
	case reflect.PointerTo(t).Implements(textType):
		return "is not valid"
	}
	switch t.Kind() {
	case reflect.String:
		return "must be a text"
	case reflect.Bool:
		return "must be true or false"
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return "must be a whole number"
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return "must be a whole number from 0"
	case reflect.Float32, reflect.Float64:
		return "must be a number"
	case reflect.Slice, reflect.Array:
		return "must be a list"
	case reflect.Struct, reflect.Map:
		return "must be an object"
	}
	return "is not valid"
}

func setText(v reflect.Value, text string) error {
	return v.Addr().Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(text))
}

func setDuration(v reflect.Value, text string) error {
	d, err := time.ParseDuration(text)
	v.SetInt(int64(d))
	return err
}

func setBool(v reflect.Value, text string) error {
	if text == "on" || text == "off" {
		v.SetBool(text == "on")
		return nil
	}
	b, err := strconv.ParseBool(text)
	v.SetBool(b)
	return err
}

func setInt(v reflect.Value, text string) error {
	n, err := strconv.ParseInt(text, 10, v.Type().Bits())
	v.SetInt(n)
	return err
}

func setUint(v reflect.Value, text string) error {
	n, err := strconv.ParseUint(text, 10, v.Type().Bits())
	v.SetUint(n)
	return err
}

// setFloat refuses what is no number: NaN passes every comparison that should have stopped it.
func setFloat(v reflect.Value, text string) error {
	f, err := strconv.ParseFloat(text, v.Type().Bits())
	if err == nil && (math.IsNaN(f) || math.IsInf(f, 0)) {
		err = strconv.ErrSyntax
	}
	v.SetFloat(f)
	return err
}
