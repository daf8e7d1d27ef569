package http1

// class tells for each byte where it may stand. It is written once, when the package is initialised.
var class = classes()

const (
	inToken  = 1 << iota // tchar, RFC 9110 section 5.6.2
	inText               // field value: HTAB, SP, VCHAR, obs-text, RFC 9110 section 5.5
	inPath               // path of a target, see target.go
	inQuery              // query of a target, see target.go
	inHost               // reg-name without "%", RFC 3986 section 3.2.2
	inHex                // HEXDIG, either case
	inNumber             // DIGIT
	inQuoted             // qdtext, RFC 9110 section 5.6.4
)

func classes() (table [256]uint8) {
	const (
		digits     = "0123456789"
		letters    = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		unreserved = letters + digits + "-._~"
		subDelims  = "!$&'()*+,;="
		pathChars  = unreserved + subDelims + ":@%/"
	)
	allow := func(class uint8, chars string) {
		for i := range len(chars) {
			table[chars[i]] |= class
		}
	}
	allow(inToken, letters+digits+"!#$%&'*+-.^_`|~")
	allow(inPath, pathChars+"[]|^")
	allow(inQuery, pathChars+"?"+"[]|^"+"\\`{}")
	allow(inHost, unreserved+subDelims)
	allow(inHex, digits+"abcdefABCDEF")
	allow(inNumber, digits)
	for c := range table {
		if c == '\t' || c >= ' ' && c != 0x7f {
			table[c] |= inText
			if c != '"' && c != '\\' {
				table[c] |= inQuoted
			}
		}
	}
	return table
}

// isSpace reports OWS, RFC 9110 section 5.6.3.
func isSpace(c byte) bool { return c == ' ' || c == '\t' }
