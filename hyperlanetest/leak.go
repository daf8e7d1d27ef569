package hyperlanetest

import (
	"bytes"
	"context"
	"fmt"
	"runtime/pprof"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// label marks a goroutine and all that it starts, and they in turn, with the server they work for. So the goroutines of one server can
// be told from those of a test that runs beside it, wherever in their stacks they are.
const label = "hyperlanetest"

var labels atomic.Int64

// family is the goroutines that descend from those that were started with run.
type family struct{ name string }

func newFamily(t testing.TB) family {
	return family{fmt.Sprintf("%s #%d", t.Name(), labels.Add(1))}
}

// run starts f on a goroutine of the family.
func (f family) run(work func()) {
	go pprof.Do(context.Background(), pprof.Labels(label, f.name), func(context.Context) { work() })
}

// members returns the stacks of those that are alive.
func (f family) members() (stacks []string) {
	var profile bytes.Buffer
	pprof.Lookup("goroutine").WriteTo(&profile, 1)
	mark := fmt.Sprintf("%q:%q", label, f.name)
	for stack := range strings.SplitSeq(profile.String(), "\n\n") {
		if strings.Contains(stack, mark) {
			stacks = append(stacks, stack)
		}
	}
	return stacks
}

// wait gives the family a moment to end, and fails t with the stacks of those that do not.
func (f family) wait(t testing.TB) {
	t.Helper()
	pause := time.Millisecond
	for end := time.Now().Add(patience); ; pause *= 2 {
		alive := f.members()
		if len(alive) == 0 {
			return
		}
		if time.Now().After(end) {
			t.Errorf("goroutines of the server are left after it was shut down:\n%s", strings.Join(alive, "\n\n"))
			return
		}
		time.Sleep(pause)
	}
}
