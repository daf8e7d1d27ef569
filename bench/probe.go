//go:build linux

package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"time"
)

// probe makes sure, with an ordinary client, that a server answers the
// exchange in full and runs both middlewares, so that no server wins by doing
// less than it is known to do. It returns the length of the body, which the
// load then insists on.
func probe(ctx context.Context, addr netip.AddrPort, can feature, e exchange) (int, error) {
	client := &http.Client{
		Timeout:   5 * time.Second,
		Transport: &http.Transport{DisableKeepAlives: true},
	}
	response, body, err := e.ask(ctx, client, addr, "bench")
	if err != nil {
		return 0, fmt.Errorf("probe: %w", err)
	}
	field := response.Header.Get
	switch {
	case response.StatusCode != http.StatusOK:
		return 0, fmt.Errorf("probe: %s answered %s", e.path, response.Status)
	case e.want != "" && strings.TrimRight(body, "\n") != e.want:
		return 0, fmt.Errorf("probe: %s answered %.80q, want %.80q", e.path, body, e.want)
	case !strings.HasPrefix(field("Content-Type"), e.contentType):
		return 0, fmt.Errorf("probe: %s has Content-Type %q, want %s", e.path, field("Content-Type"), e.contentType)
	case field("Date") == "" && can&dates != 0:
		return 0, fmt.Errorf("probe: %s has no Date", e.path)
	case response.ContentLength != int64(len(body)):
		return 0, fmt.Errorf("probe: %s has no Content-Length", e.path)
	case field("X-Frame-Options") != "DENY":
		return 0, fmt.Errorf("probe: %s did not pass the response middleware", e.path)
	}
	blocked, _, err := e.ask(ctx, client, addr, "blocked")
	if err != nil {
		return 0, fmt.Errorf("probe: %w", err)
	}
	if blocked.StatusCode != http.StatusForbidden {
		return 0, fmt.Errorf("probe: %s did not pass the request middleware: %s", e.path, blocked.Status)
	}
	return len(body), nil
}

// ask sends the exchange once, in the name of the given X-Client.
func (e exchange) ask(ctx context.Context, client *http.Client, addr netip.AddrPort, name string) (*http.Response, string, error) {
	request, err := http.NewRequestWithContext(ctx, e.method, "http://"+addr.String()+e.path, strings.NewReader(e.body))
	if err != nil {
		return nil, "", err
	}
	request.Header.Set("X-Client", name)
	response, err := client.Do(request)
	if err != nil {
		return nil, "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return response, string(body), err
}
