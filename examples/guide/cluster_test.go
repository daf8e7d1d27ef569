package guide

import (
	"context"
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/hyperlane-go/hyperlane/broadcast"
)

// hears reads one message of the orders, at the hub of another node, and its position.
func hears(t *testing.T, inbox *broadcast.Inbox, want string) broadcast.Position {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	m, err := inbox.Next(ctx)
	if err != nil || string(m.Data) != want {
		t.Fatalf("got %v, %v, want %q", m, err, want)
	}
	return m.Position
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

func TestAnOrderReachesEveryNodeOnce(t *testing.T) {
	addresses := freeAddresses(t, 3)
	var hubs []*broadcast.Hub
	for i, address := range addresses {
		hub, end, err := Joined(Cluster(fmt.Sprint("node", i), address, addresses, "a secret", t.TempDir()))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { end(context.Background()) })
		hubs = append(hubs, hub)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for _, hub := range hubs { // until they have chosen a leader nothing is kept
		for Order(ctx, hub, "0", []byte("are you there?")) != nil {
			if ctx.Err() != nil {
				t.Fatal("the nodes have not met")
			}
		}
	}
	inbox, err := hubs[2].Inbox(ctx, broadcast.TopicOf("orders"), broadcast.As{})
	if err != nil {
		t.Fatal(err)
	}
	defer inbox.Close()
	for i, hub := range hubs { // each says it again, as one does that got no answer
		if err := Order(ctx, hub, "1", []byte("tea")); err != nil {
			t.Fatalf("node %d: %v", i, err)
		}
	}
	if err := Order(ctx, hubs[0], "2", []byte("milk")); err != nil {
		t.Fatal(err)
	}
	tea := hears(t, inbox, "tea")
	hears(t, inbox, "milk")

	missed, err := hubs[1].Recover(ctx, broadcast.TopicOf("orders"), tea, broadcast.As{})
	if err != nil || len(missed) != 1 || string(missed[0].Data) != "milk" {
		t.Errorf("after the tea another node has %v, %v", missed, err)
	}
}

func TestHubsOfOneProcessAreNodesForATest(t *testing.T) {
	backplane := broadcast.NewMemory()
	here := broadcast.NewHub(broadcast.HubConfig{Backplane: backplane})
	there := broadcast.NewHub(broadcast.HubConfig{Backplane: backplane})
	inbox, err := there.Inbox(t.Context(), broadcast.TopicOf("orders"), broadcast.As{})
	if err != nil {
		t.Fatal(err)
	}
	defer inbox.Close()
	if err := Order(t.Context(), here, "1", []byte("tea")); err != nil {
		t.Fatal(err)
	}
	hears(t, inbox, "tea")
}
