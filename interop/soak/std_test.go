package soak

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

var stdKinds = []kind{
	{"net/http's client", 2, func(c *client) error { return c.askStd(c.ctx, 500<<10) }},
	{"net/http's client, cancelled in the middle", 3, cancelStd},
}

// askStd makes one of several requests. After an error of ctx that is the error.
func (c *client) askStd(ctx context.Context, most int64) error {
	r := c.ribbon(most)
	var body io.Reader
	target, method := fmt.Sprintf("/ribbon/%d/%d", r.start, r.size), http.MethodGet
	switch c.IntN(4) {
	case 0:
		target, method, body = "/gather", http.MethodPost, r.reader()
	case 1:
		target, method, body = "/pour", http.MethodPost, bytes.NewReader([]byte(r.text()))
	case 2:
		target, r = "/file", content
	}
	request, err := http.NewRequestWithContext(ctx, method, "http://"+c.addr+target, body)
	if err != nil {
		return err
	}
	response, err := c.http.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: got %s", target, response.Status)
	}
	if err := follow(r.reader(), response.Body, r.size); err != nil {
		return fmt.Errorf("%s: %w", target, err)
	}
	if err := over(response.Body); err != nil {
		return fmt.Errorf("%s: %w", target, err)
	}
	if got, want := response.Trailer.Get("X-Size"), fmt.Sprint(r.size); response.Trailer != nil && got != want {
		return fmt.Errorf("%s: got the trailer %q, want %q", target, got, want)
	}
	return nil
}

// cancelStd gives up at some time, and then gets the whole answer or the error that it has made itself.
func cancelStd(c *client) error {
	ctx, cancel := context.WithTimeout(c.ctx, time.Duration(c.Int64N(int64(20*time.Millisecond))))
	defer cancel()
	err := c.askStd(ctx, 3<<20)
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return nil
	}
	return err
}
