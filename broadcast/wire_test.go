package broadcast_test

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/hyperlane-go/hyperlane/broadcast"
)

func FuzzAMessageComesBackFromItsBytes(f *testing.F) {
	m := message(broadcast.TopicOf("a", "b/c"), "data")
	m.From, m.Node, m.Name, m.Position = "ann", "n1", "greeting", broadcast.Position{Epoch: "e", Offset: 300}
	whole, _ := m.MarshalBinary()
	f.Add(whole)
	for n := range whole {
		f.Add(whole[:n])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var m broadcast.Message
		if m.UnmarshalBinary(b) != nil {
			return
		}
		back, err := m.MarshalBinary()
		if err != nil || !bytes.Equal(back, b) {
			t.Errorf("%x became %+v and then %x, %v", b, &m, back, err)
		}
	})
}

func TestPartOfAMessageIsRefused(t *testing.T) {
	m := message(lobby, "data")
	m.From, m.Node = "ann", "n1"
	whole, err := m.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	for n := range whole {
		if new(broadcast.Message).UnmarshalBinary(whole[:n]) == nil {
			t.Errorf("%d bytes of %d were taken", n, len(whole))
		}
	}
	for _, b := range [][]byte{append(bytes.Clone(whole), 0), append([]byte{9}, whole[1:]...), append([]byte{whole[0], 200}, whole[2:]...)} {
		if new(broadcast.Message).UnmarshalBinary(b) == nil {
			t.Errorf("%x was taken", b)
		}
	}
	var got broadcast.Message
	if err := got.UnmarshalBinary(whole); err != nil || got.From != "ann" || string(got.Data) != "data" || !got.Time.Equal(m.Time) {
		t.Errorf("%+v, %v", &got, err)
	}
}

// wire is a backplane as between machines: messages become bytes, arrive later, on another goroutine, and each comes twice. It can be cut:
// then calls fail, and messages that were kept before arrive when it is mended.
type wire struct {
	kept *broadcast.Memory

	mu    sync.Mutex
	cut   error
	whole chan struct{} // closed while it is not cut
	lossy bool          // Publish keeps the message and fails all the same
}

var errCut = errors.New("the wire is cut")

func newWire() *wire {
	w := &wire{kept: broadcast.NewMemory(), whole: make(chan struct{})}
	close(w.whole)
	return w
}

func (w *wire) setCut(cut bool) {
	if !cut {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.cut = nil
		close(w.whole)
		return
	}
	w.delay()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cut = errCut
}

// delay lets messages be kept, and holds them back until setCut(false).
func (w *wire) delay() {
	w.mu.Lock()
	defer w.mu.Unlock()
	select {
	case <-w.whole:
		w.whole = make(chan struct{})
	default: // is held back already
	}
}

//lint:ignore ST1008 the channel belongs to the error
func (w *wire) state() (error, chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.cut, w.whole
}

func (w *wire) Publish(ctx context.Context, m *broadcast.Message, keep broadcast.Retention) error {
	if err, _ := w.state(); err != nil {
		return err
	}
	c := copyOf(m)
	if err := w.kept.Publish(ctx, c, keep); err != nil {
		return err
	}
	if w.lossy {
		return errCut
	}
	m.Position = c.Position
	return nil
}

func (w *wire) Follow(ctx context.Context, topic broadcast.Topic, deliver func(*broadcast.Message, uint64)) (broadcast.Position, func(), error) {
	if err, _ := w.state(); err != nil {
		return broadcast.Position{}, nil, err
	}
	var mu sync.Mutex
	var queue []*broadcast.Message
	wake := make(chan struct{}, 1)
	done := make(chan struct{})
	at, stop, err := w.kept.Follow(ctx, topic, func(m *broadcast.Message, _ uint64) {
		mu.Lock()
		queue = append(queue, m)
		mu.Unlock()
		select {
		case wake <- struct{}{}:
		default:
		}
	})
	go func() {
		for {
			select {
			case <-wake:
			case <-done:
				return
			}
			mu.Lock()
			batch := queue
			queue = nil
			mu.Unlock()
			for _, m := range batch {
				_, whole := w.state()
				select {
				case <-whole:
				case <-done:
					return
				}
				c := copyOf(m)
				deliver(c, 0)
				deliver(c, 0)
			}
		}
	}()
	return at, sync.OnceFunc(func() { stop(); close(done) }), err
}

func (w *wire) Read(ctx context.Context, topic broadcast.Topic, since broadcast.Position) (broadcast.Snapshot, error) {
	if err, _ := w.state(); err != nil {
		return broadcast.Snapshot{}, err
	}
	return w.kept.Read(ctx, topic, since)
}

// copyOf is what arrives at the other end.
func copyOf(m *broadcast.Message) *broadcast.Message {
	b, err := m.MarshalBinary()
	if err != nil {
		panic(err)
	}
	c := new(broadcast.Message)
	if err := c.UnmarshalBinary(b); err != nil {
		panic(err)
	}
	c.Time = c.Time.Round(time.Nanosecond)
	return c
}
