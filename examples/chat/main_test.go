package main

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"github.com/hyperlane-go/hyperlane/broadcast/nats"
)

func TestRunServesUntilItIsTold(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := run(ctx, "127.0.0.1:0", nats.Config{}); err != nil || ctx.Err() == nil {
		t.Errorf("got %v", err)
	}
	err := run(t.Context(), "127.0.0.1:0", nats.Config{Routes: []string{"127.0.0.1:7001"}})
	if err == nil || !strings.Contains(err.Error(), "Listen") {
		t.Errorf("routes without an address of its own: got %v", err)
	}
}

func TestCookieKeysComeFromTheSecret(t *testing.T) {
	key := func(secret string) []byte {
		k, err := cookieKey(secret)
		if err != nil || len(k) != 32 {
			t.Fatalf("got %x, %v", k, err)
		}
		return k
	}
	if !bytes.Equal(key("a"), key("a")) || bytes.Equal(key("a"), key("b")) || bytes.Equal(key(""), key("")) {
		t.Error("the same secret is to give the same key, another secret or none another key")
	}
}
