//go:build linux

package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/netip"

	"github.com/coder/websocket"

	"github.com/hyperlane-go/hyperlane/bench/load"
)

// fanOut publishes 128 bytes to so many members of a topic, again when all of them have the last message.
type fanOut struct {
	path    string // of the members
	status  int    // that answers who becomes one
	members int
}

func (f fanOut) measure(ctx context.Context, set settings, s *process) (sample, error) {
	message := filling(128)
	if err := f.probe(ctx, s.addr, message); err != nil {
		return sample{}, fmt.Errorf("probe: %w", err)
	}
	audience, err := load.Join(ctx, s.addr, load.FanOut{
		Members: f.members,
		Join:    f.join(s.addr),
		Status:  f.status,
		Publish: exchange{method: "POST", path: "/publish", body: string(message)}.raw(s.addr, false),
		Payload: message,
	})
	if err != nil {
		return sample{}, err
	}
	defer audience.Close()
	if _, err := audience.Run(ctx, set.WarmUp); err != nil {
		return sample{}, err
	}
	before, err := readClocks(set, s)
	if err != nil {
		return sample{}, err
	}
	tally, err := audience.Run(ctx, set.Measure)
	if err != nil {
		return sample{}, err
	}
	after, err := readClocks(set, s)
	if err != nil {
		return sample{}, err
	}
	return newSample([]load.Tally{tally}, after.since(before), 1)
}

func (f fanOut) join(addr netip.AddrPort) []byte {
	if f.status == http.StatusSwitchingProtocols {
		return load.Upgrade(addr.String(), f.path)
	}
	return exchange{method: "GET", path: f.path}.raw(addr, false)
}

// probe makes sure, with ordinary clients, that a member gets what is published.
func (f fanOut) probe(ctx context.Context, addr netip.AddrPort, message []byte) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	read := readEvent
	if f.status == http.StatusSwitchingProtocols {
		read = readMessage
	}
	next, err := read(ctx, addr, f.path)
	if err != nil {
		return err
	}
	// Published again and again, because the first may be too early: the member may not be one yet.
	failed := make(chan error, 1)
	go func() {
		for ctx.Err() == nil {
			if err := publish(ctx, addr, message); err != nil && ctx.Err() == nil {
				failed <- err
				cancel()
			}
		}
	}()
	got, err := next()
	select {
	case err := <-failed:
		return err
	default:
	}
	if err != nil {
		return err
	}
	if !bytes.Equal(got, message) {
		return fmt.Errorf("%s delivered %.80q", f.path, got)
	}
	return nil
}

func publish(ctx context.Context, addr netip.AddrPort, message []byte) error {
	request, err := http.NewRequestWithContext(ctx, "POST", "http://"+addr.String()+"/publish", bytes.NewReader(message))
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	response.Body.Close()
	if response.StatusCode != http.StatusNoContent {
		return fmt.Errorf("/publish answered %s", response.Status)
	}
	return nil
}

// readMessage joins by WebSocket. The function that it returns waits for a message; the end of ctx ends the connection.
func readMessage(ctx context.Context, addr netip.AddrPort, path string) (func() ([]byte, error), error) {
	c, _, err := websocket.Dial(ctx, "ws://"+addr.String()+path, nil)
	if err != nil {
		return nil, err
	}
	return func() ([]byte, error) {
		defer c.CloseNow()
		_, message, err := c.Read(ctx)
		return message, err
	}, nil
}

// readEvent joins by event stream. The function that it returns waits for the data of an event.
func readEvent(ctx context.Context, addr netip.AddrPort, path string) (func() ([]byte, error), error) {
	request, err := http.NewRequestWithContext(ctx, "GET", "http://"+addr.String()+path, nil)
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	return func() ([]byte, error) {
		defer response.Body.Close()
		for lines := bufio.NewScanner(response.Body); lines.Scan(); {
			if data, ok := bytes.CutPrefix(lines.Bytes(), []byte("data: ")); ok {
				return bytes.Clone(data), nil
			}
		}
		return nil, io.ErrUnexpectedEOF
	}, nil
}
