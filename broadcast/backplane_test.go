package broadcast_test

import (
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hyperlane-go/hyperlane/broadcast"
	"github.com/hyperlane-go/hyperlane/hyperlanetest"
)

func TestMemoryIsABackplane(t *testing.T) {
	hyperlanetest.TestBackplane(t, func(*testing.T) hyperlanetest.BackplaneNodes {
		b := broadcast.NewMemory() // all nodes of a process share one
		return hyperlanetest.BackplaneNodes{Nodes: []broadcast.Backplane{b, b}}
	})
}

var lastID atomic.Uint64

func message(topic broadcast.Topic, text string) *broadcast.Message {
	return &broadcast.Message{Topic: topic, ID: fmt.Sprint("id", lastID.Add(1)), Time: time.Now(), Data: []byte(text)}
}

func TestTheWireOfTheTestsBringsEverythingTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWire()
		var got []*broadcast.Message
		_, stop, err := w.Follow(t.Context(), lobby, func(m *broadcast.Message, _ uint64) { got = append(got, m) })
		if err != nil {
			t.Fatal(err)
		}
		for i := range 3 {
			if err := w.Publish(t.Context(), message(lobby, strconv.Itoa(i)), broadcast.Retention{Count: 2}); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		wantSaid(t, "a follower", texts(got), "0", "0", "1", "1", "2", "2")
		stop()
	})
}

// ailing is a backplane that says how it is.
type ailing struct {
	*broadcast.Memory
	err error
}

func (b *ailing) Err() error { return b.err }

func TestStatsShowAnOutageThatNoCallHasMet(t *testing.T) {
	b := &ailing{Memory: broadcast.NewMemory()}
	h := openHub(t, broadcast.HubConfig{Backplane: b})
	if err := h.Stats().Backplane; err != nil {
		t.Errorf("while all is well: %v", err)
	}
	b.err = errors.New("no quorum")
	if err := h.Stats().Backplane; err != b.err {
		t.Errorf("the state is %v, want %v", err, b.err)
	}
}
