// Command metrics shows what a machine is doing, live: CPU, memory, processes and uptime, once a second, over an event stream. It opens
// http://127.0.0.1:8080, and takes another address as its argument.
package main

import (
	"context"
	"encoding/json"
	"log"
	"os"
	"time"

	"github.com/hyperlane-go/hyperlane/broadcast"
)

func main() {
	addr := "127.0.0.1:8080"
	if len(os.Args) > 1 {
		addr = os.Args[1]
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	hub := broadcast.NewHub(broadcast.HubConfig{Rules: rules})
	go publish(ctx, hub, time.Second)
	if err := newServer(hub).Run(ctx, addr); err != nil {
		log.Fatal(err)
	}
}

var machine = broadcast.TopicOf("machine")

// rules keep the last five minutes, for pages that open or come back.
func rules(broadcast.Topic) broadcast.Rules {
	return broadcast.Rules{History: broadcast.Retention{Count: 300, Age: 10 * time.Minute}, Lag: broadcast.DropOldest}
}

// publish tells the hub of the machine until ctx ends.
func publish(ctx context.Context, hub *broadcast.Hub, every time.Duration) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for before := read(); ; {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		now := read()
		data, err := json.Marshal(now.since(before))
		if err == nil {
			_, err = hub.Publish(ctx, machine, broadcast.Publication{Data: data})
		}
		if err != nil && ctx.Err() == nil {
			log.Print(err)
		}
		before = now
	}
}

// read reads the machine where it can be read, else this process.
func read() *reading {
	r, err := readProc(os.DirFS("/proc"), os.Getpagesize())
	if err != nil {
		return readSelf()
	}
	return r
}
