//go:build unix

package hyperlane_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/hyperlane-go/hyperlane"
)

// Opening a pipe waits for somebody who writes: a request must not.
func TestAPipeIsNotServed(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(name, 0o600); err != nil {
		t.Skip(err)
	}
	s := hyperlane.New(hyperlane.Config{})
	s.Static("/files", hyperlane.Dir(dir), hyperlane.StaticConfig{Listing: true})
	s.Get("/file", func(c *hyperlane.Context) error { return c.File(name) })
	s.Get("/null", func(c *hyperlane.Context) error { return c.File(os.DevNull) })
	for _, target := range []string{"/files/pipe", "/file", "/null"} {
		if got := byHandler(t, s, requestText("GET", target, "")); got.status != 404 {
			t.Errorf("%s: got %d, want 404", target, got.status)
		}
	}
}
