package hyperlane

import (
	"io/fs"
	"strconv"
	"strings"
)

// codings are what a file may be compressed with, the first at a tie, with the names that clients and files know them by.
var codings = []struct{ name, extension, alias string }{
	{"br", ".br", "br"},
	{"zstd", ".zst", "zstd"},
	{"gzip", ".gz", "x-gzip"}, // RFC 9110 section 8.4.1.3
}

// compressed returns the form of a file that the client likes best, and its coding, which is empty for the file itself. A range is
// always one of the file itself, so that the parts that a client puts together are parts of one thing.
func (s *site) compressed(c *Context, name string) (from, coding string) {
	c.Response.addVary("Accept-Encoding")
	accept := c.Request.joined("Accept-Encoding")
	if accept == "" || len(c.Request.HeaderView("Range")) > 0 {
		return name, ""
	}
	// RFC 9110 section 12.5.3: the file itself is acceptable unless it is excluded, and the last choice unless it is weighed.
	best := max(weight(accept, "identity"), 0)
	from = name
	for _, k := range codings {
		w := weight(accept, k.name, k.alias, "*")
		if w <= 0 || w < best || w == best && coding != "" {
			continue
		}
		if info, err := fs.Stat(s.fsys, name+k.extension); err == nil && info.Mode().IsRegular() {
			best, from, coding = w, name+k.extension, k.name
		}
	}
	return from, coding
}

// weight returns, in thousandths, the weight (RFC 9110 section 12.4.2) that list gives to the first of names that is in it, the most
// specific, or -1 if there is none. A weight that is not well-formed is 0.
func weight(list string, names ...string) int {
	found, w := len(names), -1
	for member := range strings.SplitSeq(list, ",") {
		name, params, _ := strings.Cut(member, ";")
		name = strings.Trim(name, " \t")
		for i := range found {
			if strings.EqualFold(name, names[i]) {
				found, w = i, quality(params)
				break
			}
		}
	}
	return w
}

// quality returns the weight among parameters, in thousandths.
func quality(params string) int {
	for param := range strings.SplitSeq(params, ";") {
		name, value, _ := strings.Cut(param, "=")
		if !strings.EqualFold(strings.Trim(name, " \t"), "q") {
			continue
		}
		whole, rest, _ := strings.Cut(strings.Trim(value, " \t"), ".")
		n, err := strconv.ParseUint(whole+(rest + "000")[:max(3, len(rest))], 10, 16)
		if err != nil || len(whole) != 1 || len(rest) > 3 || n > 1000 {
			return 0
		}
		return int(n)
	}
	return 1000
}

// addVary names a request field that the response depends on (RFC 9110 section 12.5.5), unless it is named.
func (r *Response) addVary(name string) {
	for _, f := range r.fields {
		if !f.is("Vary") {
			continue
		}
		for member := range strings.SplitSeq(f.value, ",") {
			if strings.EqualFold(strings.Trim(member, " \t"), name) {
				return
			}
		}
	}
	r.AddHeader("Vary", name)
}
