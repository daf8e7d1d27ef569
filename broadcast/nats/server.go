package nats

import (
	"crypto/rand"
	"fmt"
	"net"
	"net/url"
	"os"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// user is the name that goes with each password.
const user = "hyperlane"

// embedded is the NATS server inside this process.
type embedded struct {
	*server.Server
	password string // of its clients
	scratch  string // removed at the end; empty if Config.Dir was given
}

func startServer(c Config) (*embedded, error) {
	e := &embedded{password: rand.Text()}
	dir := c.Dir
	if dir == "" {
		scratch, err := os.MkdirTemp("", "hyperlane-nats-")
		if err != nil {
			return nil, fmt.Errorf("nats: %w", err)
		}
		dir, e.scratch = scratch, scratch
	}
	options, err := serverOptions(c, dir, e.password)
	if err == nil {
		e.Server, err = server.NewServer(options)
	}
	if err != nil {
		e.clean()
		return nil, fmt.Errorf("nats: failed to make the server: %w", err)
	}
	if !options.NoLog {
		e.ConfigureLogger()
	}
	e.Start()
	if !e.ReadyForConnections(10 * time.Second) {
		e.stop()
		return nil, fmt.Errorf("nats: the server inside this process did not start")
	}
	return e, nil
}

// serverOptions has nothing listen if the server is alone. In a cluster it has to listen for clients, too, because nats-server opens its routes
// only after that: on a port of the loopback interface, with a password that nobody knows.
func serverOptions(c Config, dir, password string) (*server.Options, error) {
	options := &server.Options{
		ServerName: c.Name,
		DontListen: c.Listen == "",
		Host:       "127.0.0.1",
		Port:       server.RANDOM_PORT,
		Username:   user,
		Password:   password,
		NoSigs:     true, // the process belongs to the application
		NoLog:      true,
		JetStream:  true,
		StoreDir:   dir,

		JetStreamMaxMemory: 4 * c.Bytes,
		JetStreamMaxStore:  4 * c.Bytes,
	}
	if c.Listen != "" {
		host, port, err := splitAddress(c.Listen)
		if err != nil {
			return nil, err
		}
		options.Cluster = server.ClusterOpts{
			Name: c.Prefix, Host: host, Port: port,
			Username: user, Password: c.Secret, AuthTimeout: 5,
			PingInterval: 2 * time.Second, MaxPingsOut: 2, // so that a server that hangs is found out
		}
		for _, route := range c.Routes {
			host, port, err := splitAddress(route)
			if err != nil {
				return nil, err
			}
			options.Routes = append(options.Routes, &url.URL{
				Scheme: "nats-route",
				User:   url.UserPassword(user, c.Secret),
				Host:   net.JoinHostPort(host, fmt.Sprint(port)),
			})
		}
	}
	if c.Server != nil {
		c.Server(options)
	}
	return options, nil
}

// stop waits until the server has put its files in order.
func (e *embedded) stop() {
	e.Shutdown()
	e.WaitForShutdown()
	e.clean()
}

func (e *embedded) clean() {
	if e.scratch != "" {
		os.RemoveAll(e.scratch)
	}
}
