package broadcast_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hyperlane-go/hyperlane/broadcast"
)

func TestASubscriberWithoutRoomGetsWhatThePolicySays(t *testing.T) {
	tests := []struct {
		lag   broadcast.Lag
		steps string // p: publish the next number; 0-9: give room for so many, and resume
		want  string // what the subscriber took; the backlog holds 3
	}{
		{broadcast.DropOldest, "2ppp9", "1 2 3"},
		{broadcast.DropOldest, "2ppppp9p", "1 2 3 4 5 6"},
		{broadcast.DropOldest, "2pppppppp9p", "1 2 missed 3 6 7 8 9"},
		{broadcast.DropOldest, "2pppppppp1pp9", "1 2 missed 3 missed 2 8 9 10"},
		{broadcast.DropOldest, "2pppppppp2pp9", "1 2 missed 3 6 missed 1 8 9 10"},
		{broadcast.DropNewest, "2ppppp9p", "1 2 missed 3 6"},
		{broadcast.DropNewest, "2ppp1pp9p", "1 2 missed 1 missed 2 6"},
		{broadcast.Disconnect, "2ppp9p", "1 2"},
		{broadcast.Block, "2ppp9ppp", "1 2 3 4 5 6"},
		{broadcast.Block, "2pppp9p", "1 2 3 5"}, // 4 was never published: the publisher gave up
	}
	for _, tt := range tests {
		t.Run(fmt.Sprint(tt.lag, " ", tt.steps), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHub(t, broadcast.Rules{Lag: tt.lag, Backlog: 3})
				slow, quick := &collector{}, listener()
				sub := subscribe(t, h, slow, broadcast.As{})
				subscribe(t, h, quick, broadcast.As{})
				n, said := 0, 0
				for _, step := range tt.steps {
					if step != 'p' {
						slow.drain(int(step - '0'))
						sub.Resume()
						continue
					}
					n++
					ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
					_, err := h.Publish(ctx, lobby, broadcast.Publication{Data: fmt.Append(nil, n)})
					cancel()
					if err == nil {
						said++
					} else if tt.lag != broadcast.Block || !errors.Is(err, context.DeadlineExceeded) {
						t.Errorf("publish %d: %v", n, err)
					}
				}
				wantSaid(t, "the slow one", slow.heard(), words(tt.want)...)
				if got := quick.heard(); len(got) != said {
					t.Errorf("the quick one heard %q, which is not %d", got, said)
				}
				synctest.Wait()
				ended := slow.reasons()
				if tt.lag == broadcast.Disconnect && (len(ended) != 1 || ended[0] != broadcast.ErrLagged) || tt.lag != broadcast.Disconnect && len(ended) > 0 {
					t.Errorf("ended with %v", ended)
				}
			})
		})
	}
}

func TestWhatWasNotForTheSlowOneIsNotCountedAsMissed(t *testing.T) {
	for _, lag := range []broadcast.Lag{broadcast.DropOldest, broadcast.DropNewest} {
		h := newHub(t, broadcast.Rules{Lag: lag, Backlog: 2})
		slow := &collector{}
		sub := subscribe(t, h, slow, broadcast.As{Key: "slow"})
		subscribe(t, h, listener(), broadcast.As{Key: "other"})
		say(t, h, "lost")
		for range 5 {
			publish(t, h, broadcast.Publication{To: "other", Data: []byte("private")})
			publish(t, h, broadcast.Publication{Except: sub, Data: []byte("own")})
		}
		slow.drain(10)
		sub.Resume()
		wantSaid(t, lag.String(), slow.heard(), "missed 1")
	}
}

func TestABacklogIsEmptyWhileNobodyLags(t *testing.T) {
	h := newHub(t, broadcast.Rules{Backlog: 5})
	slow := &collector{}
	subscribe(t, h, listener(), broadcast.As{})
	sub := subscribe(t, h, slow, broadcast.As{})
	gone := subscribe(t, h, &collector{}, broadcast.As{})
	check := func(when string, behind, backlog int, missed uint64) {
		t.Helper()
		s, _ := h.TopicStats(lobby)
		if s.Behind != behind || s.Backlog != backlog || s.Missed != missed {
			t.Errorf("%s: %d behind, backlog %d, missed %d; want %d, %d, %d", when, s.Behind, s.Backlog, s.Missed, behind, backlog, missed)
		}
	}
	for i := range 9 {
		if r := say(t, h, "x"); r.Delivered != 1 || r.Behind != 2 {
			t.Errorf("message %d: %+v", i, r)
		}
	}
	check("two lag", 2, 5, 8)
	gone.Close()
	check("one lags", 1, 5, 8)
	slow.drain(100)
	sub.Resume()
	check("nobody lags", 0, 0, 8)
	wantSaid(t, "the slow one", slow.heard(), "missed 4", "x", "x", "x", "x", "x")
}

func TestAnInboxTellsTheGapInItsPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub(t, broadcast.Rules{Backlog: 3})
		inbox, err := h.Inbox(t.Context(), lobby, broadcast.As{Room: 2})
		if err != nil {
			t.Fatal(err)
		}
		defer inbox.Close()
		for n := range 10 {
			say(t, h, fmt.Sprint(n+1))
		}
		var got []string
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		for m, err := range inbox.All(ctx) {
			if err != nil {
				got = append(got, err.Error())
			} else {
				got = append(got, string(m.Data))
			}
		}
		wantSaid(t, "the inbox", got, "1", "2", "broadcast: missed 5", "8", "9", "10")
	})
}

// words splits what a collector said, in which "missed 3" is one word.
func words(s string) []string {
	var list []string
	for f := range strings.FieldsSeq(strings.ReplaceAll(s, "missed ", "missed_")) {
		list = append(list, strings.ReplaceAll(f, "_", " "))
	}
	return list
}
