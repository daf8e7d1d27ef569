// Command chat is a place to talk: rooms, who is there, what was said lately, private messages, on one machine or on several.
//
//	go run ./examples/chat
//
// and as one of three nodes, each of which is started like this, with an address, a name and a directory of its own:
//
//	CHAT_SECRET=... go run ./examples/chat -addr :8080 -node a -cluster 127.0.0.1:7001 -dir /var/lib/chat-a \
//		-routes 127.0.0.1:7001,127.0.0.1:7002,127.0.0.1:7003
//
// CHAT_SECRET is what the nodes know and nobody else does. It signs the cookies with the names of users, too: without it those end with
// the process.
package main

import (
	"context"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"strings"
	"time"

	"github.com/hyperlane-go/hyperlane"
	"github.com/hyperlane-go/hyperlane/broadcast"
	"github.com/hyperlane-go/hyperlane/broadcast/nats"
)

func main() {
	addr := flag.String("addr", "localhost:8080", "address for browsers")
	node := nats.Config{Secret: os.Getenv("CHAT_SECRET"), Replicas: 1}
	flag.StringVar(&node.Name, "node", "", "name of this node, no other's")
	flag.StringVar(&node.Listen, "cluster", "", "address for the other nodes; without it there are none")
	flag.StringVar(&node.Dir, "dir", "", "directory for what this node keeps")
	routesTo := flag.String("routes", "", "addresses of all nodes, with commas between them")
	flag.Parse()
	if *routesTo != "" {
		node.Routes = strings.Split(*routesTo, ",")
		node.Replicas = min(3, len(node.Routes))
	}
	fmt.Printf("Open http://%s in a browser; end with Ctrl+C.\n", *addr)
	if err := run(context.Background(), *addr, node); err != nil {
		log.Fatal(err)
	}
}

// run serves until ctx ends, or a signal comes.
func run(ctx context.Context, addr string, node nats.Config) (err error) {
	hub, end, err := join(node)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, end()) }()
	key, err := cookieKey(node.Secret)
	if err != nil {
		return err
	}
	server := hyperlane.New(hyperlane.Config{CookieKeys: [][]byte{key}})
	routes(server, hub)
	return server.Run(ctx, addr)
}

// join returns a hub, which is one of several if node says where the others are, and what ends it.
func join(node nats.Config) (*broadcast.Hub, func() error, error) {
	if node.Listen == "" && len(node.Routes) == 0 {
		hub := broadcast.NewHub(broadcast.HubConfig{Rules: rules})
		return hub, func() error { return hub.Close(context.Background()) }, nil
	}
	backplane, err := nats.Open(node)
	if err != nil {
		return nil, nil, err
	}
	hub := broadcast.NewHub(broadcast.HubConfig{Rules: rules, Backplane: backplane})
	return hub, func() error {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		return errors.Join(hub.Close(ctx), backplane.Close())
	}, nil
}

// cookieKey returns a key for cookies, which is the same wherever secret is. Without a secret it is nobody's.
func cookieKey(secret string) ([]byte, error) {
	if secret == "" {
		secret = rand.Text()
	}
	return hkdf.Key(sha256.New, []byte(secret), nil, "chat: cookies", sha256.Size)
}
