package hyperlane

import (
	"encoding/json"
	"errors"
	"runtime/debug"
	"slices"
	"sync"
	"testing"
)

func TestTheDefaultCodecWritesWhatMarshalWrites(t *testing.T) {
	for _, v := range []any{nil, 1, "a<b>&\u2028", []int(nil), map[string]any{"b": 1, "a": []string{"x"}}, struct{ A, b int }{1, 2}} {
		want, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		got, err := stdJSON{}.Append([]byte("before "), v)
		if err != nil || string(got) != "before "+string(want) {
			t.Errorf("%v: got %q and error %v, want %q", v, got, err, "before "+string(want))
		}
	}
}

func TestTheDefaultCodecAppendsNothingOfWhatItCannotEncode(t *testing.T) {
	codec := stdJSON{}
	got, err := codec.Append([]byte("before"), []any{1, func() {}})
	if unsupported, ok := errors.AsType[*json.UnsupportedTypeError](err); !ok || string(got) != "before" {
		t.Errorf("got %q and error %v (%v), want what was there and an UnsupportedTypeError", got, err, unsupported)
	}
	if got, err = codec.Append(nil, 2); err != nil || string(got) != "2" {
		t.Errorf("after an error: got %q and error %v, want 2", got, err)
	}
}

func TestTheDefaultCodecRefusesWhatStandsBehindTheValue(t *testing.T) {
	var v map[string]int
	if err := (stdJSON{}).Unmarshal([]byte(`{"a": 1} {}`), &v); err == nil {
		t.Errorf("got %v and no error, want one", v)
	}
	if err := (stdJSON{}).Unmarshal([]byte(` {"a": 1} `), &v); err != nil || v["a"] != 1 {
		t.Errorf("got %v and error %v, want a = 1", v, err)
	}
}

func TestTheDefaultCodecServesManyGoroutines(t *testing.T) {
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			for range 200 {
				got, err := stdJSON{}.Append(nil, []int{i})
				if want := "[" + string(rune('0'+i)) + "]"; err != nil || string(got) != want {
					t.Errorf("got %q and error %v, want %q", got, err, want)
				}
			}
		})
	}
	group.Wait()
}

func TestTheDefaultCodecAppendsWithoutAllocating(t *testing.T) {
	if info, ok := debug.ReadBuildInfo(); ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"}) {
		t.Skip("under the race detector a sync.Pool forgets on purpose")
	}
	var v any = &struct {
		Message string `json:"message"`
	}{"Hello, World!"}
	dst := make([]byte, 0, 256)
	got := testing.AllocsPerRun(1000, func() {
		var err error
		if dst, err = (stdJSON{}).Append(dst[:0], v); err != nil {
			t.Fatal(err)
		}
	})
	if got > 0 {
		t.Errorf("got %v allocations, want 0", got)
	}
}
