package hyperlane

import (
	"bytes"
	"fmt"
	"net/http"
	"reflect"
	"strconv"
)

// Param returns the param of that name as a T, as [Query], [Field], [Cookie] and [Form] do with what they are named after. T is
//
//   - a string, bool, integer or float, or a type made of one; a bool is also "on" or "off", as browsers send a checkbox
//   - a [time.Duration] ("1m30s"), a [time.Time] (RFC 3339), or another type whose pointer is an [encoding.TextUnmarshaler]
//   - a pointer to one of these: nil if the value is absent
//   - from a query or a form, a slice of them: all values of that name, nil if there is none
//   - from a form, a *[FormFile] or a slice of those
//
// Absent is not zero. For a value that is absent, unless T is a pointer or a slice, and for one that is no T, the error is an
// [Error] with status 400 that names the source and the name, and not the value. An empty text is a value only for types made of
// string; for others it is as if it were absent, which is how a browser sends what was not filled in. Where a name is given several
// times, the first one counts.
//
// What the program gets wrong is answered 500: a T that is none of these, or, for Param, a name that the pattern does not have.
func Param[T any](c *Context, name string) (T, error) {
	c.inUse()
	raw, found := c.findParam(name)
	return extract[T](c, fromPath, name, raw, found)
}

// Query returns the query parameter of that name as a T.
func Query[T any](c *Context, name string) (T, error) {
	c.inUse()
	raw, found := c.Request.findQuery(name)
	return extract[T](c, fromQuery, name, raw, found)
}

// QueryOr is Query with a value for an absent parameter. One that is there and no T is still an error.
func QueryOr[T any](c *Context, name string, absent T) (T, error) {
	c.inUse()
	raw, found := c.Request.findQuery(name)
	if s := shapeOf(reflect.TypeFor[T]()); !found || len(raw) == 0 && !s.empty && !s.list {
		return absent, nil
	}
	return extract[T](c, fromQuery, name, raw, found)
}

// Field returns the value of the first header field of that name as a T.
func Field[T any](c *Context, name string) (T, error) {
	c.inUse()
	span, found := c.Request.head().Find(c.exchange.raw, name)
	return extract[T](c, fromHeader, name, c.Request.view(span), found)
}

// Cookie returns the value of the cookie of that name as a T. One that is signed or encrypted is not opened: see [Request.SignedCookie].
func Cookie[T any](c *Context, name string) (T, error) {
	c.inUse()
	text, found := c.Request.Cookie(name)
	return extract[T](c, fromCookie, name, []byte(text), found)
}

// Form returns the value of that name in the form that is the body, urlencoded or multipart, as a T. See Request.Form for the
// errors of the form itself.
func Form[T any](c *Context, name string) (T, error) {
	return extract[T](c, fromForm, name, nil, false)
}

// source is where a value comes from. Its text is what tags and errors call it.
type source string

const (
	fromPath   source = "path"
	fromQuery  source = "query"
	fromHeader source = "header"
	fromCookie source = "cookie"
	fromForm   source = "form"
)

// extract takes the short way if there is one: raw is there and a T of the common types. The long way does the rest.
func extract[T any](c *Context, from source, name string, raw []byte, found bool) (T, error) {
	if found {
		var v T
		if parseCommon(&v, raw) {
			return v, nil
		}
	}
	v := new(T)
	err := extractInto(c, reflect.ValueOf(v).Elem(), from, name)
	return *v, err
}

// parseCommon sets what p points to, if its type is one of the most common and raw is one of its values. It allocates nothing but
// the string that was asked for.
func parseCommon(p any, raw []byte) (ok bool) {
	var err error
	switch p := p.(type) {
	case *string:
		*p = string(raw)
	case *int:
		*p, err = strconv.Atoi(string(raw))
	case *int64:
		*p, err = strconv.ParseInt(string(raw), 10, 64)
	case *uint64:
		*p, err = strconv.ParseUint(string(raw), 10, 64)
	case *bool:
		*p, err = strconv.ParseBool(string(raw))
	default:
		return false
	}
	return err == nil
}

