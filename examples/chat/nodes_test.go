package main

import (
	"context"
	"fmt"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/hyperlane-go/hyperlane/broadcast"
	"github.com/hyperlane-go/hyperlane/broadcast/nats"
	"github.com/hyperlane-go/hyperlane/hyperlanetest"
)

// newNodes returns the hubs of three nodes that have found each other, and what ends them: two are enough to go on.
func newNodes(t *testing.T) (hubs []*broadcast.Hub, ends []func() error) {
	t.Helper()
	addresses := freeAddresses(t, 3)
	for i, address := range addresses {
		hub, end, err := join(nats.Config{Name: fmt.Sprint("node", i), Listen: address, Routes: addresses, Dir: t.TempDir(),
			Secret: "a secret", Timeout: 2 * time.Second})
		if err != nil {
			t.Fatal(err)
		}
		end = sync.OnceValue(end)
		t.Cleanup(func() { end() })
		hubs, ends = append(hubs, hub), append(ends, end)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for _, hub := range hubs { // until they have chosen a leader nothing is kept
		for {
			_, err := hub.Publish(ctx, broadcast.TopicOf("room", "waiting-room"), broadcast.Publication{Data: []byte("{}")})
			if err == nil {
				break
			}
			if ctx.Err() != nil {
				t.Fatal(err)
			}
		}
	}
	return hubs, ends
}

// freeAddresses returns addresses at which nobody listens a moment later.
func freeAddresses(t *testing.T, n int) (addresses []string) {
	t.Helper()
	for range n {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer ln.Close()
		addresses = append(addresses, ln.Addr().String())
	}
	return addresses
}

func TestNodesAreOneChat(t *testing.T) {
	hubs, ends := newNodes(t)
	a, b := serve(t, hyperlanetest.BlockingTCP, hubs[0]), serve(t, hyperlanetest.NetHTTP, hubs[1])
	ann := enter(t, a, "ann", "lobby", "")
	bob := enter(t, b, "bob", "lobby", "")
	ann.sees("joined", "bob")
	eve := enter(t, b, "eve", "lobby", "")
	ann.sees("joined", "eve")
	bob.waitsFor("joined", "eve")
	if w := eve.welcome; !slices.Contains(w.Here, "bob") {
		t.Errorf("eve finds %q", w.Here)
	}

	ann.say("hello", "")
	ann.hears("ann", "", "hello")
	at := bob.waitsFor("message", "ann").Position
	eve.waitsFor("message", "ann")
	bob.say("a secret", "ann")
	ann.hears("bob", "ann", "a secret")
	bob.hears("bob", "ann", "a secret")
	bob.say("good bye", "")
	ann.hears("bob", "", "good bye")
	eve.hears("bob", "", "good bye")
	bob.leave()
	ann.sees("left", "bob")

	bob = enter(t, a, "bob", "lobby", at.String()) // by way of the other node
	if !bob.welcome.Resumed {
		t.Errorf("bob is welcomed with %+v", bob.welcome)
	}
	bob.hears("bob", "ann", "a secret")
	bob.hears("bob", "", "good bye")
	ann.sees("joined", "bob")
	if got := texts(enter(t, b, "dan", "lobby", "").welcome.Messages); !slices.Equal(got, []string{"hello", "good bye"}) {
		t.Errorf("the history is %q", got)
	}
	ann.sees("joined", "dan")
	if err := ends[1](); err != nil {
		t.Error(err)
	}
	var left []string
	for range 2 {
		left = append(left, ann.next("left").User)
	}
	if slices.Sort(left); !slices.Equal(left, []string{"dan", "eve"}) {
		t.Errorf("with their node went %q", left)
	}
}
