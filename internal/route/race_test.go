//go:build race

package route

// The race detector drops things from pools at random, and package regexp keeps its machines in one.
func init() { raceEnabled = true }
