//go:build linux

package main

import (
	"bytes"
	"context"
	"fmt"
	"net/netip"

	"github.com/coder/websocket"

	"github.com/hyperlane-go/hyperlane/bench/load"
)

// echoPath sends each WebSocket message back.
const echoPath = "/ws/echo"

// messageEcho sends binary messages of one size over so many WebSockets, each the next one when the last has come back.
type messageEcho struct {
	size, conns int
}

func (e messageEcho) measure(ctx context.Context, set settings, s *process) (sample, error) {
	message := filling(e.size)
	if err := probeEcho(ctx, s.addr, message); err != nil {
		return sample{}, err
	}
	return measureGroups(ctx, set, s, []load.Group{{
		Conns:   e.conns,
		Upgrade: load.Upgrade(s.addr.String(), echoPath),
		Request: load.ClientFrame(load.Binary, message),
		Answer:  load.ServerFrame(load.Binary, message),
	}})
}

// probeEcho makes sure, with an ordinary client, that the server sends messages back.
func probeEcho(ctx context.Context, addr netip.AddrPort, message []byte) error {
	c, _, err := websocket.Dial(ctx, "ws://"+addr.String()+echoPath, nil)
	if err != nil {
		return fmt.Errorf("probe: %w", err)
	}
	defer c.CloseNow()
	c.SetReadLimit(int64(len(message)))
	if err := c.Write(ctx, websocket.MessageBinary, message); err != nil {
		return fmt.Errorf("probe: %w", err)
	}
	kind, got, err := c.Read(ctx)
	if err != nil {
		return fmt.Errorf("probe: %w", err)
	}
	if kind != websocket.MessageBinary || !bytes.Equal(got, message) {
		return fmt.Errorf("probe: %s sent another message back", echoPath)
	}
	return nil
}

// filling returns n bytes of text without line breaks. Its first byte comes only once in 64.
func filling(n int) []byte {
	const line = "<0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ>"
	return bytes.Repeat([]byte(line), n/len(line)+1)[:n]
}
