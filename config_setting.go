package hyperlane

import (
	"encoding/base64"
	"encoding/json"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// setting is one value that a file or the environment gives for one key.
type setting struct {
	key   string // as it stands in options, or unknown
	where string // file:line:column, or the variable
	text  string // the value as it was written
	value any    // a variable; or, from a file, a string, json.Number, bool, []any, or something that no option takes
}

// variable is text from the environment, where lists and flags are text too.
type variable string

func parseText(value any) (string, bool) {
	switch v := value.(type) {
	case string:
		return v, true
	case variable:
		return string(v), true
	}
	return "", false
}

func parseFlag(value any) (bool, bool) {
	switch v := value.(type) {
	case bool:
		return v, true
	case variable:
		b, err := strconv.ParseBool(string(v))
		return b, err == nil
	}
	return false, false
}

func parseCount(value any) (int, bool) {
	switch v := value.(type) {
	case json.Number:
		n, err := strconv.Atoi(string(v))
		return n, err == nil
	case variable:
		n, err := strconv.Atoi(string(v))
		return n, err == nil
	}
	return 0, false
}

func parseBytes[T int | int64](value any) (T, bool) {
	text, ok := parseText(value)
	if number, is := value.(json.Number); is {
		text, ok = string(number), true
	}
	if !ok {
		return 0, false
	}
	n, ok := parseSize(text)
	return T(n), ok && int64(T(n)) == n
}

// units are what a size may end in. KB, MB and K are not among them: people disagree about what they mean.
var units = []struct {
	name  string
	bytes int64
}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"B", 1}}

// parseSize reads bytes: "65536", "64KiB", "4MiB", "1GiB".
func parseSize(text string) (int64, bool) {
	unit := int64(1)
	for _, u := range units {
		if number, ok := strings.CutSuffix(text, u.name); ok {
			text, unit = number, u.bytes
			break
		}
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n*unit/unit != n {
		return 0, false
	}
	return n * unit, true
}

// formatSize writes n so that parseSize reads it, in the largest unit that leaves no rest.
func formatSize(n int64) string {
	for _, u := range units {
		if u.bytes > 1 && n != 0 && n%u.bytes == 0 {
			return strconv.FormatInt(n/u.bytes, 10) + u.name
		}
	}
	return strconv.FormatInt(n, 10)
}

func parseDuration(value any) (time.Duration, bool) {
	text, ok := parseText(value)
	d, err := time.ParseDuration(text)
	return d, ok && err == nil
}

func parseTimeout(value any) (time.Duration, bool) {
	if text, _ := parseText(value); text == "none" {
		return -1, true
	}
	return parseDuration(value)
}

// parseList reads an array of a file, or what stands between the commas of a variable.
func parseList[T any](value any, parse func(string) (T, error)) ([]T, bool) {
	var texts []string
	switch v := value.(type) {
	case []any:
		for _, element := range v {
			text, ok := element.(string)
			if !ok {
				return nil, false
			}
			texts = append(texts, text)
		}
	case variable:
		texts = strings.Split(string(v), ",")
	default:
		return nil, false
	}
	list := make([]T, len(texts))
	for i, text := range texts {
		var err error
		if list[i], err = parse(strings.TrimSpace(text)); err != nil {
			return nil, false
		}
	}
	return list, true
}

func parseNetwork(text string) (netip.Prefix, error) {
	if addr, err := netip.ParseAddr(text); err == nil && addr.Zone() == "" {
		return addr.Prefix(addr.BitLen())
	}
	return netip.ParsePrefix(text)
}

// parseKey reads base64 in either alphabet, padded or not.
func parseKey(text string) ([]byte, error) {
	text = strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(text, "="))
	return base64.RawStdEncoding.DecodeString(text)
}
