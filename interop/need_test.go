package interop

import (
	"os"
	"os/exec"
	"testing"
)

// need finds a program by the first of its names that is installed. Without it the test is skipped; with
// REQUIRE_ALL_TESTS=1 it fails, so that a machine that should run everything cannot pass by having nothing.
func need(t *testing.T, names ...string) string {
	t.Helper()
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	if os.Getenv("REQUIRE_ALL_TESTS") == "1" {
		t.Fatalf("REQUIRE_ALL_TESTS=1, but none of %q is installed", names)
	}
	t.Skipf("none of %q is installed", names)
	return ""
}
