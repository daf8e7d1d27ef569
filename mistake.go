package hyperlane

import (
	"fmt"
	"strings"
)

// mistake is one thing that is wrong with a configuration.
type mistake struct {
	where   string // file:line:column, or a variable; "" in a Config that Go code made
	key     string // of an option, or one that is unknown, or ""
	name    string // of the field; "" if key is unknown
	value   string // as it was written, or ""
	problem string // what is allowed
	cause   error  // or nil
}

// mistake returns what is wrong with o's field in c.
func (o *configOption) mistake(c *Config, problem string) mistake {
	return mistake{key: o.key, name: o.name, value: o.show(c), problem: problem}
}

func (m mistake) Error() string {
	var parts []string
	what := m.key
	switch {
	case m.where != "":
		parts = append(parts, m.where)
	case m.name != "":
		what = "Config." + m.name
	}
	if m.value != "" {
		what += " = " + m.value
	}
	if what != "" {
		parts = append(parts, what)
	}
	return strings.Join(append(parts, m.problem), ": ")
}

func (m mistake) Unwrap() error { return m.cause }

// mistakes is an error of one line for each mistake. It must not be empty; see err.
type mistakes []mistake

// err returns ms as an error, or nil if there are none.
func (ms mistakes) err() error {
	if len(ms) == 0 {
		return nil
	}
	return ms
}

func (ms mistakes) Error() string {
	if len(ms) == 1 {
		return "hyperlane: configuration: " + ms[0].Error()
	}
	var b strings.Builder
	fmt.Fprintf(&b, "hyperlane: configuration: %d mistakes:", len(ms))
	for _, m := range ms {
		b.WriteString("\n\t" + m.Error())
	}
	return b.String()
}

func (ms mistakes) Unwrap() []error {
	errs := make([]error, len(ms))
	for i, m := range ms {
		errs[i] = m
	}
	return errs
}

// abridge shortens text to what fits into a message.
func abridge(text string) string {
	const most = 80
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "..."
}
