package hyperlane

import (
	"fmt"
	"net/netip"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
)

// configOption ties one field of Config to what files and the environment call it, and to what it may hold.
type configOption struct {
	key     string                          // "limits.body" is the member body of the object limits
	name    string                          // the field, for those who write Go
	allowed string                          // completes "want ..."
	set     func(c *Config, value any) bool // value is a setting's; false: it is nothing of this kind, and c is as it was
	valid   func(c *Config) bool
	show    func(c *Config) string // the field's value in a message; secrets are not shown
	secret  bool
}

// configOptions are all keys there are, in the order in which the environment is applied: a preset comes before its fields.
var configOptions = []configOption{
	choiceOption("driver", "Driver", func(c *Config) *string { return &c.Driver }, drivers()...),
	countOption("loops", "Loops", func(c *Config) *int { return &c.Loops }, 0, 1<<10),
	noDelayOption,
	lingerOption,
	countOption("ttl", "TTL", func(c *Config) *int { return &c.TTL }, 0, 255),
	flagOption("reuse_port", "ReusePort", func(c *Config) *bool { return &c.ReusePort }),
	countOption("backlog", "Backlog", func(c *Config) *int { return &c.Backlog }, 0, 65535),
	sizeOption("read_buffer", "ReadBuffer", func(c *Config) *int { return &c.ReadBuffer }, 1<<10, 16<<20),
	sizeOption("websocket_buffer", "WebSocketBuffer", func(c *Config) *int { return &c.WebSocketBuffer }, 1<<10, 16<<20),
	countOption("max_conns", "MaxConns", func(c *Config) *int { return &c.MaxConns }, 0, 1<<30),
	countOption("max_in_flight", "MaxInFlight", func(c *Config) *int { return &c.MaxInFlight }, 0, 1<<30),
	timeoutOption("head_timeout", "HeadTimeout", func(c *Config) *time.Duration { return &c.HeadTimeout }),
	timeoutOption("body_timeout", "BodyTimeout", func(c *Config) *time.Duration { return &c.BodyTimeout }),
	sizeOrNoneOption("min_body_rate", "MinBodyRate", func(c *Config) *int { return &c.MinBodyRate }, 1, 1<<30),
	timeoutOption("write_timeout", "WriteTimeout", func(c *Config) *time.Duration { return &c.WriteTimeout }),
	timeoutOption("idle_timeout", "IdleTimeout", func(c *Config) *time.Duration { return &c.IdleTimeout }),
	timeoutOption("handler_timeout", "HandlerTimeout", func(c *Config) *time.Duration { return &c.HandlerTimeout }),
	timeoutOption("shutdown_timeout", "ShutdownTimeout", func(c *Config) *time.Duration { return &c.ShutdownTimeout }),
	limitsOption,
	sizeOption("limits.head", "Limits.Head", func(c *Config) *int { return &c.Limits.Head }, 256, 16<<20),
	sizeOption("limits.target", "Limits.Target", func(c *Config) *int { return &c.Limits.Target }, 64, 16<<20),
	countOption("limits.fields", "Limits.Fields", func(c *Config) *int { return &c.Limits.Fields }, 0, 1<<20),
	sizeOption("limits.field", "Limits.Field", func(c *Config) *int { return &c.Limits.Field }, 64, 16<<20),
	sizeOption("limits.body", "Limits.Body", func(c *Config) *int64 { return &c.Limits.Body }, 1, 1<<50),
	sizeOption("limits.buffered_body", "Limits.BufferedBody", func(c *Config) *int { return &c.Limits.BufferedBody }, 1, 1<<30),
	sizeOption("limits.multipart_memory", "Limits.MultipartMemory", func(c *Config) *int { return &c.Limits.MultipartMemory }, 1, 1<<30),
	sizeOrNoneOption("limits.multipart_disk", "Limits.MultipartDisk", func(c *Config) *int64 { return &c.Limits.MultipartDisk }, 1, 1<<50),
	countOption("limits.multipart_parts", "Limits.MultipartParts", func(c *Config) *int { return &c.Limits.MultipartParts }, 0, 1<<20),
	sizeOption("limits.outbox", "Limits.Outbox", func(c *Config) *int { return &c.Limits.Outbox }, 4<<10, 1<<30),
	choiceOption("trailing_slash", "TrailingSlash", func(c *Config) *string { return &c.TrailingSlash }, "strict", "redirect", "ignore"),
	choiceOption("clean_path", "CleanPath", func(c *Config) *string { return &c.CleanPath }, "off", "redirect"),
	trustedProxiesOption,
	serverNameOption,
	cookieKeysOption,
}

func configOptionByKey(key string) *configOption {
	if i := slices.IndexFunc(configOptions, func(o configOption) bool { return o.key == key }); i >= 0 {
		return &configOptions[i]
	}
	return nil
}

// newConfigOption returns an option whose field is a T.
func newConfigOption[T any](key, name, allowed string, field func(*Config) *T, parse func(any) (T, bool), valid func(T) bool) configOption {
	return configOption{
		key: key, name: name, allowed: allowed,
		set: func(c *Config, value any) bool {
			v, ok := parse(value)
			if ok {
				*field(c) = v
			}
			return ok
		},
		valid: func(c *Config) bool { return valid(*field(c)) },
		show: func(c *Config) string {
			if text, ok := any(*field(c)).(string); ok {
				return abridge(strconv.Quote(text))
			}
			return fmt.Sprint(*field(c))
		},
	}
}

