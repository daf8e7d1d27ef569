package hyperlane

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"os"
	"slices"
	"strings"
)

// LoadConfig reads a Config from the JSON file at path, and then from the environment, which overrides the file. With a path
// of "" only the environment is read. The result is valid.
//
// The keys are the fields in lower case with underscores, those of Limits in an object:
//
//	{
//		"head_timeout": "5s",
//		"handler_timeout": "none",
//		"limits": {"body": "8MiB", "fields": 50},
//		"trusted_proxies": ["10.0.0.0/8"]
//	}
//
// Durations are texts, sizes are numbers of bytes or texts in B, KiB, MiB or GiB, cookie keys are base64. "limits" may also be
// the name of a preset: "strict", "default" or "generous". Logger and JSON have no key.
//
// In the environment the same keys are HYPERLANE_HEAD_TIMEOUT or HYPERLANE_LIMITS_BODY, and lists have commas. A variable that
// is empty counts as absent. HYPERLANE_LIMITS, a preset, comes before its fields. HYPERLANE_ADDR and HYPERLANE_CONFIG are left
// to the program: they are no part of a Config, and no mistake.
//
// All mistakes of both are reported in one error, each with its place, key and value and with what is allowed: values, keys
// that are unknown or come twice, and variables that begin with HYPERLANE_ and mean nothing. The error wraps that of reading
// the file, if any. With an error the Config is zero.
func LoadConfig(path string) (Config, error) {
	if path == "" {
		return ParseConfig("", nil, os.Environ())
	}
	data, err := os.ReadFile(path)
	if err != nil {
		_, others := ParseConfig("", nil, os.Environ())
		list := mistakes{{problem: err.Error(), cause: err}}
		if more, ok := errors.AsType[mistakes](others); ok {
			list = append(list, more...)
		}
		return Config{}, list.err()
	}
	return ParseConfig(path, data, os.Environ())
}

// ParseConfig is LoadConfig for a file that has been read already, say from an embedded file system, and an environment of the
// form of [os.Environ]. name is the file's name in errors. With data of nil there is no file.
func ParseConfig(name string, data []byte, environ []string) (Config, error) {
	var settings []setting
	var list mistakes
	if data != nil {
		settings, list = fileSettings(name, data)
	}
	settings = append(settings, environSettings(environ)...)

	var c Config
	origin := make(map[string]setting)
	reported := make(map[string]bool)
	for _, s := range settings {
		o := configOptionByKey(s.key)
		if o == nil {
			list = append(list, s.unknown())
			continue
		}
		if !o.set(&c, s.value) || !o.valid(&c) {
			reported[s.key] = true
			list = append(list, s.mistake(o, "want "+o.allowed))
			continue
		}
		origin[s.key] = s
	}
	for _, m := range c.mistakes(reported) {
		m.where = origin[m.key].where
		if m.where == "" {
			m.where = origin[limitsOption.key].where // a preset has set it
		}
		list = append(list, m)
	}
	if len(list) > 0 {
		return Config{}, list
	}
	return c, nil
}

// mistake returns what is wrong with s, which is for o.
func (s setting) mistake(o *configOption, problem string) mistake {
	m := mistake{where: s.where, key: s.key, name: o.name, value: abridge(s.text), problem: problem}
	if o.secret {
		m.value = "(secret)"
	}
	return m
}

// unknown returns the mistake of a setting that no option is for. The value stays untold, since it may be a secret.
func (s setting) unknown() mistake {
	m := mistake{where: s.where, key: s.key, problem: "unknown key"}
	near := nearestKey(s.key)
	if s.where == s.key {
		m.key, m.problem = "", "unknown variable"
		near = variableName(near)
	}
	m.problem += ", want perhaps " + near
	return m
}

// nearestKey returns the key of the option that is most like key, which may also be a variable.
func nearestKey(key string) string {
	plain := func(key string) string {
		key = strings.ToLower(strings.TrimPrefix(key, variablePrefix))
		return strings.NewReplacer("_", "", "-", "", ".", "", `"`, "").Replace(key[:min(len(key), 64)])
	}
	best, least := "", math.MaxInt
	for _, o := range configOptions {
		_, last, _ := strings.Cut(o.key, ".")
		d := editDistance(plain(key), plain(o.key))
		if last != "" {
			d = min(d, editDistance(plain(key), plain(last))+1) // the field alone, without its object
		}
		if d < least {
			best, least = o.key, d
		}
	}
	return best
}

// editDistance returns how many bytes must be inserted, deleted or replaced to make b of a.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replace := diagonal
			if a[i] != b[j] {
				replace++
			}
			diagonal = row[j+1]
			row[j+1] = min(replace, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

const variablePrefix = "HYPERLANE_"

// foreignVariables begin like ours, and belong to the program.
var foreignVariables = []string{variablePrefix + "ADDR", variablePrefix + "CONFIG"}

func variableName(key string) string {
	return variablePrefix + strings.ToUpper(strings.ReplaceAll(key, ".", "_"))
}

// environSettings returns what environ sets, in the order of options, and then what it sets that is unknown. Of a variable
// that comes twice the last counts, as in [os/exec.Cmd].
func environSettings(environ []string) []setting {
	values := make(map[string]string)
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		if strings.HasPrefix(name, variablePrefix) && !slices.Contains(foreignVariables, name) {
			values[name] = value
		}
	}
	var settings []setting
	for _, o := range configOptions {
		name := variableName(o.key)
		if value := values[name]; value != "" {
			settings = append(settings, setting{o.key, name, fmt.Sprintf("%q", value), variable(value)})
		}
		delete(values, name)
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		settings = append(settings, setting{key: name, where: name})
	}
	return settings
}
