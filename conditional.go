package hyperlane

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// validators are what a representation is known by (RFC 9110 section 8.8).
type validators struct {
	tag      string    // ETag, or ""
	modified time.Time // zero: unknown
	young    bool      // modified so lately that it may change again without a change of modified
}

// settled is how old a file must be before its time stands for its content: file systems keep times in steps of up to 2 s
// (RFC 9110 sections 8.8.1 and 8.8.2.2).
const settled = 2 * time.Second

// hasTime reports whether t tells anything: builds that are to be reproducible set files to the first or second moment of 1970.
func hasTime(t time.Time) bool { return t.Unix() > 1 }

// fileTag returns the ETag of a file, or "" if its time is unknown.
func fileTag(modified time.Time, size int64) string {
	if !hasTime(modified) {
		return ""
	}
	return `"` + strconv.FormatInt(modified.UnixNano(), 36) + "-" + strconv.FormatInt(size, 36) + `"`
}

// setValidators sets the ETag and Last-Modified of rep and returns them. An ETag that the handler has set wins.
func (r *Response) setValidators(rep *representation, now time.Time) validators {
	v := validators{tag: r.Header("ETag"), young: now.Sub(rep.modified) < settled}
	if hasTime(rep.modified) {
		v.modified = rep.modified.Truncate(time.Second) // as it is sent
		if v.modified.After(now) {
			v.modified = now.Truncate(time.Second) // RFC 9110 section 8.8.2.1: never later than Date
		}
		r.set("Last-Modified", v.modified.UTC().Format(http.TimeFormat))
	}
	if v.tag == "" && rep.tag != "" {
		if v.tag = rep.tag; v.young {
			v.tag = "W/" + v.tag
		}
		r.set("ETag", v.tag)
	}
	return v
}

// conditions are the fields of a request that make it conditional; "" is absent. A field that came twice is joined as a list, which
// makes of two dates none (RFC 9110 section 13.1.3).
type conditions struct {
	method                         string
	match, noneMatch               string
	modifiedSince, unmodifiedSince string
	ifRange                        string
	ranged                         bool
}

func (r *Request) conditions() conditions {
	return conditions{
		method: string(r.methodView()),
		match:  r.joined("If-Match"), noneMatch: r.joined("If-None-Match"),
		modifiedSince: r.joined("If-Modified-Since"), unmodifiedSince: r.joined("If-Unmodified-Since"),
		ifRange: r.joined("If-Range"), ranged: len(r.HeaderView("Range")) > 0,
	}
}

// joined returns all values of a field as one (RFC 9110 section 5.3).
func (r *Request) joined(name string) string {
	if len(r.HeaderView(name)) == 0 {
		return ""
	}
	return strings.Join(r.HeaderValues(name), ", ")
}

// precondition is what the preconditions of a request make of it.
type precondition uint8

const (
	met                precondition = iota // the request is answered as if it had none
	wholeOnly                              // the same, but without regard to Range
	notModified                            // 304
	preconditionFailed                     // 412
)

// evaluate goes through the preconditions in the order of RFC 9110 section 13.2.2.
func (q conditions) evaluate(v validators) precondition {
	reads := q.method == http.MethodGet || q.method == http.MethodHead
	if q.match != "" {
		if !matches(q.match, v.tag, strongly) {
			return preconditionFailed
		}
	} else if since, ok := httpDate(q.unmodifiedSince); ok && hasTime(v.modified) && v.modified.After(since) {
		return preconditionFailed
	}
	if q.noneMatch != "" {
		if matches(q.noneMatch, v.tag, weakly) {
			if reads {
				return notModified
			}
			return preconditionFailed
		}
	} else if since, ok := httpDate(q.modifiedSince); ok && reads && hasTime(v.modified) && !v.modified.After(since) {
		return notModified
	}
	if q.ranged && q.ifRange != "" && !v.unchanged(q.ifRange) {
		return wholeOnly
	}
	return met
}

// unchanged evaluates If-Range (RFC 9110 section 13.1.5): an entity tag or a date, compared strongly, so that parts of two versions
// are never put together.
func (v validators) unchanged(ifRange string) bool {
	if tag, _ := cutTag(ifRange); tag != "" {
		return strongly(tag, v.tag)
	}
	date, ok := httpDate(ifRange)
	return ok && hasTime(v.modified) && v.modified.Equal(date) && !v.young
}

func httpDate(text string) (t time.Time, ok bool) {
	if text == "" {
		return t, false
	}
	t, err := http.ParseTime(text)
	return t, err == nil
}

// matches reports whether a list of entity tags, or "*", has one that is the same as tag.
func matches(list, tag string, same func(a, b string) bool) bool {
	for {
		list = strings.TrimLeft(list, " \t,")
		if strings.HasPrefix(list, "*") {
			return true // there is a current representation
		}
		var one string
		if one, list = cutTag(list); one == "" {
			return false
		}
		if same(one, tag) {
			return true
		}
	}
}

// strongly compares entity tags so that the same tag means the same bytes (RFC 9110 section 8.8.3.2).
func strongly(a, b string) bool { return a == b && strings.HasPrefix(a, `"`) }

// weakly compares entity tags so that the same tag means as good as the same.
func weakly(a, b string) bool { return strings.TrimPrefix(a, "W/") == strings.TrimPrefix(b, "W/") }

// cutTag returns the entity tag at the front of list, and what follows it; "" if there is none (RFC 9110 section 8.8.3).
func cutTag(list string) (tag, rest string) {
	opaque, found := strings.CutPrefix(strings.TrimPrefix(list, "W/"), `"`)
	if !found {
		return "", ""
	}
	end := strings.IndexFunc(opaque, func(c rune) bool { return c <= ' ' || c == '"' || c == 0x7f })
	if end < 0 || opaque[end] != '"' {
		return "", ""
	}
	size := len(list) - len(opaque) + end + 1
	return list[:size], list[size:]
}

// setNotModified makes r a 304, with the fields that RFC 9110 section 15.4.5 asks for and without those that it advises against.
func (r *Response) setNotModified(v validators) {
	for _, name := range []string{"Content-Type", "Content-Length", "Content-Encoding"} {
		r.DelHeader(name)
	}
	if v.tag != "" {
		r.DelHeader("Last-Modified")
	}
	r.SetStatus(http.StatusNotModified).SetBody(nil)
}
