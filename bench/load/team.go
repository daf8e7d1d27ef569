//go:build linux

package load

import (
	"context"
	"net/netip"
	"sync"
	"time"
)

// Team is generators that load the same server, each on its own thread and with its share of the connections. It is for servers that keep
// more than one core busy: one thread cannot ask so much. It belongs to one goroutine at a time.
type Team struct {
	generators []*Generator
	shares     [][]int // by generator: which groups it has a share of
	groups     int
}

// Assemble dials as many generators as there are threads, one after the other. A group with fewer connections than threads is shared by
// fewer of them.
func Assemble(addr netip.AddrPort, threads int, groups ...Group) (*Team, error) {
	t := &Team{groups: len(groups)}
	for i := range threads {
		var own []Group
		var indexes []int
		for index, g := range groups {
			if part := g.share(i, threads); part.Conns > 0 || g.Conns < 1 { // a group that is wrong is refused by Dial
				own, indexes = append(own, part), append(indexes, index)
			}
		}
		g, err := Dial(addr, own...)
		if err != nil {
			t.Close()
			return nil, err
		}
		t.generators = append(t.generators, g)
		t.shares = append(t.shares, indexes)
	}
	return t, nil
}

// share is the part of the group that thread i of n drives.
func (g Group) share(i, n int) Group {
	conns := g.Conns*(i+1)/n - g.Conns*i/n
	g.Rate *= float64(conns) / float64(max(g.Conns, 1))
	g.Conns = conns
	return g
}

// Run is [Generator.Run] for all together: one tally for each group. An error of one ends the run.
func (t *Team) Run(ctx context.Context, d time.Duration) ([]Tally, error) {
	if len(t.generators) == 1 {
		return t.generators[0].Run(ctx, d)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	results := make([][]Tally, len(t.generators))
	var running sync.WaitGroup
	for i, g := range t.generators {
		running.Go(func() {
			tallies, err := g.Run(ctx, d)
			if err != nil {
				cancel(err)
			}
			results[i] = tallies
		})
	}
	running.Wait()
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	sum := make([]Tally, t.groups)
	for i := range sum {
		sum[i] = *newTally()
	}
	for i, tallies := range results {
		for j, tally := range tallies {
			sum[t.shares[i][j]].add(tally)
		}
	}
	return sum, nil
}

// Close resets all connections.
func (t *Team) Close() {
	for _, g := range t.generators {
		g.Close()
	}
}

// add counts what another tally has counted.
func (t *Tally) add(other Tally) {
	t.Requests += other.Requests
	for kind, n := range other.Errors {
		if t.Errors == nil {
			t.Errors = make(map[string]uint64)
		}
		t.Errors[kind] += n
	}
	t.Latency.Merge(other.Latency)
}
