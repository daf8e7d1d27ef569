//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
)

var errNoCargo = errors.New("it is written in Rust, and there is no cargo on this machine")

// compileCrate builds a server of the Rust workspace. What cargo makes on the way stays in the user's cache, beside Go's, because making it
// again takes minutes.
func compileCrate(ctx context.Context, manifest string, p program) error {
	if _, err := exec.LookPath("cargo"); err != nil {
		return errNoCargo
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return err
	}
	target := filepath.Join(cache, "hyperlane-bench", "cargo")
	cmd := exec.CommandContext(ctx, "cargo", "build", "--release", "--locked", "--manifest-path", manifest, "--target-dir", target, "-p", p.crate)
	if err := runCompiler(cmd); err != nil {
		return err
	}
	return copyProgram(p.binary, filepath.Join(target, "release", p.name))
}

// copyProgram takes the program out of the cache, where another run could replace it.
func copyProgram(to, from string) error {
	source, err := os.Open(from)
	if err != nil {
		return fmt.Errorf("what cargo built: %w", err)
	}
	defer source.Close()
	target, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o755)
	if err != nil {
		return err
	}
	if _, err := io.Copy(target, source); err != nil {
		target.Close()
		return err
	}
	return target.Close()
}
