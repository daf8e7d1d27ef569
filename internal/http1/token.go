package http1

// EqualFold reports whether b and s are equal when the case of ASCII letters is ignored. It folds no other letter: field
// names, schemes and codings are ASCII (RFC 9110 section 5.1).
func EqualFold(b []byte, s string) bool {
	if len(b) != len(s) {
		return false
	}
	for i := range len(s) {
		if b[i] != s[i] && (b[i]^s[i] != 0x20 || !isLetter(b[i])) {
			return false
		}
	}
	return true
}

// tokenLength returns how many bytes at the start of b can be of a token (RFC 9110 section 5.6.2).
func tokenLength(b []byte) int {
	i := 0
	for i < len(b) && class[b[i]]&inToken != 0 {
		i++
	}
	return i
}

// HasToken reports whether token is a member of a comma-separated list (RFC 9110 section 5.6.1). Case is ignored, white
// space around members is ignored, and a member counts only as a whole: "keep-alive-not" is not "keep-alive". Quoted
// strings are not understood: use it for Connection, Upgrade, Vary and their like, whose members are tokens.
func HasToken(list []byte, token string) bool {
	for len(list) > 0 {
		var member []byte
		member, list = cutMember(list)
		if EqualFold(member, token) {
			return true
		}
	}
	return false
}

// cutMember takes the first member off a comma-separated list.
func cutMember(list []byte) (member, rest []byte) {
	i := 0
	for i < len(list) && list[i] != ',' {
		i++
	}
	if i < len(list) {
		rest = list[i+1:]
	}
	return trim(list[:i]), rest
}

// trim takes the optional white space off both ends.
func trim(b []byte) []byte {
	for len(b) > 0 && isSpace(b[0]) {
		b = b[1:]
	}
	for len(b) > 0 && isSpace(b[len(b)-1]) {
		b = b[:len(b)-1]
	}
	return b
}

func isLetter(c byte) bool { return c|0x20-'a' < 26 }
