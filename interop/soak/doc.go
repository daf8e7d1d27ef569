// Package soak is one long test: clients of every kind, good and bad, on real connections, at the same time, for as long as it is asked
// to. By default that is a few seconds, so that it is part of every test run:
//
//	SOAK=30m go test -race -v -run TestSoak -timeout 40m ./interop/soak
//
// Every answer is compared, byte by byte, with what the client knows it must be. When the clients have gone, what the servers hold must
// be what they held before: no goroutine, no descriptor, no memory.
//
// A client makes its choices by a random generator of its own. The seed is logged, and SOAK_SEED brings the same choices back, though
// not their order in time.
package soak
