package hyperlane

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// plan says how Bind fills one type. It is made once for each type, and read only.
type plan struct {
	t            reflect.Type
	err          error // everything that is wrong with the type
	json         bool  // the body must be JSON
	object       bool  // and an object
	jsonRequired bool  // of jsonFields, some are required
	form         bool
	fields       []boundField

	// jsonType has the json fields of t, in order, and no other, so that JSON reaches nothing by its Go name that comes from
	// elsewhere. It is nil if the body fills t as a whole.
	jsonType   reflect.Type
	jsonFields []jsonField
}

// boundField is a field that is not in a JSON body.
type boundField struct {
	input
	index    []int
	field    string  // its Go name
	fallback *string // the default; nil if there is none
	optional bool    // zero if it is absent
}

// jsonField is a field in a JSON body.
type jsonField struct {
	name     string
	index    []int
	t        reflect.Type
	options  string  // what the tag says behind the name
	shape    *shape  // for the default
	fallback *string // the default; nil if there is none
	required bool
	nullable bool // null is a value
}

var plans sync.Map // reflect.Type -> *plan

func planOf(t reflect.Type) *plan {
	if p, ok := plans.Load(t); ok {
		return p.(*plan)
	}
	p, _ := plans.LoadOrStore(t, newPlan(t))
	return p.(*plan)
}

func newPlan(t reflect.Type) *plan {
	p := &plan{t: t, json: true}
	if t.Kind() == reflect.Pointer || t.Kind() == reflect.Interface {
		p.err = fmt.Errorf("hyperlane: Bind[%v]: bind the struct itself", t)
		return p
	}
	p.object = t.Kind() == reflect.Struct && !reflect.PointerTo(t).Implements(reflect.TypeFor[json.Unmarshaler]())
	if t.Kind() != reflect.Struct || !tagged(t) {
		return p
	}
	p.json = false
	p.addStruct(t, nil)
	p.object = true
	p.jsonType = p.makeJSONType()
	if p.json && p.form {
		p.err = errors.Join(p.err, fmt.Errorf("hyperlane: Bind[%v]: it has json fields and form fields, but a body is one of them", t))
	}
	return p
}

var sources = []source{fromPath, fromQuery, fromHeader, fromCookie, fromForm}

// tagged reports whether t says more than encoding/json knows. seen are structs around it.
func tagged(t reflect.Type, seen ...reflect.Type) bool {
	for f := range t.Fields() {
		for _, key := range []string{"path", "query", "header", "cookie", "form", "bind", "default"} {
			if _, ok := f.Tag.Lookup(key); ok {
				return true
			}
		}
		inner := f.Type
		if inner.Kind() == reflect.Pointer {
			inner = inner.Elem()
		}
		if f.Anonymous && inner.Kind() == reflect.Struct && !slices.Contains(seen, inner) && tagged(inner, append(seen, t)...) {
			return true
		}
	}
	return false
}

// flattened returns the struct whose fields count as those of the struct around it.
func flattened(f reflect.StructField) (reflect.Type, bool) {
	return f.Type, f.Anonymous && f.Type.Kind() == reflect.Struct && jsonName(f) == "" && f.Tag.Get("json") != "-"
}

// jsonName returns the name that a json tag gives to f, or "".
func jsonName(f reflect.StructField) string {
	tag := f.Tag.Get("json")
	name, _, _ := strings.Cut(tag, ",")
	switch {
	case tag == "-":
		return ""
	case tag != "" && name == "":
		return f.Name
	}
	return name
}

func (p *plan) mistake(field, format string, args ...any) error {
	return fmt.Errorf("hyperlane: Bind[%v]: field %s: %w", p.t, field, fmt.Errorf(format, args...))
}

func (p *plan) addStruct(t reflect.Type, outer []int) {
	for f := range t.Fields() {
		f.Index = append(append([]int{}, outer...), f.Index...)
		if inner, ok := flattened(f); ok && sourceOf(f) == "" {
			p.addStruct(inner, f.Index)
			continue
		}
		if err := p.addField(f); err != nil {
			p.err = errors.Join(p.err, err)
		}
	}
}

