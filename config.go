package hyperlane

import (
	"cmp"
	"log/slog"
	"net/netip"
	"runtime"
	"slices"
	"time"
)

// Config is what a server is told once, by [New]. The zero Config is a good default for production.
//
// In every field zero means the default that is written there. A timeout that is negative means none. Sizes are bytes.
// Validate reports all mistakes at once; changing a Config after New changes nothing. [LoadConfig] reads one from a file and
// the environment.
//
// Certificates are no part of it: they are passed to ServeTLS.
type Config struct {
	// Driver says who waits for bytes: "loop" is the event loop, which Linux has; "blocking" gives each connection a
	// goroutine; "auto" is the event loop wherever it can serve a listener, else blocking. "" is "auto".
	Driver string

	// Loops is how many event loops there are. 0 is GOMAXPROCS, when New is called.
	Loops int

	// NoDelay says whether small writes leave at once (TCP_NODELAY). nil is true, as everywhere in Go; new(false) lets the
	// kernel gather them.
	NoDelay *bool
	// Linger says what closing does with bytes that the peer has not acknowledged (SO_LINGER). nil lets the kernel send them
	// in the background. new(time.Duration(0)) drops them and resets the connection. More than 0 waits for that long, in
	// whole seconds, rounded up; because the wait blocks, it is refused unless Driver is "blocking".
	Linger *time.Duration
	// TTL is how many hops a packet may take (IP_TTL), 1 to 255. 0 is what the system uses.
	TTL int
	// ReusePort lets other processes listen on the same address (SO_REUSEPORT). The kernel spreads connections over them.
	ReusePort bool
	// Backlog is how many connections may wait to be accepted. 0 is the system's maximum, which is also the upper bound.
	Backlog int

	// ReadBuffer is how many bytes one read may bring, and so what one connection may use of a turn. 0 is 68 KiB on the
	// event loop, where connections share the buffer, and 4 KiB on the blocking driver, where each has its own.
	ReadBuffer int
	// WebSocketBuffer is ReadBuffer for a connection after its upgrade. 0 is the same as ReadBuffer.
	WebSocketBuffer int
	// MaxConns is how many connections may be open; one more is answered 503 and closed. 0 is no limit but the system's.
	MaxConns int

	// MaxInFlight is how many requests may be handled at the same time. One more is answered 503 with Retry-After at once, without
	// request middleware and handler, so that a server that is asked for too much goes on doing what it can. 0 is no limit.
	MaxInFlight int

	// HeadTimeout is for a whole message head, from its first byte. 0 is 10 s.
	HeadTimeout time.Duration
	// BodyTimeout is the grace for a whole message body. A body that is longer earns more time, see MinBodyRate. 0 is 30 s.
	BodyTimeout time.Duration
	// MinBodyRate, in bytes per second, is how a body earns time beyond BodyTimeout: a second for each MinBodyRate bytes
	// that have come. 0 is 240. Negative: bytes earn nothing, and BodyTimeout is a hard limit.
	MinBodyRate int
	// WriteTimeout is how long a peer may take no byte of what waits for it. 0 is 30 s.
	WriteTimeout time.Duration
	// IdleTimeout is how long a connection may be open between two requests. 0 is 75 s.
	IdleTimeout time.Duration
	// HandlerTimeout is how long a handler may take, from the end of the head. After it the request's context is cancelled.
	// 0 is none.
	HandlerTimeout time.Duration
	// ShutdownTimeout is how long Run lets open requests finish once it was told to end. 0 is 15 s.
	ShutdownTimeout time.Duration

	// Limits bound what a request may hold. Each field that is zero is as in DefaultLimits.
	Limits Limits

	// TrailingSlash says what becomes of a path that matches no route but would with its final slash added or removed:
	// "strict" answers 404, "redirect" sends the client to the other path, "ignore" serves it. "" is "strict".
	TrailingSlash string
	// CleanPath says what becomes of a path with empty, "." or ".." segments: "off" looks it up as it is, "redirect" sends
	// the client to the clean path. "" is "off".
	CleanPath string

	// TrustedProxies are the networks whose word on the client's address is taken: see Request.ClientIP. None are trusted by
	// default, because X-Forwarded-For is the client's to invent. A network that contains every address is refused. Nobody's
	// word is taken on the scheme and the host.
	TrustedProxies []netip.Prefix
	// ServerName is sent in the Server field. "" sends none.
	ServerName string
	// CookieKeys are the secrets for signed and encrypted cookies, each of 32 bytes or more, the newest first: it seals, all
	// of them open, so a key is rotated by putting another before it. None: sealed cookies are refused. See [CookieSealer].
	CookieKeys [][]byte
	// JSON encodes and decodes JSON. nil is encoding/json, with the meaning and the text of [encoding/json.Marshal]: the
	// characters <, > and & leave escaped, so that an answer that is pasted into a page can do no harm.
	JSON Codec
	// Logger gets what goes wrong and is not the client's to know. nil is [slog.Default], as it is when New is called.
	Logger *slog.Logger
}

