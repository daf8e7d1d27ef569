//go:build linux

package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// program is a server that has been built.
type program struct {
	server
	binary string
}

// build compiles the servers into a temporary folder, which cleanUp removes.
func build(ctx context.Context, servers []server) (programs []program, cleanUp func(), err error) {
	dir, err := os.MkdirTemp("", "hyperlane-bench-")
	if err != nil {
		return nil, nil, err
	}
	cleanUp = func() { os.RemoveAll(dir) }
	built := make(map[string]error) // by binary: several servers share a package
	for _, s := range servers {
		p := program{s, filepath.Join(dir, binaryName(s))}
		err, done := built[p.binary]
		if !done {
			fmt.Fprintln(os.Stderr, "building", binaryName(s))
			err = compile(ctx, p)
			built[p.binary] = err
		}
		switch {
		case err == nil:
			programs = append(programs, p)
		case s.optional && ctx.Err() == nil && done:
			fmt.Fprintf(os.Stderr, "skipping %s too\n", s.name)
		case s.optional && ctx.Err() == nil:
			fmt.Fprintf(os.Stderr, "skipping %s: %v\n", s.name, err)
		default:
			cleanUp()
			return nil, nil, fmt.Errorf("%s: %w", s.name, err)
		}
	}
	return programs, cleanUp, nil
}

func binaryName(s server) string {
	if s.pkg == "" {
		return s.name
	}
	return filepath.Base(s.pkg)
}

func compile(ctx context.Context, p program) error {
	if p.pkg != "" {
		return runCompiler(exec.CommandContext(ctx, "go", "build", "-o", p.binary, p.pkg))
	}
	dir, err := benchDir(ctx)
	if err != nil {
		return err
	}
	if p.crate != "" {
		return compileCrate(ctx, filepath.Join(dir, "peers", "rust", "Cargo.toml"), p)
	}
	return runCompiler(exec.CommandContext(ctx, "gcc", "-std=gnu11", "-O2", "-o", p.binary, filepath.Join(dir, "cserver", "server.c")))
}

func runCompiler(cmd *exec.Cmd) error {
	output, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("does not build: %w\n%s", err, strings.TrimSpace(string(output)))
	}
	return nil
}

// benchDir is the folder of this module, wherever the command is run from.
func benchDir(ctx context.Context) (string, error) {
	output, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", modulePath).Output()
	if err != nil {
		return "", fmt.Errorf("finding the bench module: %w", err)
	}
	return strings.TrimSpace(string(output)), nil
}
