package route

import "bytes"

// builtin are the constraints that every table knows, in order of precedence. Nothing changes it.
var builtin = [...]constraint{
	{kind: named, rank: 0, text: "bool", match: isBool, samples: []string{"true"}},
	{kind: named, rank: 1, text: "uint", match: isUint, samples: []string{"1"}},
	{kind: named, rank: 2, text: "int", match: isInt, samples: []string{"1"}},
	{kind: named, rank: 3, text: "date", match: isDate, samples: []string{"2000-01-31"}},
	{kind: named, rank: 4, text: "uuid", match: isUUID, samples: []string{"00000000-0000-0000-0000-000000000000"}},
	{kind: named, rank: 5, text: "hex", match: isHex, samples: []string{"a0"}},
	{kind: named, rank: 6, text: "alpha", match: isAlphas, samples: []string{"a"}},
	{kind: named, rank: 7, text: "alnum", match: isAlnums, samples: []string{"a1"}},
	{kind: named, rank: 8, text: "slug", match: isSlug, samples: []string{"a-b"}},
}

func isBool(v []byte) bool { return string(v) == "true" || string(v) == "false" }

func isUint(v []byte) bool { return isNumber(v, "18446744073709551615") }

func isInt(v []byte) bool {
	if len(v) > 0 && v[0] == '-' {
		return isNumber(v[1:], "9223372036854775808")
	}
	return isNumber(v, "9223372036854775807")
}

// isNumber reports whether v is decimal digits and not greater than limit.
func isNumber(v []byte, limit string) bool {
	if !all(v, isDigit) {
		return false
	}
	v = bytes.TrimLeft(v, "0")
	return len(v) < len(limit) || len(v) == len(limit) && string(v) <= limit
}

func isDate(v []byte) bool {
	if len(v) != 10 || v[4] != '-' || v[7] != '-' || !all(v[:4], isDigit) || !all(v[5:7], isDigit) || !all(v[8:], isDigit) {
		return false
	}
	year := int(v[0]-'0')*1000 + int(v[1]-'0')*100 + int(v[2]-'0')*10 + int(v[3]-'0')
	month := int(v[5]-'0')*10 + int(v[6]-'0')
	day := int(v[8]-'0')*10 + int(v[9]-'0')
	days := 31
	switch month {
	case 4, 6, 9, 11:
		days = 30
	case 2:
		days = 28
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			days = 29
		}
	}
	return 1 <= month && month <= 12 && 1 <= day && day <= days
}

func isUUID(v []byte) bool {
	if len(v) != 36 {
		return false
	}
	for i, c := range v {
		if i == 8 || i == 13 || i == 18 || i == 23 {
			if c != '-' {
				return false
			}
		} else if !isHexDigit(c) {
			return false
		}
	}
	return true
}

func isHex(v []byte) bool    { return all(v, isHexDigit) }
func isAlphas(v []byte) bool { return all(v, isAlpha) }

func isAlnums(v []byte) bool {
	return all(v, func(c byte) bool { return isAlpha(c) || isDigit(c) })
}

func isSlug(v []byte) bool {
	hyphen := true // before the first byte as after a hyphen: a group must begin
	for _, c := range v {
		switch {
		case 'a' <= c && c <= 'z' || isDigit(c):
			hyphen = false
		case c == '-' && !hyphen:
			hyphen = true
		default:
			return false
		}
	}
	return !hyphen
}

// all reports whether v has bytes and they all are in the class.
func all(v []byte, class func(byte) bool) bool {
	for _, c := range v {
		if !class(c) {
			return false
		}
	}
	return len(v) > 0
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
func isAlpha(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

func isHexDigit(c byte) bool { return isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'f' }