// Validate reports every mistake in c, one line for each: the field, its value, and what it may hold. New validates too.
func (c Config) Validate() error { return c.mistakes(nil).err() }

// mistakes returns what is wrong with c: first each field by itself, then those that contradict one another. Options whose
// key is in reported are known to be wrong.
func (c *Config) mistakes(reported map[string]bool) mistakes {
	var list mistakes
	wrong := make(map[string]bool)
	for _, o := range configOptions {
		wrong[o.key] = reported[o.key] || !o.valid(c)
		if wrong[o.key] && !reported[o.key] {
			list = append(list, o.mistake(c, "want "+o.allowed))
		}
	}
	full := c.withDefaults()
	contradiction := func(is bool, key, other, problem string) {
		if is && !wrong[key] && !wrong[other] {
			list = append(list, configOptionByKey(key).mistake(c, problem))
		}
	}
	contradiction(c.Linger != nil && *c.Linger > 0 && full.Driver != "blocking", "linger", "driver",
		`want 0s, or driver "blocking": to close would hold an event loop for so long`)
	head := "want at most the whole head, which is " + formatSize(int64(full.Limits.Head))
	contradiction(full.Limits.Target > full.Limits.Head, "limits.target", "limits.head", head)
	contradiction(full.Limits.Field > full.Limits.Head, "limits.field", "limits.head", head)
	contradiction(int64(full.Limits.BufferedBody) > full.Limits.Body, "limits.buffered_body", "limits.body",
		"want at most the whole body, which is "+formatSize(full.Limits.Body))
	return list
}

// withDefaults returns a copy of c that shares no memory with it and where each field says what holds: what was zero is the
// default, and a timeout or rate that is not positive is none. ReadBuffer alone stays zero, because its default is the
// driver's. c must be valid.
func (c Config) withDefaults() Config {
	c.Driver = cmp.Or(c.Driver, "auto")
	c.Loops = cmp.Or(c.Loops, runtime.GOMAXPROCS(0))
	c.NoDelay = new(c.NoDelay == nil || *c.NoDelay)
	if c.Linger != nil {
		c.Linger = new(*c.Linger)
	}
	c.WebSocketBuffer = cmp.Or(c.WebSocketBuffer, c.ReadBuffer)

	c.HeadTimeout = cmp.Or(c.HeadTimeout, 10*time.Second)
	c.BodyTimeout = cmp.Or(c.BodyTimeout, 30*time.Second)
	c.MinBodyRate = cmp.Or(c.MinBodyRate, 240)
	c.WriteTimeout = cmp.Or(c.WriteTimeout, 30*time.Second)
	c.IdleTimeout = cmp.Or(c.IdleTimeout, 75*time.Second)
	c.ShutdownTimeout = cmp.Or(c.ShutdownTimeout, 15*time.Second)
	c.Limits = c.Limits.withDefaults()

	c.TrailingSlash = cmp.Or(c.TrailingSlash, "strict")
	c.CleanPath = cmp.Or(c.CleanPath, "off")
	c.TrustedProxies = slices.Clone(c.TrustedProxies)
	c.CookieKeys = slices.Clone(c.CookieKeys)
	for i, key := range c.CookieKeys {
		c.CookieKeys[i] = slices.Clone(key)
	}
	if c.JSON == nil {
		c.JSON = stdJSON{}
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	return c
}
