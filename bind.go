package hyperlane

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"reflect"
	"strings"
)

// Bind fills a T from the request. T is a struct; a tag says where each of its fields comes from, and it comes from nowhere else:
//
//	type CreateOrder struct {
//		Customer int64     `path:"customer"`
//		Notify   bool      `query:"notify" default:"true"`
//		Trace    *string   `header:"X-Trace"`
//		Session  string    `cookie:"sid" bind:"optional"`
//		Title    string    `json:"title" bind:"required"`
//		Items    []Item    `json:"items"`
//	}
//
// A field of path, query, header, cookie or form has one of the types that [Param] tells of. If its value is absent, default says what
// it is instead; without a default a pointer is nil, a slice empty, with bind:"optional" anything zero, and else the request is
// refused. bind:"required" refuses it for pointers and slices, too: required asks whether a value is there, not whether it is zero.
//
// Fields with a json tag are filled from a JSON body (application/json or +json), by Config.JSON, as encoding/json does: what is
// absent stays as it is, keys that no field has are ignored. bind:"required" refuses absence and, unless the type can hold it, null.
// default holds here, too. Fields with a form tag are filled from a form, see Request.Form; there are json fields or form
// fields, not both. Fields of an embedded struct without a tag count as fields of T. Others without a tag are left zero.
//
// A T that has no such tags but json's, and no bind or default, is filled from JSON as a whole; it need not be a struct then.
//
// Then Validate is called, if T or *T has it: Validate() error, or Validate(ctx context.Context) error with the request's context.
//
// The error is for the handler to return. It is an [Error] with status 400 if something is absent or cannot be understood, 422 if
// Validate returned [FieldErrors], 415 if the body has the wrong type, or that of the body. For 400 and 422 it holds everything that
// is wrong: its cause is a FieldErrors, and the problem document lists them as "errors". Another error of Validate() is a 422 with
// the text of that error; one of Validate(ctx), which may have asked a database, is returned as it is. With an error T is what could
// be bound, to show a form again, say. A T that cannot be bound is the program's mistake: an error that is answered 500 and names
// type and field; see [Binds] to find it earlier.
func Bind[T any](c *Context) (T, error) {
	c.inUse()
	v := new(T)
	p := planOf(reflect.TypeFor[T]())
	if p.err != nil {
		return *v, p.err
	}
	if err := p.bind(c, reflect.ValueOf(v).Elem()); err != nil {
		return *v, err
	}
	err := validate(c, v)
	return *v, err
}

// Binds says that the handler of a route binds a T, so that a T that cannot be bound, or that wants a param the pattern does not have,
// is a mistake that Run reports.
func Binds[T any]() RouteOption {
	return func(r *registration) {
		p := planOf(reflect.TypeFor[T]())
		err := p.err
		for i := range p.fields {
			f := &p.fields[i]
			if f.from == fromPath && !f.optional && f.fallback == nil && !hasParam(r.Pattern, f.name) {
				err = errors.Join(err, p.mistake(f.field, "the pattern %s has no param %q", r.Pattern, f.name))
			}
		}
		if err != nil {
			r.group.server.mistake(fmt.Errorf("%s: %w", r.Place, err))
		}
	}
}

func hasParam(pattern, name string) bool {
	_, after, found := strings.Cut(pattern, "{"+name)
	return found && (strings.HasPrefix(after, "}") || strings.HasPrefix(after, ":") || strings.HasPrefix(after, "...")) ||
		found && hasParam(after, name)
}

// validate calls Validate of what v points to, if it has it.
func validate(c *Context, v any) error {
	var err error
	var pure bool
	switch v := v.(type) {
	case interface{ Validate() error }:
		err, pure = v.Validate(), true
	case interface{ Validate(context.Context) error }:
		err = v.Validate(c.Context())
	}
	if err == nil {
		return nil
	}
	if list, ok := errors.AsType[FieldErrors](err); ok {
		if len(list) == 0 {
			return nil // a FieldErrors without Err, in an interface
		}
		return list.refusal(http.StatusUnprocessableEntity)
	}
	if _, ok := errors.AsType[*Error](err); ok || !pure {
		return err
	}
	return &Error{Status: http.StatusUnprocessableEntity, Detail: err.Error(), Cause: err}
}

// bind fills v, which is zero.
func (p *plan) bind(c *Context, v reflect.Value) error {
	var wrong FieldErrors
	if p.json {
		if err := p.bindJSON(c, v, &wrong); err != nil {
			return err
		}
	}
	for i := range p.fields {
		f := &p.fields[i]
		target := v.FieldByIndex(f.index)
		fault, err := f.fill(c, target)
		switch {
		case err != nil:
			return err
		case fault == "", fault == absent && f.optional:
		case fault == absent && f.fallback != nil:
			f.shape.put(target, *f.fallback)
		case fault == absent && f.unknown(c):
			return p.mistake(f.field, "the pattern %s has no param %q", c.Pattern(), f.name)
		default:
			wrong = append(wrong, FieldError{Name: f.String(), Detail: fault})
		}
	}
	if len(wrong) > 0 {
		return wrong.refusal(http.StatusBadRequest)
	}
	return nil
}

