//go:build race

package broadcast_test

const raceDetector = true
