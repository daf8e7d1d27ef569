//go:build linux

package main

import (
	"context"
	"time"

	"github.com/hyperlane-go/hyperlane/bench/load"
)

// idleRequests is so many keep-alive connections that say nothing after their first request.
type idleRequests struct{ conns int }

func (i idleRequests) measure(ctx context.Context, set settings, s *process) (sample, error) {
	groups, err := closedLoop{exchange: plaintext, conns: 64}.groups(ctx, s)
	if err != nil {
		return sample{}, err
	}
	if err := warmUp(ctx, set, s, groups[0]); err != nil {
		return sample{}, err
	}
	return measureMemory(ctx, s, i.conns, load.Ask(groups[0].Request, groups[0].BodyLength))
}

// idleWebSockets is so many WebSockets that say nothing after their first message.
type idleWebSockets struct{ conns int }

func (i idleWebSockets) measure(ctx context.Context, set settings, s *process) (sample, error) {
	message := filling(64)
	upgrade := load.Upgrade(s.addr.String(), echoPath)
	request, answer := load.ClientFrame(load.Binary, message), load.ServerFrame(load.Binary, message)
	if err := probeEcho(ctx, s.addr, message); err != nil {
		return sample{}, err
	}
	if err := warmUp(ctx, set, s, load.Group{Conns: 64, Upgrade: upgrade, Request: request, Answer: answer}); err != nil {
		return sample{}, err
	}
	return measureMemory(ctx, s, i.conns, load.Echo(upgrade, request, answer))
}

// idleStreams is so many event streams of a topic on which nothing happens.
type idleStreams struct{ conns int }

func (i idleStreams) measure(ctx context.Context, set settings, s *process) (sample, error) {
	f := fanOut{"/sse/topic", 200, 64}
	// The probe warms up: streams cannot be loaded without their topic.
	if err := f.probe(ctx, s.addr, filling(128)); err != nil {
		return sample{}, err
	}
	return measureMemory(ctx, s, i.conns, load.Follow(f.join(s.addr)))
}

// warmUp loads the server, so that what it needs once is there.
func warmUp(ctx context.Context, set settings, s *process, group load.Group) error {
	g, err := load.Dial(s.addr, group)
	if err != nil {
		return err
	}
	defer g.Close()
	_, err = g.Run(ctx, set.WarmUp)
	return err
}

// measureMemory divides the growth of the server's memory by the number of connections that caused it.
func measureMemory(ctx context.Context, s *process, conns int, greet load.Greeting) (sample, error) {
	before, err := userMemory(s.pid())
	if err != nil {
		return sample{}, err
	}
	idle, err := load.OpenIdle(ctx, s.addr, conns, greet)
	if err != nil {
		return sample{}, err
	}
	defer idle.Close()
	time.Sleep(time.Second) // for what the server does when it falls silent
	after, err := userMemory(s.pid())
	if err != nil {
		return sample{}, err
	}
	return sample{BytesPerConn: float64(after-before) / float64(conns)}, nil
}
