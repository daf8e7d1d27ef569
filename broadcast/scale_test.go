package broadcast_test

import (
	"context"
	"encoding/binary"
	"errors"
	"sync"
	"testing"

	"github.com/hyperlane-go/hyperlane/broadcast"
)

// member is a subscriber of the scale test. Messages are numbers from 1 on. It refuses every so many calls, and counts.
type member struct {
	refuses int // every so many calls; 0: none
	calls   int
	last    uint64
	missed  uint64 // since last
	total   uint64 // got and missed
	wrong   int
}

func (c *member) full() bool {
	c.calls++
	return c.refuses > 0 && c.calls%c.refuses == 0
}

func (c *member) Deliver(m *broadcast.Message) error {
	if c.full() {
		return broadcast.ErrFull
	}
	c.got(binary.BigEndian.Uint64(m.Data))
	return nil
}

func (c *member) got(n uint64) {
	if n != c.last+c.missed+1 {
		c.wrong++
	}
	c.last, c.missed = n, 0
	c.total++
}

func (c *member) Missed(n uint64) error {
	if c.full() {
		return broadcast.ErrFull
	}
	c.missed += n
	c.total += n
	return nil
}

func (c *member) Ended(error) {}

// TestManySubscribersGetEverythingInOrderOrAreToldWhatTheyMissed has 10,000 subscribers and 1,000 messages; a tenth of both under the race
// detector, which is that much slower. Some have no room every now and then, some never have any, and some read an inbox.
func TestManySubscribersGetEverythingInOrderOrAreToldWhatTheyMissed(t *testing.T) {
	subscribers, messages := 10_000, 1_000
	if raceDetector {
		subscribers, messages = 1_000, 100
	}
	h := newHub(t, broadcast.Rules{Backlog: 16})
	members := make([]*member, subscribers)
	subs := make([]*broadcast.Subscription, subscribers)
	var readers sync.WaitGroup
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for i := range members {
		c := &member{}
		members[i] = c
		switch {
		case i%100 == 1:
			c.refuses = 1 // always
		case i%10 == 2:
			c.refuses = 2 + i%5
		case i%100 == 3:
			inbox, err := h.Inbox(t.Context(), lobby, broadcast.As{Room: 8})
			if err != nil {
				t.Fatal(err)
			}
			subs[i] = inbox.Subscription()
			readers.Go(func() {
				for c.total < uint64(messages) {
					m, err := inbox.Next(ctx)
					missed := (*broadcast.Missed)(nil)
					switch {
					case err == nil:
						c.got(binary.BigEndian.Uint64(m.Data))
					case errors.As(err, &missed):
						c.Missed(missed.Count)
					default:
						t.Errorf("an inbox got %d and then %v", c.total, err)
						return
					}
				}
			})
			continue
		}
		subs[i] = subscribe(t, h, c, broadcast.As{})
	}
	for n := range messages {
		publish(t, h, broadcast.Publication{Data: binary.BigEndian.AppendUint64(nil, uint64(n+1))})
	}
	readers.Wait()
	for i, c := range members {
		c.refuses = 0
		subs[i].Resume()
		if c.total != uint64(messages) || c.wrong > 0 {
			t.Errorf("member %d got or missed %d of %d, %d of them in a wrong place", i, c.total, messages, c.wrong)
		}
	}
	if h.Stats().Missed == 0 {
		t.Error("nobody missed anything: the test has not tested that")
	}
}
