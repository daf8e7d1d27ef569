package hyperlanetest

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
)

// Request is a request that is being built. Its setters return it, for a chain that Send ends.
type Request struct {
	c      *Client
	method string
	target string
	header http.Header
	host   string
	body   io.Reader
	behind http.Header // the trailer
}

// Request begins a request. target is a path, with a query if there is one, as it is to go over the wire.
func (c *Client) Request(method, target string) *Request {
	return &Request{c: c, method: method, target: target, header: make(http.Header)}
}

// Get sends a GET.
func (c *Client) Get(target string) *Response {
	c.t.Helper()
	return c.Request(http.MethodGet, target).Send()
}

// Post sends a POST with v as JSON.
func (c *Client) Post(target string, v any) *Response {
	c.t.Helper()
	return c.Request(http.MethodPost, target).JSON(v).Send()
}

// Header adds a field. Host sets the host.
func (r *Request) Header(name, value string) *Request {
	if strings.EqualFold(name, "Host") {
		r.host = value
		return r
	}
	r.header.Add(name, value)
	return r
}

// Body sets the body, and its length.
func (r *Request) Body(body string) *Request {
	r.body = strings.NewReader(body)
	return r
}

// JSON sets v, encoded, as the body, and its content type.
func (r *Request) JSON(v any) *Request {
	r.c.t.Helper()
	body, err := json.Marshal(v)
	if err != nil {
		r.c.t.Fatal(err)
	}
	r.header.Set("Content-Type", "application/json")
	return r.Body(string(body))
}

// Stream sets a body that is sent as it is read, without a length (chunked).
func (r *Request) Stream(body io.Reader) *Request {
	r.body = struct{ io.Reader }{body}
	return r
}

// Trailer adds a field behind the body, which must be a Stream of at least one byte.
func (r *Request) Trailer(name, value string) *Request {
	if r.behind == nil {
		r.behind = make(http.Header)
	}
	r.behind.Add(name, value)
	return r
}

// Send sends the request and reads the whole answer. A test cannot go on without one.
func (r *Request) Send() *Response {
	t := r.c.t
	t.Helper()
	request, err := http.NewRequest(r.method, URL+r.target, r.body)
	if err != nil {
		t.Fatal(err)
	}
	request.Header, request.Trailer = r.header, r.behind
	if r.host != "" {
		request.Host = r.host
	}
	what := r.method + " " + r.target
	response, err := r.c.http.Do(request)
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatalf("%s: %s, and then, after %d bytes of the body: %v", what, response.Status, len(body), err)
	}
	return &Response{t: t, what: what, body: string(body), http: response}
}
