package route

import "slices"

// decode replaces every percent-escape of path by its byte (RFC 3986 section 2.1) and writes the result over scratch,
// which may be the array that path lies in. An escaped slash becomes NUL, which no path holds, so that it cannot be
// taken for a separator. It reports whether there was one, and whether all escapes were good; NUL itself never is.
func decode(scratch, path []byte) (decoded []byte, slashes, ok bool) {
	decoded = slices.Grow(scratch[:0], len(path))
	for i := 0; i < len(path); i++ {
		c := path[i]
		if c == '%' {
			if i+2 >= len(path) || !isHexDigit(path[i+1]) || !isHexDigit(path[i+2]) {
				return decoded, slashes, false
			}
			c = unhex(path[i+1])<<4 | unhex(path[i+2])
			i += 2
			if c == '/' {
				decoded = append(decoded, 0)
				slashes = true
				continue
			}
		}
		if c == 0 {
			return decoded, slashes, false
		}
		decoded = append(decoded, c)
	}
	return decoded, slashes, true
}

// restore turns the marks that decode left for escaped slashes into slashes.
func restore(decoded []byte) {
	for i, c := range decoded {
		if c == 0 {
			decoded[i] = '/'
		}
	}
}

func unhex(c byte) byte {
	if isDigit(c) {
		return c - '0'
	}
	return c | 0x20 - 'a' + 10
}
