package route

import "bytes"

// Clean returns path without empty segments and without dot segments (RFC 3986 section 5.2.4); dots may be escaped, %2e.
// A trailing slash stays. If there is nothing to do it returns path itself and false; otherwise the result is appended to
// dst. The path is raw and stays raw. A changed result begins with exactly one slash and has its backslashes escaped,
// because browsers take them for slashes: in a Location field it cannot lead to another host.
func Clean(path, dst []byte) (cleaned []byte, changed bool) {
	if isClean(path) {
		return path, false
	}
	base := len(dst)
	for rest := path; len(rest) > 0; {
		rest = bytes.TrimLeft(rest, "/")
		size := bytes.IndexByte(rest, '/')
		last := size < 0
		if last {
			size = len(rest)
		}
		switch dots(rest[:size]) {
		case 0:
			if size > 0 {
				dst = append(dst, '/')
				dst = appendSegment(dst, rest[:size])
			}
		case 2:
			if i := bytes.LastIndexByte(dst[base:], '/'); i >= 0 {
				dst = dst[:base+i]
			}
		}
		if last && (size == 0 || dots(rest) > 0) {
			dst = append(dst, '/')
		}
		rest = rest[size:]
	}
	if len(dst) == base {
		dst = append(dst, '/')
	}
	return dst, true
}

// isClean reports whether path begins with a slash and no segment is empty, "." or "..", but for an empty last one.
func isClean(path []byte) bool {
	if len(path) == 0 || path[0] != '/' {
		return false
	}
	for rest := path[1:]; ; {
		size := bytes.IndexByte(rest, '/')
		if size < 0 {
			return dots(rest) == 0
		}
		if size == 0 || dots(rest[:size]) > 0 {
			return false
		}
		rest = rest[size+1:]
	}
}

// dots returns 1 or 2 if the segment is as many dots, escaped or not, and otherwise 0.
func dots(segment []byte) int {
	n := 0
	for len(segment) > 0 {
		switch {
		case segment[0] == '.':
			segment = segment[1:]
		case len(segment) >= 3 && segment[0] == '%' && segment[1] == '2' && segment[2]|0x20 == 'e':
			segment = segment[3:]
		default:
			return 0
		}
		if n++; n > 2 {
			return 0
		}
	}
	return n
}

func appendSegment(dst, segment []byte) []byte {
	for _, c := range segment {
		if c == '\\' {
			dst = append(dst, "%5C"...)
		} else {
			dst = append(dst, c)
		}
	}
	return dst
}
