//go:build race || hyperlanedebug

package hyperlane

// findMisuse is whether contexts are checked for use after their handler has returned.
const findMisuse = true
