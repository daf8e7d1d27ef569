package soak

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
)

// tally counts the exchanges that each kind of client has finished.
type tally map[string]*atomic.Int64

func (y tally) sum() (n int64) {
	for _, done := range y {
		n += done.Load()
	}
	return n
}

// String is a table of all kinds.
func (y tally) String() string {
	var names []string
	for name := range y {
		names = append(names, name)
	}
	slices.Sort(names)
	var b strings.Builder
	for _, name := range names {
		fmt.Fprintf(&b, "%10d  %s\n", y[name].Load(), name)
	}
	fmt.Fprintf(&b, "%10d  in all", y.sum())
	return b.String()
}