var errNoJSON = Errorf(http.StatusUnsupportedMediaType, "the body must be JSON: application/json")

// bindJSON fills v from the body. What the client got wrong inside the body is added to wrong.
func (p *plan) bindJSON(c *Context, v reflect.Value, wrong *FieldErrors) error {
	if !isJSON(c.Request.Header("Content-Type")) {
		return errNoJSON
	}
	body, err := c.Request.BodyView()
	if err != nil {
		return err
	}
	trimmed := bytes.TrimLeft(body, " \t\r\n")
	if len(trimmed) == 0 {
		wrong.Add("body", "is empty")
		return nil
	}
	if p.object && trimmed[0] != '{' {
		// null would be no error to encoding/json, and no object either.
		wrong.Add("body", "must be a JSON object")
		return nil
	}
	codec := c.server.config.JSON
	into := v
	if p.jsonType != nil {
		into = p.newJSON()
		defer p.takeJSON(v, into)
	}
	if err := codec.Unmarshal(body, into.Addr().Interface()); err != nil {
		if !addJSONError(wrong, err) {
			return nil // malformed: nothing more can be said of it
		}
	}
	if p.jsonRequired {
		p.requireJSON(codec, body, wrong)
	}
	return nil
}

// newJSON returns a new value of jsonType that holds the defaults.
func (p *plan) newJSON() reflect.Value {
	v := reflect.New(p.jsonType).Elem()
	for i := range p.jsonFields {
		if f := &p.jsonFields[i]; f.fallback != nil {
			f.shape.put(v.Field(i), *f.fallback)
		}
	}
	return v
}

// takeJSON sets the json fields of v to what was decoded.
func (p *plan) takeJSON(v, decoded reflect.Value) {
	for i := range p.jsonFields {
		v.FieldByIndex(p.jsonFields[i].index).Set(decoded.Field(i))
	}
}

// requireJSON adds what is absent.
func (p *plan) requireJSON(codec Codec, body []byte, wrong *FieldErrors) {
	var members map[string]json.RawMessage
	if codec.Unmarshal(body, &members) != nil {
		return // which was reported before
	}
	for i := range p.jsonFields {
		f := &p.jsonFields[i]
		if !f.required {
			continue
		}
		value, found := members[f.name]
		for name, other := range members {
			if !found && strings.EqualFold(name, f.name) { // as encoding/json finds it
				value, found = other, true
			}
		}
		if !found || !f.nullable && string(value) == "null" {
			wrong.Add(jsonPointer(f.name), absent)
		}
	}
}

// isJSON reports whether a Content-Type is application/json or ends in +json (RFC 6839 section 3.1).
func isJSON(contentType string) bool {
	if contentType == "application/json" {
		return true
	}
	media, _, err := mime.ParseMediaType(contentType)
	return err == nil && (media == "application/json" || strings.HasPrefix(media, "application/") && strings.HasSuffix(media, "+json"))
}

// addJSONError tells the client where its JSON is wrong, in no words of Go. It reports whether the JSON is well-formed.
func addJSONError(wrong *FieldErrors, err error) bool {
	if e, ok := errors.AsType[*json.SyntaxError](err); ok {
		wrong.Add("body", "is malformed JSON at byte %d", e.Offset)
		return false
	}
	e, ok := errors.AsType[*json.UnmarshalTypeError](err)
	switch {
	case !ok:
		wrong.Add("body", "is not valid JSON for this request")
	case e.Field == "":
		wrong.Add("body", "%s, at byte %d", wantedJSON(e), e.Offset)
	default:
		wrong.Add(jsonPointer(strings.Split(e.Field, ".")...), "%s, at byte %d", wantedJSON(e), e.Offset)
	}
	return ok
}

func wantedJSON(e *json.UnmarshalTypeError) string {
	if number, ok := strings.CutPrefix(e.Value, "number "); ok && e.Type.Kind() <= reflect.Float64 && !strings.ContainsAny(number, ".eE") {
		return outOfRange
	}
	return wanted(e.Type)
}

var pointerEscaper = strings.NewReplacer("~", "~0", "/", "~1") // RFC 6901 section 3

func jsonPointer(names ...string) string {
	var b strings.Builder
	for _, name := range names {
		b.WriteByte('/')
		pointerEscaper.WriteString(&b, name)
	}
	return b.String()
}