// sourceOf returns the tags of f that name a source, with " and " between them.
func sourceOf(f reflect.StructField) string {
	var found []string
	for _, s := range sources {
		if _, ok := f.Tag.Lookup(string(s)); ok {
			found = append(found, string(s))
		}
	}
	if jsonName(f) != "" {
		found = append(found, "json")
	}
	return strings.Join(found, " and ")
}

func (p *plan) addField(f reflect.StructField) error {
	from := sourceOf(f)
	modifier, modified := f.Tag.Lookup("bind")
	fallback, hasDefault := f.Tag.Lookup("default")
	switch {
	case strings.Contains(from, " and "):
		return p.mistake(f.Name, "%s: one field, one source (json:\"-\" keeps it out of JSON)", from)
	case modified && modifier != "required" && modifier != "optional":
		return p.mistake(f.Name, "bind:%q, want required or optional", modifier)
	case modified && hasDefault:
		return p.mistake(f.Name, "a field with a default is neither required nor optional")
	case from == "" && (modified || hasDefault):
		return p.mistake(f.Name, "bind and default need a source: path, query, header, cookie, form or json")
	case from != "" && !f.IsExported():
		return p.mistake(f.Name, "it is not exported")
	case f.Anonymous && f.Type.Kind() == reflect.Pointer && from == "":
		return p.mistake(f.Name, "embed the struct, not a pointer to it")
	case from == "":
		return nil
	}
	s := shapeOf(f.Type)
	if hasDefault {
		if err := p.checkDefault(f, s, fallback); err != nil {
			return err
		}
	}
	if from == "json" {
		return p.addJSON(f, s)
	}
	return p.addBound(f, source(from), s)
}

func (p *plan) checkDefault(f reflect.StructField, s *shape, text string) error {
	if s.set == nil || s.list {
		return p.mistake(f.Name, "a %v can have no default", f.Type)
	}
	if text == "" && !s.empty {
		return p.mistake(f.Name, "the default is empty")
	}
	if fault := s.put(reflect.New(f.Type).Elem(), text); fault != "" {
		return p.mistake(f.Name, "default %q %s", text, fault)
	}
	return nil
}

func (p *plan) addJSON(f reflect.StructField, s *shape) error {
	name := jsonName(f)
	for _, other := range p.jsonFields {
		if other.name == name {
			return p.mistake(f.Name, "the json name %q is taken", name)
		}
	}
	_, options, _ := strings.Cut(f.Tag.Get("json"), ",")
	required := f.Tag.Get("bind") == "required"
	p.json = true
	p.jsonRequired = p.jsonRequired || required
	nullable := reflect.PointerTo(f.Type).Implements(reflect.TypeFor[json.Unmarshaler]())
	switch f.Type.Kind() {
	case reflect.Pointer, reflect.Map, reflect.Slice, reflect.Interface:
		nullable = true
	}
	p.jsonFields = append(p.jsonFields, jsonField{
		name: name, index: f.Index, t: f.Type, options: options,
		shape: s, fallback: lookupTag(f, "default"), required: required, nullable: nullable,
	})
	return nil
}

func (p *plan) makeJSONType() reflect.Type {
	fields := make([]reflect.StructField, len(p.jsonFields))
	for i, f := range p.jsonFields {
		tag := "json:" + strconv.Quote(f.name+","+f.options)
		fields[i] = reflect.StructField{Name: "F" + strconv.Itoa(i), Type: f.t, Tag: reflect.StructTag(tag)}
	}
	return reflect.StructOf(fields)
}

func (p *plan) addBound(f reflect.StructField, from source, s *shape) error {
	name := f.Tag.Get(string(from))
	switch {
	case name == "" || strings.ContainsAny(name, ", "):
		return p.mistake(f.Name, "%s:%q is no name", from, name)
	case !s.fits(from):
		return p.mistake(f.Name, "no %v can be made of what a %s has", f.Type, from)
	}
	p.form = p.form || from == fromForm
	modifier := f.Tag.Get("bind")
	p.fields = append(p.fields, boundField{
		input: input{from: from, name: name, shape: s}, index: f.Index, field: f.Name,
		fallback: lookupTag(f, "default"),
		optional: modifier == "optional" || modifier == "" && (s.pointer || s.list),
	})
	return nil
}

func lookupTag(f reflect.StructField, key string) *string {
	if text, ok := f.Tag.Lookup(key); ok {
		return &text
	}
	return nil
}
