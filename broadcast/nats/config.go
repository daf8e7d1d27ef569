package nats

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	natsgo "github.com/nats-io/nats.go"
)

// Config is for [Open]. The zero value is a NATS server inside this process, alone: nothing listens, and what it keeps ends with it.
type Config struct {
	// URL joins NATS servers that are there already, with JetStream: "nats://10.0.0.5:4222", or several with commas. Empty: a
	// server runs inside this process.
	URL string

	// Listen is the address at which the servers inside other processes reach this one: "10.0.0.1:6222". It makes a cluster. Empty:
	// nothing listens.
	Listen string

	// Routes are the addresses of all nodes of the cluster, as they have them in Listen. This node's own may be among them, so
	// that all nodes can have the same list. Three nodes survive the loss of one, five the loss of two.
	Routes []string

	// Secret is what the nodes of a cluster know and others do not. It is needed with Listen. It keeps strangers out; it does
	// not encrypt: see Server for TLS.
	Secret string

	// Name is the name of this node's server in its cluster. It is needed with Listen, different on all nodes, and the same after a
	// restart, because the others wait for a server with that name.
	Name string

	// Dir is where the server inside this process keeps its files. It is needed with Listen: a node that forgets what it
	// has acknowledged makes its cluster forget it. Empty: memory, which ends with the process.
	Dir string

	// Prefix begins the names of the streams and subjects. Hubs with different prefixes do not know of one another. Letters, digits
	// and hyphens. Empty: "hyperlane".
	Prefix string

	// Replicas is on how many servers each message is kept before it counts as published. Zero: 3 in a cluster, otherwise 1.
	// The node that makes the streams decides; later ones take them as they are.
	Replicas int

	// History is the largest Retention.Count that a topic may have. Zero: 1,000.
	History int

	// Bytes is how much the histories of all topics may take on each server. Beyond it the oldest messages go. Zero: 256 MiB.
	Bytes int64

	// Timeout is how long a node may be silent before its members have left. Zero: 15 seconds. At least a second, and the same
	// on all nodes.
	Timeout time.Duration

	// Patience is how long a call waits for an answer when its context allows more: long enough for a cluster to choose another
	// leader. After a call that waited in vain the next ones wait for a tenth of it, until one succeeds. Zero: 10 seconds.
	Patience time.Duration

	// Server may change the options of the server inside this process: TLS of the routes, limits, logs. Nil: nothing.
	Server func(*server.Options)

	// Client are more options of the connection to the servers: credentials, TLS.
	Client []natsgo.Option
}

// compile returns the config with its defaults filled in, or all its mistakes.
func (c Config) compile() (Config, error) {
	var errs []error
	refuse := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if c.URL != "" && (c.Listen != "" || c.Dir != "" || c.Server != nil) {
		refuse("URL joins servers elsewhere: Listen, Dir and Server are for one inside this process")
	}
	if c.Listen != "" {
		if _, _, err := splitAddress(c.Listen); err != nil {
			refuse("Listen: %w", err)
		}
		for field, value := range map[string]string{"Name": c.Name, "Secret": c.Secret, "Dir": c.Dir} {
			if value == "" {
				refuse("%s is needed with Listen", field)
			}
		}
	}
	if len(c.Routes) > 0 && c.Listen == "" {
		refuse("Routes are of no use without Listen")
	}
	for _, route := range c.Routes {
		if _, _, err := splitAddress(route); err != nil {
			refuse("Routes: %w", err)
		}
	}
	if strings.ContainsAny(c.Name, " .*>/\\") {
		refuse("Name must not be %q: no spaces, dots, stars, slashes", c.Name)
	}
	if strings.Trim(c.Prefix, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") != "" {
		refuse("Prefix must not be %q: letters, digits and hyphens", c.Prefix)
	}
	if c.Replicas < 0 || c.Replicas > 5 {
		refuse("Replicas must not be %d", c.Replicas)
	}
	if c.History < 0 || c.Bytes < 0 || c.Patience < 0 {
		refuse("History, Bytes and Patience must not be negative")
	}
	if c.Timeout < 0 || c.Timeout > 0 && c.Timeout < time.Second {
		refuse("Timeout must not be %v: at least a second", c.Timeout)
	}
	if len(errs) > 0 {
		return c, fmt.Errorf("nats: %w", errors.Join(errs...))
	}
	c.Routes = slices.DeleteFunc(slices.Clone(c.Routes), func(route string) bool { return route == c.Listen })
	c.Prefix = orDefault(c.Prefix, "hyperlane")
	c.History = orDefault(c.History, 1000)
	c.Bytes = orDefault(c.Bytes, 256<<20)
	c.Timeout = orDefault(c.Timeout, 15*time.Second)
	c.Patience = orDefault(c.Patience, 10*time.Second)
	return c, nil
}

func orDefault[T comparable](value, zero T) T {
	if value == *new(T) {
		return zero
	}
	return value
}

func splitAddress(address string) (host string, port int, err error) {
	host, text, err := net.SplitHostPort(address)
	if err != nil {
		return "", 0, err
	}
	port, err = strconv.Atoi(text)
	if err != nil || port < 1 || port > 65535 {
		return "", 0, fmt.Errorf("%q has no port from 1 to 65535", address)
	}
	return host, port, nil
}
