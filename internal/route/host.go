package route

import (
	"bytes"
	"cmp"
	"strings"
)

// host is the routes of one host shape. Only Add changes it.
type host struct {
	labels []segment // none: any host
	root   *node
}

// lookup tries every pattern of the host. The params of the host itself are in m already.
func (h *host) lookup(m *Match) *endpoint {
	params := len(m.spans)
	if h.root == nil {
		return nil
	}
	m.spans = m.spans[:cap(m.spans)]
	e := m.walk(h.root, 0, params)
	if e == nil {
		m.spans = m.spans[:params]
	}
	return e
}

// match reports whether the host in m has the labels of h, and leaves their params in m.
func (h *host) match(m *Match) bool {
	m.spans = m.spans[:0]
	from := 0
	for i := range h.labels {
		label := &h.labels[i]
		size := bytes.IndexByte(m.host[from:], '.')
		if last := i == len(h.labels)-1; last != (size < 0) {
			return false
		} else if last {
			size = len(m.host) - from
		}
		text := m.host[from : from+size]
		if label.kind == static {
			if string(text) != label.prefix {
				return false
			}
		} else {
			if !strings.HasPrefix(view(text), label.prefix) || !m.fits(label, text[len(label.prefix):]) {
				return false
			}
			m.spans = append(m.spans, span{from + len(label.prefix), from + size - len(label.suffix)})
		}
		from += size + 1
	}
	return true
}

// compare orders hosts that have params, the more specific first.
func (h *host) compare(o *host) int {
	for i := 1; i <= min(len(h.labels), len(o.labels)); i++ {
		a, b := h.labels[len(h.labels)-i], o.labels[len(o.labels)-i]
		if c := compareLabels(a, b); c != 0 {
			return c
		}
	}
	return cmp.Compare(len(h.labels), len(o.labels))
}

func compareLabels(a, b segment) int {
	return cmp.Or(
		cmp.Compare(rank(a), rank(b)),
		cmp.Compare(len(b.prefix), len(a.prefix)),
		cmp.Compare(a.prefix, b.prefix),
		a.compare(b),
	)
}

// rank orders a segment by what only its whole text tells: static, mixed, the others.
func rank(s segment) int {
	switch {
	case s.kind == static:
		return 0
	case s.prefix != "" || s.suffix != "":
		return 1
	}
	return 2
}

// appendHost appends the host of a request as it is compared: without port, without the dot that ends a full name, in
// lower case.
func appendHost(dst, text []byte) []byte {
	if i := bytes.LastIndexByte(text, ':'); i > bytes.LastIndexByte(text, ']') {
		text = text[:i]
	}
	text = bytes.TrimSuffix(text, []byte("."))
	for _, c := range text {
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		dst = append(dst, c)
	}
	return dst
}
