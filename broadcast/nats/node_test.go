//go:build unix

package nats_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hyperlane-go/hyperlane/broadcast"
	"github.com/hyperlane-go/hyperlane/broadcast/nats"
)

// nodeVariable makes this test binary a node of the cluster test: it holds a nodeConfig.
const nodeVariable = "NATS_TEST_NODE"

func TestMain(m *testing.M) {
	if config := os.Getenv(nodeVariable); config != "" {
		if err := runNode(config); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

type nodeConfig struct {
	Name   string
	Listen string
	Routes []string
	Dir    string
}

// order is what a node is told on its standard input, one line of JSON each.
type order struct {
	Do     string // "listen", "speak", "hush", "who" or "close"
	Client string // who listens
	Since  string // a position to recover from
}

// report is what a node says on its standard output.
type report struct {
	What   string // "ready", "listens", "heard", "missed", "failed", "kept", "not kept", "hushed", "who" or "closed"
	Client string
	From   string // the publisher: the name of its node
	N      int    // the number of the message, or how many
	At     string // its position
	Who    []string
	Error  string
}

var room = broadcast.TopicOf("a room", "with > and *")

// testNode is a process with a hub. It publishes numbers, and reports what its clients hear.
type testNode struct {
	name string
	hub  *broadcast.Hub
	work sync.WaitGroup
	stop context.CancelFunc // ends speaking

	mu  sync.Mutex
	out *json.Encoder
}

func runNode(config string) error {
	var c nodeConfig
	if err := json.Unmarshal([]byte(config), &c); err != nil {
		return err
	}
	backplane, err := nats.Open(nats.Config{Name: c.Name, Listen: c.Listen, Routes: c.Routes, Dir: c.Dir, Secret: "secret",
		Timeout: 2 * time.Second, History: 10_000})
	if err != nil {
		return err
	}
	rules := broadcast.Rules{Presence: true, History: broadcast.Retention{Count: 10_000}, Backlog: 10_000}
	n := &testNode{name: c.Name, out: json.NewEncoder(os.Stdout), stop: func() {}}
	n.hub = broadcast.NewHub(broadcast.HubConfig{Backplane: backplane, Rules: func(broadcast.Topic) broadcast.Rules { return rules }})
	if err := n.ready(); err != nil {
		return err
	}
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var o order
		if err := json.Unmarshal(lines.Bytes(), &o); err != nil {
			return err
		}
		if o.Do == "close" {
			n.stop()
			ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
			defer cancel()
			err := n.hub.Close(ctx)
			n.work.Wait()
			err = errors.Join(err, backplane.Close())
			n.say(report{What: "closed", Error: text(err)})
			return nil
		}
		n.obey(o)
	}
	return errors.Join(lines.Err(), errors.New("the test has ended"))
}

// ready waits until the cluster keeps messages.
func (n *testNode) ready() error {
	var err error
	for range 30 {
		if _, err = n.hub.Publish(context.Background(), broadcast.TopicOf("warm-up"), broadcast.Publication{}); err == nil {
			n.say(report{What: "ready"})
			return nil
		}
	}
	return err
}

func (n *testNode) say(r report) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.out.Encode(r)
}

func (n *testNode) obey(o order) {
	switch o.Do {
	case "listen":
		n.work.Go(func() { n.listen(o) })
	case "speak":
		var ctx context.Context
		ctx, n.stop = context.WithCancel(context.Background())
		n.work.Go(func() { n.speak(ctx) })
	case "hush":
		n.stop()
	case "who":
		members, err := n.hub.Presence(context.Background(), room)
		r := report{What: "who", Error: text(err)}
		for _, m := range members {
			r.Who = append(r.Who, m.Key)
		}
		n.say(r)
	}
}

// listen is a client: it comes, perhaps with a position, and reports what it hears.
func (n *testNode) listen(o order) {
	since, err := broadcast.ParsePosition(o.Since)
	if err != nil {
		n.say(report{What: "failed", Client: o.Client, Error: err.Error()})
		return
	}
	var inbox *broadcast.Inbox
	for range 30 { // as a client does whose node cannot recover it yet
		inbox, err = n.hub.Inbox(context.Background(), room, broadcast.As{Key: o.Client, Since: since, Room: 10_000})
		if err == nil || errors.Is(err, broadcast.ErrUnrecoverable) || errors.Is(err, broadcast.ErrClosed) {
			break
		}
	}
	if err != nil {
		n.say(report{What: "failed", Client: o.Client, Error: err.Error()})
		return
	}
	n.say(report{What: "listens", Client: o.Client, At: inbox.Subscription().Position().String()})
	for m, err := range inbox.All(context.Background()) {
		missed := (*broadcast.Missed)(nil)
		switch {
		case errors.As(err, &missed):
			n.say(report{What: "missed", Client: o.Client, N: int(missed.Count)})
		case err != nil:
			n.say(report{What: "failed", Client: o.Client, Error: err.Error()})
		case m.Kind == broadcast.Published:
			var number int
			fmt.Sscan(string(m.Data), &number)
			n.say(report{What: "heard", Client: o.Client, From: m.From, N: number, At: m.Position.String()})
		}
	}
}

// speak publishes numbers. One that could not be kept is published again, as the same message, until it is.
func (n *testNode) speak(ctx context.Context) {
	last := 0
	defer func() { n.say(report{What: "hushed", From: n.name, N: last}) }()
	for ctx.Err() == nil {
		p := broadcast.Publication{From: n.name, ID: fmt.Sprint(n.name, last+1), Data: fmt.Append(nil, last+1)}
		for {
			_, err := n.hub.Publish(context.Background(), room, p)
			if err == nil {
				break
			}
			n.say(report{What: "not kept", From: n.name, N: last + 1, Error: err.Error()})
			if !errors.Is(err, broadcast.ErrNotKept) {
				return
			}
		}
		last++
		n.say(report{What: "kept", From: n.name, N: last})
		select {
		case <-time.After(4 * time.Millisecond):
		case <-ctx.Done():
		}
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return strings.ReplaceAll(err.Error(), "\n", "; ")
}
