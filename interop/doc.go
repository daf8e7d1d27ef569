// Package interop holds tests against what we did not write: curl, a browser, h2spec, other people's clients. It is a module
// of its own, so that what only tests need never reaches the go.mod of a user.
//
// Libraries that the tests need are requirements of this module. Programs that they need are looked up with need: a test
// whose program is missing is skipped, and fails where REQUIRE_ALL_TESTS=1 says that everything must be there.
package interop
