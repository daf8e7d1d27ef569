package hyperlane

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"strings"

	"github.com/hyperlane-go/hyperlane/internal/http1"
)

// Error is an error with an HTTP status. It is answered as a problem document (RFC 9457): what the client is told is Type, Title,
// Detail and Extensions; what Cause says is for the log.
type Error struct {
	Status     int            // 400 to 599; any other is answered 500, and logged
	Type       string         // URI of the kind of problem; empty is "about:blank"
	Title      string         // empty is the standard text of Status
	Detail     string         // empty is left out
	Extensions map[string]any // further members; those above cannot be replaced
	Cause      error          // never sent
}

// Errorf returns an Error with that status. The formatted text is its Detail, which the client is told if status is below 500; of
// an error that is wrapped with %w the text is part of it. To keep a cause from the client, set Cause instead.
func Errorf(status int, format string, args ...any) *Error {
	e := &Error{Status: status}
	if format != "" {
		err := fmt.Errorf(format, args...)
		e.Detail, e.Cause = err.Error(), errors.Unwrap(err)
	}
	return e
}

// Error returns the text for the log.
func (e *Error) Error() string {
	text := fmt.Sprintf("%d %s", e.Status, http.StatusText(e.Status))
	if e.Detail != "" {
		text += ": " + e.Detail
	}
	if e.Cause != nil && !strings.Contains(e.Detail, e.Cause.Error()) {
		text += ": " + e.Cause.Error()
	}
	return text
}

// Unwrap returns Cause.
func (e *Error) Unwrap() error { return e.Cause }

// PanicError is what a panic becomes on its way to the panic hook and to the answer, which is a 500 that says nothing of it.
type PanicError struct {
	Value any    // what was passed to panic
	Stack []byte // of the goroutine that panicked
}

// Error returns the text for the log, without the stack.
func (e *PanicError) Error() string { return fmt.Sprintf("panic: %v", e.Value) }

// Unwrap returns Value if it is an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// isOne reports whether the status is that of an error.
func (e *Error) isOne() bool { return e.Status >= 400 && e.Status <= 599 }

// MapError has every error that is target, by errors.Is, answered as e. Mappings are tried in the order they were added, before
// anything else is known of the error: also an Error whose Cause is target is answered as e.
func (s *Server) MapError(target error, e *Error) {
	if !e.isOne() {
		s.mistake(fmt.Errorf("%s: an error cannot be answered %d; that takes 400 to 599", caller(2), e.Status))
	}
	s.mappings = append(s.mappings, mapping{target, e})
}

type mapping struct {
	target error
	answer *Error
}

// problem returns what the client is told of err.
func (s *Server) problem(err error) *Error {
	for _, m := range s.mappings {
		if errors.Is(err, m.target) {
			return m.answer
		}
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	if e, ok := errors.AsType[*http1.Error](err); ok {
		return &Error{Status: e.Status, Cause: e}
	}
	if e, ok := errors.AsType[FieldErrors](err); ok {
		return e.refusal(http.StatusUnprocessableEntity)
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return &Error{Status: http.StatusServiceUnavailable, Cause: err}
	}
	return &Error{Status: http.StatusInternalServerError, Cause: err}
}

// fail is the one door by which errors leave: to the hooks, the log, and the response.
func (s *Server) fail(c *Context, err error) {
	if p, ok := errors.AsType[*PanicError](err); ok {
		s.cells.other().panicked.Add(1)
		s.tellPanic(c, p)
	}
	e := s.problem(err)
	if e.Status >= 500 || !e.isOne() { // else it would be a 500 without a word
		s.log(c, err)
	}
	if c.Response.committed {
		c.broken = true
		return
	}
	c.Response.stayHTTP()
	if s.onError(c, err) {
		return
	}
	c.Response.problem(c, e)
}

// stayHTTP takes back an upgrade and a feed: who is told of an error is not told to switch.
func (r *Response) stayHTTP() {
	r.dropFeed()
	if r.upgrade != nil {
		r.upgrade = nil
		r.DelHeader("Connection").DelHeader("Upgrade").SetStatus(http.StatusInternalServerError)
	}
}

// log writes what went wrong while c was served. That a client has gone, and what follows from it, is no fault of the server's.
func (s *Server) log(c *Context, err error) {
	attrs := []any{"method", c.Request.Method(), "path", c.Request.Path(), "error", err}
	level := slog.LevelError
	if errors.Is(err, ErrDisconnected) || errors.Is(err, context.Canceled) && c.life != nil && context.Cause(c.life) == ErrDisconnected {
		level = slog.LevelDebug
	}
	if p, ok := errors.AsType[*PanicError](err); ok {
		level = slog.LevelError
		attrs = append(attrs, "stack", string(p.Stack))
	}
	s.config.Logger.Log(context.Background(), level, "request failed", attrs...)
}

// problem makes r the answer of an error: a problem document, or text for a client that does not accept one.
func (r *Response) problem(c *Context, e *Error) {
	status := e.Status
	if !e.isOne() {
		status = http.StatusInternalServerError
	}
	r.dropBody()
	r.SetStatus(status)
	r.forgetRepresentation()
	if status != http.StatusRequestedRangeNotSatisfiable {
		r.DelHeader("Content-Range")
	}
	title, detail := e.Title, e.Detail
	if title == "" {
		title = http.StatusText(status)
	}
	if status >= 500 {
		detail = ""
	}
	if !acceptsJSON(c.Request.Header("Accept")) {
		text := title
		if detail != "" {
			text += ": " + detail
		}
		r.SetHeader("Content-Type", "text/plain; charset=utf-8").SetBodyString(text + "\n")
		return
	}
	doc := map[string]any{}
	maps.Copy(doc, e.Extensions)
	doc["title"], doc["status"] = title, status
	if e.Type != "" {
		doc["type"] = e.Type
	}
	if detail != "" {
		doc["detail"] = detail
	}
	body, err := c.server.config.JSON.Append(nil, doc)
	if err != nil {
		body = []byte("{}")
		c.server.log(c, err)
	}
	r.SetHeader("Content-Type", "application/problem+json").SetBody(body)
}

// acceptsJSON reports whether the Accept field leaves room for a problem document: it is missing, or one of its ranges
// fits and is not weighed 0.
func acceptsJSON(accept string) bool {
	if accept == "" {
		return true
	}
	for part := range strings.SplitSeq(accept, ",") {
		media, params, _ := strings.Cut(part, ";")
		switch strings.ToLower(strings.TrimSpace(media)) {
		case "*/*", "application/*", "application/json", "application/problem+json":
			if q := strings.ReplaceAll(strings.ToLower(params), " ", ""); q != "q=0" && q != "q=0.0" {
				return true
			}
		}
	}
	return false
}
