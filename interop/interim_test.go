package interop

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"testing"
)

// interim sends GET and returns the interim responses that came before the final one, each with its Link.
func interim(t *testing.T, c *http.Client, url string) (hints string, resp *http.Response) {
	t.Helper()
	r := request(t, "GET", url, nil)
	trace := &httptrace.ClientTrace{Got1xxResponse: func(code int, header textproto.MIMEHeader) error {
		hints += fmt.Sprint(code, " ", header.Get("Link"), ",")
		return nil
	}}
	resp = do(t, c, r.WithContext(httptrace.WithClientTrace(r.Context(), trace)))
	text(t, resp.Body)
	return hints, resp
}

// contextOf returns a context for r that can be cancelled.
func contextOf(r *http.Request) (context.Context, context.CancelFunc) {
	return context.WithCancel(r.Context())
}
