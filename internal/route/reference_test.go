package route

import (
	"cmp"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// reference is a table that tries every pattern there is. It shares the reading of patterns and the built-in constraints
// with the package, and nothing of how lookups work.
type reference struct{ routes []referenceRoute }

type referenceRoute struct {
	Route
	labels, segments []segment
}

func (ref *reference) add(r Route, cs *constraints) {
	labels, err := parseHost(r.Host, cs)
	if err != nil {
		panic(err)
	}
	p, err := parsePattern(r.Pattern, cs)
	if err != nil {
		panic(err)
	}
	ref.routes = append(ref.routes, referenceRoute{r, labels, p.segments})
}

// lookup answers as the function answer does, with the route in place of its value.
func (ref *reference) lookup(method, host, path string) string {
	if !strings.HasPrefix(path, "/") {
		return "BadPath"
	}
	pieces := strings.Split(path[1:], "/")
	for i := range pieces {
		var err error
		pieces[i], err = url.PathUnescape(pieces[i])
		if err != nil || strings.Contains(pieces[i], "\x00") {
			return "BadPath"
		}
	}
	host, _, _ = strings.Cut(asciiLower(host), ":")
	labels := strings.Split(strings.TrimSuffix(host, "."), ".")

	var matching []referenceRoute
	var allow []string
	for _, r := range ref.routes {
		if len(r.labels) > 0 {
			if _, ok := match(r.labels, labels); !ok || len(r.labels) != len(labels) {
				continue
			}
		}
		if _, ok := match(r.segments, pieces); !ok {
			continue
		}
		allow = append(allow, r.Method)
		if r.Method == "GET" {
			allow = append(allow, "HEAD")
		}
		if r.Method == "" || r.Method == method || r.Method == "GET" && method == "HEAD" {
			matching = append(matching, r)
		}
	}
	if len(matching) == 0 {
		if len(allow) == 0 {
			return "NotFound"
		}
		allow = append(allow, "OPTIONS")
		slices.Sort(allow)
		return "405 " + strings.Join(slices.Compact(allow), ", ")
	}
	best := slices.MinFunc(matching, func(a, b referenceRoute) int { return moreSpecific(a, b, method) })
	answer := best.Route.String()
	if len(best.labels) > 0 {
		values, _ := match(best.labels, labels)
		answer += values
	}
	values, _ := match(best.segments, pieces)
	return answer + values
}

// match matches whole segments with decoded pieces and describes the params.
func match(segments []segment, pieces []string) (values string, ok bool) {
	for i, s := range segments {
		if s.kind == tail && i < len(pieces) {
			return values + fmt.Sprintf(" %s=%q", s.name, strings.Join(pieces[i:], "/")), true
		}
		if i >= len(pieces) || len(pieces[i]) < len(s.prefix)+len(s.suffix) ||
			!strings.HasPrefix(pieces[i], s.prefix) || !strings.HasSuffix(pieces[i], s.suffix) {
			return "", false
		}
		value := pieces[i][len(s.prefix) : len(pieces[i])-len(s.suffix)]
		switch s.kind {
		case static:
			if value != "" {
				return "", false
			}
			continue
		case named:
			ok = value != "" && s.constraint.match([]byte(value))
		case regex:
			whole := regexp.MustCompile("^(?:" + s.constraint.text + ")$")
			ok = value != "" && whole.FindString(value) == value && whole.MatchString(value)
		case dynamic:
			ok = value != ""
		}
		if !ok {
			return "", false
		}
		values += fmt.Sprintf(" %s=%q", s.name, value)
	}
	return values, len(segments) == len(pieces)
}

// moreSpecific orders routes that match the same request by the rules of the package comment.
func moreSpecific(a, b referenceRoute, method string) int {
	if c := cmp.Compare(hostClass(a), hostClass(b)); c != 0 {
		return c
	}
	for i := len(a.labels) - 1; i >= 0; i-- {
		if c := cmp.Compare(key(a.labels[i]), key(b.labels[i])); c != 0 {
			return c
		}
	}
	for i := range min(len(a.segments), len(b.segments)) {
		if c := cmp.Compare(key(a.segments[i]), key(b.segments[i])); c != 0 {
			return c
		}
	}
	return cmp.Compare(methodClass(a.Method, method), methodClass(b.Method, method))
}

func hostClass(r referenceRoute) int {
	switch {
	case len(r.labels) == 0:
		return 2
	case strings.Contains(r.Host, "{"):
		return 1
	}
	return 0
}

func methodClass(route, request string) int {
	return slices.Index([]string{request, "GET", ""}, route)
}

// key returns text that sorts as segments which match the same text are to be tried.
func key(s segment) string {
	class := map[kind]int{static: 0, named: 2, regex: 3, dynamic: 4, tail: 5}[s.kind]
	order := ""
	if s.kind == named {
		order = fmt.Sprintf("%02d %s", s.constraint.rank+1, s.constraint.text)
	}
	if s.kind == regex {
		order = fmt.Sprintf("%.30f %s", s.constraint.width, s.constraint.text)
	}
	if s.kind != static && s.prefix+s.suffix != "" {
		return fmt.Sprintf("1 %03d %03d %d %s", 999-len(s.prefix), 999-len(s.suffix), class, order)
	}
	return fmt.Sprintf("%d %s", class, order)
}
