package soak

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
)

// journal is where the servers write their logs. Of what they take for errors it keeps what nobody has asked for.
type journal struct {
	mu    sync.Mutex // guards what follows
	lines []string
}

func (j *journal) logger() *slog.Logger { return slog.New(j) }

// askedFor are the paths whose handlers fail.
var askedFor = []string{"/panic", "/panic/late", "/error"}

func (*journal) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelWarn }
func (j *journal) WithAttrs([]slog.Attr) slog.Handler             { return j }
func (j *journal) WithGroup(string) slog.Handler                  { return j }

func (j *journal) Handle(_ context.Context, r slog.Record) error {
	known := false
	text := r.Message
	r.Attrs(func(a slog.Attr) bool {
		known = known || a.Key == "path" && slices.Contains(askedFor, a.Value.String())
		text += " " + a.String()
		return true
	})
	known = known || strings.HasSuffix(text, "the goroutine was ended by runtime.Goexit") // asked for by /exit
	j.mu.Lock()
	defer j.mu.Unlock()
	if !known && len(j.lines) < 10 {
		j.lines = append(j.lines, text)
	}
	return nil
}

func (j *journal) check(t *testing.T) {
	t.Helper()
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.lines) > 0 {
		t.Errorf("the log has errors that nobody has asked for:\n%s", strings.Join(j.lines, "\n"))
	}
}