func extractInto(c *Context, v reflect.Value, from source, name string) error {
	in := input{from: from, name: name, shape: shapeOf(v.Type())}
	if !in.shape.fits(from) {
		return fmt.Errorf("hyperlane: %s %s: no %v can be made of it", from, name, v.Type())
	}
	fault, err := in.fill(c, v)
	switch {
	case err != nil:
		return err
	case fault == "", fault == absent && (in.shape.pointer || in.shape.list):
		return nil
	case fault == absent && in.unknown(c):
		return fmt.Errorf("hyperlane: the pattern %s has no param %q", c.Pattern(), name)
	}
	return FieldErrors{{Name: in.String(), Detail: fault}}.refusal(http.StatusBadRequest)
}

// input is one value of a request, and how a Go value is made of it.
type input struct {
	from  source
	name  string
	shape *shape
}

// String returns what errors call the value, such as "query page".
func (in *input) String() string { return string(in.from) + " " + in.name }

// unknown reports whether the value is a param that the pattern does not have. A client cannot leave one out.
func (in *input) unknown(c *Context) bool {
	_, found := c.findParam(in.name)
	return in.from == fromPath && !found
}

// absent is the fault of a value that is not there.
const absent = "is missing"

// fill sets v to the value. fault says what is wrong with the value, for the client; err is any other failure.
func (in *input) fill(c *Context, v reflect.Value) (fault string, err error) {
	if in.shape.file {
		return in.fillFiles(c, v)
	}
	texts, err := in.texts(c)
	if err != nil {
		return "", err
	}
	if len(texts) > 1 && !in.shape.list {
		texts = texts[:1]
	}
	fault = absent
	for _, text := range texts {
		if text == "" && !in.shape.empty {
			continue
		}
		if fault = in.shape.put(v, text); fault != "" {
			return fault, nil
		}
	}
	return fault, nil
}

func (in *input) fillFiles(c *Context, v reflect.Value) (fault string, err error) {
	files, err := c.Request.Files(in.name)
	switch {
	case err != nil:
		return "", err
	case len(files) == 0:
		return absent, nil
	case in.shape.list:
		v.Set(reflect.ValueOf(files))
	default:
		v.Set(reflect.ValueOf(files[0]))
	}
	return "", nil
}

// texts returns the values of that name; of a query and a form all of them.
func (in *input) texts(c *Context) ([]string, error) {
	r := &c.Request
	switch in.from {
	case fromPath:
		if raw, found := c.findParam(in.name); found {
			return []string{string(raw)}, nil
		}
	case fromQuery:
		return r.queryTexts(in.name), nil
	case fromHeader:
		if span, found := r.head().Find(c.exchange.raw, in.name); found {
			return []string{string(r.view(span))}, nil
		}
	case fromCookie:
		if text, found := r.Cookie(in.name); found {
			return []string{text}, nil
		}
	case fromForm:
		f, err := r.parsedForm()
		if err != nil {
			return nil, err
		}
		return f.values[in.name], nil
	}
	return nil, nil
}

// findParam returns the param of that name, a view that ends with the handler.
func (c *Context) findParam(name string) ([]byte, bool) {
	if !c.detached {
		return c.match.Find(name)
	}
	for _, p := range c.params {
		if p.name == name {
			return []byte(p.value), true
		}
	}
	return nil, false
}

// findQuery returns the first query parameter of that name, decoded, a view that ends with the handler.
func (r *Request) findQuery(name string) ([]byte, bool) {
	scan := r.scanQuery()
	raw, found := scan.next(name)
	if bytes.ContainsAny(raw, "%+") {
		return []byte(unescape(string(raw))), found
	}
	return raw, found
}

func (r *Request) queryTexts(name string) []string {
	var texts []string
	scan := r.scanQuery()
	for raw, found := scan.next(name); found; raw, found = scan.next(name) {
		texts = append(texts, unescape(string(raw)))
	}
	return texts
}

// queryScan walks over the parameters of a query.
type queryScan struct {
	rest []byte
	left int // parameters that may still be looked at
}

func (r *Request) scanQuery() queryScan {
	return queryScan{r.view(r.head().Query), maxQueryParams}
}

// next returns the value of the next parameter of that name, still encoded.
func (q *queryScan) next(name string) (value []byte, found bool) {
	for len(q.rest) > 0 && q.left > 0 {
		q.left--
		var pair []byte
		pair, q.rest = cut(q.rest, '&')
		key, value := cut(pair, '=')
		if len(key) > 0 && decodesTo(key, name) {
			return value, true
		}
	}
	return nil, false
}

func decodesTo(raw []byte, text string) bool {
	if !bytes.ContainsAny(raw, "%+") {
		return string(raw) == text
	}
	return unescape(string(raw)) == text
}
