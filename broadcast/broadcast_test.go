package broadcast_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hyperlane-go/hyperlane/broadcast"
)

// readAll reads what waits in r until nothing more comes. It must run in a synctest bubble.
func readAll(r *broadcast.Receiver[int]) (got []string) {
	for {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		v, err := r.Next(ctx)
		cancel()
		switch {
		case err == nil:
			got = append(got, fmt.Sprint(v))
		case errors.Is(err, context.DeadlineExceeded):
			return got
		default:
			got = append(got, err.Error())
			if missed := (*broadcast.Missed)(nil); !errors.As(err, &missed) {
				return got
			}
		}
	}
}

func TestASlowReceiverGetsWhatItsPolicySaysAndLearnsWhatItMissed(t *testing.T) {
	tests := []struct {
		lag   broadcast.Lag
		steps string // s sends the next number, r reads everything; the receiver has room for 3
		want  string // what was read
		sent  []int  // what each Send returned
	}{
		{broadcast.DropOldest, "sssr", "[1 2 3]", []int{1, 1, 1}},
		{broadcast.DropOldest, "sssssr", "[broadcast: missed 2 3 4 5]", []int{1, 1, 1, 1, 1}},
		{broadcast.DropOldest, "sssssrsr", "[broadcast: missed 2 3 4 5 6]", []int{1, 1, 1, 1, 1, 1}},
		{broadcast.DropNewest, "sssssr", "[1 2 3 broadcast: missed 2]", []int{1, 1, 1, 0, 0}},
		{broadcast.DropNewest, "sssssrsr", "[1 2 3 broadcast: missed 2 6]", []int{1, 1, 1, 0, 0, 1}},
		{broadcast.Block, "sssssr", "[1 2 3 broadcast: missed 2]", []int{1, 1, 1, 0, 0}}, // each Send gives up after a minute
		{broadcast.Disconnect, "sssssr", "[1 2 3 broadcast: disconnected, because it was too slow]", []int{1, 1, 1, 0, 0}},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprint(tt.lag, tt.steps), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := broadcast.New[int](broadcast.Config{Capacity: 3, Lag: tt.lag})
				defer b.Close()
				r := b.Subscribe()
				var got []string
				var sent []int
				for _, step := range tt.steps {
					if step == 'r' {
						got = append(got, readAll(r)...)
						continue
					}
					ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
					n, err := b.Send(ctx, len(sent)+1)
					cancel()
					if err != nil && !(tt.lag == broadcast.Block && n == 0 && errors.Is(err, context.DeadlineExceeded)) {
						t.Errorf("Send %d: %d, %v", len(sent)+1, n, err)
					}
					sent = append(sent, n)
				}
				if fmt.Sprint(got) != tt.want || fmt.Sprint(sent) != fmt.Sprint(tt.sent) {
					t.Errorf("read %v, want %v; Send returned %v, want %v", got, tt.want, sent, tt.sent)
				}
			})
		})
	}
}

func TestASendThatBlocksGoesOnWhenThereIsRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := broadcast.New[int](broadcast.Config{Capacity: 1, Lag: broadcast.Block})
		slow, gone := b.Subscribe(), b.Subscribe()
		b.Send(t.Context(), 1)
		sent := make(chan int)
		go func() {
			n, _ := b.Send(t.Context(), 2)
			sent <- n
		}()
		synctest.Wait()
		select {
		case <-sent:
			t.Fatal("Send did not wait")
		default:
		}
		gone.Close() // must not hold up anybody any more
		if v, err := slow.Next(t.Context()); v != 1 || err != nil {
			t.Errorf("got %d, %v", v, err)
		}
		if n := <-sent; n != 1 {
			t.Errorf("Send reached %d receivers, want 1", n)
		}
		b.Close()
		if v, err := slow.Next(t.Context()); v != 2 || err != nil {
			t.Errorf("after Close: %d, %v, want what was waiting", v, err)
		}
		if _, err := slow.Next(t.Context()); err != broadcast.ErrClosed {
			t.Errorf("after the last value: %v, want ErrClosed", err)
		}
		if n, err := b.Send(t.Context(), 3); n != 0 || err != broadcast.ErrClosed {
			t.Errorf("Send after Close: %d, %v", n, err)
		}
	})
}

func TestCloseWakesAllWhoWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := broadcast.New[int](broadcast.Config{})
		r := b.Subscribe()
		var wg sync.WaitGroup
		for range 5 {
			wg.Go(func() {
				if _, err := r.Next(t.Context()); err != broadcast.ErrClosed {
					t.Errorf("got %v, want ErrClosed", err)
				}
			})
		}
		synctest.Wait()
		b.Close()
		wg.Wait()
		if _, err := b.Subscribe().Next(t.Context()); err != broadcast.ErrClosed {
			t.Errorf("a receiver after Close: %v", err)
		}
	})
}

func TestSeveralReadersShareTheValuesOfOneReceiver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := broadcast.New[int](broadcast.Config{})
		r := b.Subscribe()
		var mu sync.Mutex
		seen := map[int]int{}
		for range 4 {
			go func() {
				for v := range r.All(t.Context()) {
					mu.Lock()
					seen[v]++
					mu.Unlock()
				}
			}()
		}
		synctest.Wait()
		for i := range 100 {
			b.Send(t.Context(), i)
		}
		synctest.Wait()
		b.Close()
		mu.Lock()
		defer mu.Unlock()
		for i := range 100 {
			if seen[i] != 1 {
				t.Errorf("%d came %d times", i, seen[i])
			}
		}
	})
}

func TestEveryReceiverSeesEachPublisherInOrder(t *testing.T) {
	const publishers, receivers, values = 8, 16, 500
	for _, lag := range []broadcast.Lag{broadcast.DropOldest, broadcast.DropNewest, broadcast.Block} {
		t.Run(lag.String(), func(t *testing.T) {
			b := broadcast.New[[2]int](broadcast.Config{Capacity: 32, Lag: lag})
			var readers, writers sync.WaitGroup
			for range receivers {
				r := b.Subscribe()
				readers.Go(func() {
					last, got, missed := [publishers]int{}, 0, 0
					for v, err := range r.All(t.Context()) {
						if gap := (*broadcast.Missed)(nil); errors.As(err, &gap) {
							missed += int(gap.Count)
							continue
						}
						if v[1] <= last[v[0]] {
							t.Errorf("publisher %d: %d after %d", v[0], v[1], last[v[0]])
						}
						last[v[0]] = v[1]
						got++
					}
					if got+missed != publishers*values || lag == broadcast.Block && missed > 0 {
						t.Errorf("got %d and missed %d of %d", got, missed, publishers*values)
					}
				})
			}
			for p := range publishers {
				writers.Go(func() {
					for i := range values {
						if _, err := b.Send(t.Context(), [2]int{p, i + 1}); err != nil {
							t.Error(err)
						}
					}
				})
			}
			writers.Wait()
			b.Close()
			readers.Wait()
		})
	}
}

func TestReceiversComeAndGoWhileValuesAreSent(t *testing.T) {
	b := broadcast.New[int](broadcast.Config{Capacity: 4, Lag: broadcast.Disconnect})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 200 {
				r := b.Subscribe()
				b.Send(t.Context(), 1)
				if _, err := r.Next(t.Context()); err != nil && err != broadcast.ErrLagged {
					t.Errorf("Next: %v", err)
				}
				r.Close()
				r.Close()
			}
		})
	}
	wg.Wait()
	if n := b.Receivers(); n != 0 {
		t.Errorf("%d receivers are left", n)
	}
}

func TestAConfigThatMakesNoSenseIsRefused(t *testing.T) {
	for _, config := range []broadcast.Config{{Capacity: -1}, {Lag: 9}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("New(%+v) did not panic", config)
				}
			}()
			broadcast.New[int](config)
		}()
	}
}