func drivers() []string {
	if runtime.GOOS == "linux" {
		return []string{"auto", "loop", "blocking"}
	}
	return []string{"auto", "blocking"}
}

func choiceOption(key, name string, field func(*Config) *string, texts ...string) configOption {
	quoted := make([]string, len(texts))
	for i, text := range texts {
		quoted[i] = strconv.Quote(text)
	}
	last := len(quoted) - 1
	allowed := strings.Join(quoted[:last], ", ") + " or " + quoted[last]
	return newConfigOption(key, name, allowed, field, parseText, func(v string) bool { return v == "" || slices.Contains(texts, v) })
}

func flagOption(key, name string, field func(*Config) *bool) configOption {
	return newConfigOption(key, name, "true or false", field, parseFlag, func(bool) bool { return true })
}

func countOption(key, name string, field func(*Config) *int, low, high int) configOption {
	return newConfigOption(key, name, fmt.Sprintf("a number from %d to %d", low, high), field, parseCount,
		func(v int) bool { return low <= v && v <= high })
}

func sizeOption[T int | int64](key, name string, field func(*Config) *T, low, high int64) configOption {
	allowed := fmt.Sprintf("0 (the default), or bytes from %s to %s", formatSize(low), formatSize(high))
	return newConfigOption(key, name, allowed, field, parseBytes[T],
		func(v T) bool { return v == 0 || low <= int64(v) && int64(v) <= high })
}

func sizeOrNoneOption[T int | int64](key, name string, field func(*Config) *T, low, high int64) configOption {
	o := sizeOption(key, name, field, low, high)
	o.allowed = "-1 (none), " + o.allowed
	bounded := o.valid
	o.valid = func(c *Config) bool { return *field(c) < 0 || bounded(c) }
	return o
}

// A timeout of some nanoseconds is a number that lost its unit; one of centuries overflows clocks.
const minTimeout, maxTimeout = time.Millisecond, 365 * 24 * time.Hour

func timeoutOption(key, name string, field func(*Config) *time.Duration) configOption {
	const allowed = `0s (the default), from 1ms to 8760h like "10s", or negative for none ("none" in a file)`
	return newConfigOption(key, name, allowed, field, parseTimeout,
		func(v time.Duration) bool { return v <= 0 || minTimeout <= v && v <= maxTimeout })
}

var noDelayOption = optionalOption(configOption{key: "no_delay", name: "NoDelay", allowed: "true or false"},
	func(c *Config) **bool { return &c.NoDelay }, parseFlag,
	func(bool) bool { return true })

var lingerOption = optionalOption(configOption{key: "linger", name: "Linger", allowed: `from 0s to 8760h like "5s"`},
	func(c *Config) **time.Duration { return &c.Linger }, parseDuration,
	func(v time.Duration) bool { return 0 <= v && v <= maxTimeout })

// optionalOption completes o for a field that is nil where nothing was asked for.
func optionalOption[T any](o configOption, field func(*Config) **T, parse func(any) (T, bool), valid func(T) bool) configOption {
	o.set = func(c *Config, value any) bool {
		v, ok := parse(value)
		if ok {
			*field(c) = &v
		}
		return ok
	}
	o.valid = func(c *Config) bool { p := *field(c); return p == nil || valid(*p) }
	o.show = func(c *Config) string {
		if p := *field(c); p != nil {
			return fmt.Sprint(*p)
		}
		return "nil"
	}
	return o
}

// limitsOption is a preset by its name; its fields are options of their own.
var limitsOption = newConfigOption("limits", "Limits", `"strict", "default", "generous" or an object`,
	func(c *Config) *Limits { return &c.Limits },
	func(value any) (Limits, bool) {
		switch text, _ := parseText(value); text {
		case "strict":
			return StrictLimits(), true
		case "default":
			return DefaultLimits(), true
		case "generous":
			return GenerousLimits(), true
		}
		return Limits{}, false
	},
	func(Limits) bool { return true })

var trustedProxiesOption = newConfigOption("trusted_proxies", "TrustedProxies",
	"networks or addresses like 10.0.0.0/8, without bits beyond the prefix, and none that contains every address",
	func(c *Config) *[]netip.Prefix { return &c.TrustedProxies },
	func(value any) ([]netip.Prefix, bool) { return parseList(value, parseNetwork) },
	func(list []netip.Prefix) bool {
		return !slices.ContainsFunc(list, func(p netip.Prefix) bool {
			return !p.IsValid() || p != p.Masked() || p.Bits() == 0 || p.Addr().Is4In6()
		})
	})

var serverNameOption = newConfigOption("server_name", "ServerName", "up to 256 printable ASCII characters, no space around them",
	func(c *Config) *string { return &c.ServerName }, parseText,
	func(v string) bool {
		odd := func(r rune) bool { return r < ' ' || r > '~' }
		return len(v) <= 256 && !strings.ContainsFunc(v, odd) && strings.TrimSpace(v) == v
	})

var cookieKeysOption = func() configOption {
	field := func(c *Config) *[][]byte { return &c.CookieKeys }
	o := newConfigOption("cookie_keys", "CookieKeys", fmt.Sprintf("different keys of at least %d bytes (base64 in a file)", minCookieKey), field,
		func(value any) ([][]byte, bool) { return parseList(value, parseKey) },
		func(keys [][]byte) bool { return len(keys) == 0 || checkCookieKeys(keys) == nil })
	o.secret = true
	o.show = func(c *Config) string { return fmt.Sprintf("(%d secrets)", len(*field(c))) }
	return o
}()
