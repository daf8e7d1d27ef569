package guide

import (
	"context"
	"errors"
	"fmt"

	"github.com/hyperlane-go/hyperlane/broadcast"
	"github.com/hyperlane-go/hyperlane/broadcast/nats"
)

// Cluster returns the configuration of one of several nodes that need no server beside them.
func Cluster(name, address string, all []string, secret, dir string) nats.Config {
	return nats.Config{
		Name:   name,    // of this node, the same after a restart
		Listen: address, // where the others reach it: "10.0.0.1:6222"
		Routes: all,     // those of all nodes; the same list everywhere
		Secret: secret,
		Dir:    dir, // what this node has promised to keep
	}
}

// Joined returns a hub that is one with those of the other nodes, and what ends it.
func Joined(config nats.Config) (*broadcast.Hub, func(context.Context) error, error) {
	backplane, err := nats.Open(config)
	if err != nil {
		return nil, nil, err
	}
	hub := broadcast.NewHub(broadcast.HubConfig{
		Backplane: backplane,
		Rules: func(broadcast.Topic) broadcast.Rules {
			return broadcast.Rules{History: broadcast.Retention{Count: 1000}, Presence: true}
		},
	})
	end := func(ctx context.Context) error { return errors.Join(hub.Close(ctx), backplane.Close()) }
	return hub, end, nil
}

// Order publishes what must not be lost, and may be called again with the same id until it succeeds.
func Order(ctx context.Context, hub *broadcast.Hub, id string, data []byte) error {
	_, err := hub.Publish(ctx, broadcast.TopicOf("orders"), broadcast.Publication{ID: id, Data: data})
	if errors.Is(err, broadcast.ErrNotKept) {
		return fmt.Errorf("order %s is known here only, try again: %w", id, err)
	}
	return err
}
