//go:build linux

package load

import (
	"context"
	"testing"
	"time"
)

func TestATeamSharesTheConnectionsAndTheRate(t *testing.T) {
	for _, test := range []struct{ conns, threads int }{{64, 1}, {64, 2}, {64, 3}, {1, 4}, {5, 4}} {
		whole := Group{Conns: test.conns, Rate: 1000}
		conns, rate := 0, 0.0
		for i := range test.threads {
			part := whole.share(i, test.threads)
			if most := (test.conns + test.threads - 1) / test.threads; part.Conns > most {
				t.Errorf("%d connections on %d threads: thread %d has %d, want at most %d", test.conns, test.threads, i, part.Conns, most)
			}
			conns, rate = conns+part.Conns, rate+part.Rate
		}
		if conns != test.conns || rate < 999.9 || rate > 1000.1 {
			t.Errorf("%d connections on %d threads: the shares are %d connections and a rate of %v", test.conns, test.threads, conns, rate)
		}
	}
}

func TestATeamCountsForEachGroup(t *testing.T) {
	addr, answered := serve(t)
	one := Group{Conns: 1, Request: []byte(hello), BodyLength: 5, Rate: 200}
	many := Group{Conns: 7, Request: []byte(hello), BodyLength: 6} // which it does not have
	team, err := Assemble(addr, 3, one, many)
	if err != nil {
		t.Fatal(err)
	}
	defer team.Close()
	tallies, err := team.Run(context.Background(), run)
	if err != nil {
		t.Fatal(err)
	}
	if n := tallies[0].Requests; n == 0 || n > 25 || tallies[0].Errors != nil {
		t.Errorf("the group with a rate: %d right, errors %v; want about 20 and none", n, tallies[0].Errors)
	}
	if n := tallies[0].Latency.TotalCount(); n != int64(tallies[0].Requests) {
		t.Errorf("%d latencies of %d requests", n, tallies[0].Requests)
	}
	if tallies[1].Requests != 0 || tallies[1].Errors["length 5"] == 0 {
		t.Errorf("the wrong group: %d right, errors %v; want none and lengths", tallies[1].Requests, tallies[1].Errors)
	}
	if total := tallies[0].Requests + tallies[1].Errors["length 5"]; total > answered.Load() {
		t.Errorf("counted %d of %d answers", total, answered.Load())
	}
}

func TestATeamEndsWithItsContext(t *testing.T) {
	addr, _ := serve(t)
	team, err := Assemble(addr, 2, Group{Conns: 4, Request: []byte(hello), BodyLength: 5})
	if err != nil {
		t.Fatal(err)
	}
	defer team.Close()
	ctx, cancel := context.WithTimeout(context.Background(), run)
	defer cancel()
	if _, err := team.Run(ctx, time.Minute); err != context.DeadlineExceeded {
		t.Errorf("got %v, want %v", err, context.DeadlineExceeded)
	}
}
