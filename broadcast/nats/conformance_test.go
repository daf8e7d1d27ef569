package nats_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/hyperlane-go/hyperlane/broadcast"
	"github.com/hyperlane-go/hyperlane/broadcast/nats"
	"github.com/hyperlane-go/hyperlane/hyperlanetest"
)

func open(t testing.TB, config nats.Config) *nats.Backplane {
	t.Helper()
	b, err := nats.Open(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return b
}

func TestAServerInsideTheProcessIsABackplane(t *testing.T) {
	hyperlanetest.TestBackplane(t, func(t *testing.T) hyperlanetest.BackplaneNodes {
		return hyperlanetest.BackplaneNodes{Nodes: []broadcast.Backplane{open(t, nats.Config{})}}
	})
}

func TestAServerWithFilesIsABackplane(t *testing.T) {
	hyperlanetest.TestBackplane(t, func(t *testing.T) hyperlanetest.BackplaneNodes {
		return hyperlanetest.BackplaneNodes{Nodes: []broadcast.Backplane{open(t, nats.Config{Dir: t.TempDir()})}}
	})
}

// TestThreeNodesAreABackplane has three nodes at one server elsewhere, each through a connection of its own that can be cut.
func TestThreeNodesAreABackplane(t *testing.T) {
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: t.TempDir(), NoLog: true, NoSigs: true})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() {
		s.Shutdown()
		s.WaitForShutdown()
	})
	if !s.ReadyForConnections(10 * time.Second) {
		t.Fatal("the server did not start")
	}
	tests := 0
	hyperlanetest.TestBackplane(t, func(t *testing.T) hyperlanetest.BackplaneNodes {
		tests++
		var all hyperlanetest.BackplaneNodes
		var proxies []*proxy
		for range 3 {
			p := newProxy(t, s.Addr().String())
			b := open(t, nats.Config{URL: "nats://" + p.ln.Addr().String(), Prefix: fmt.Sprint("test", tests), Bytes: 1 << 20, Timeout: time.Second})
			proxies, all.Nodes = append(proxies, p), append(all.Nodes, b)
		}
		all.Cut = func(i int, cut bool) { proxies[i].setCut(cut) }
		all.Kill = func(i int) { all.Nodes[i].(*nats.Backplane).Close() } // which says no farewell
		return all
	})
}
