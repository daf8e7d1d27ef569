package hyperlanetest

import (
	"bytes"
	"encoding/json"
	"flag"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// Response is an answer that was read to its end. Its checks fail the test, which goes on, and return it, for a chain.
type Response struct {
	t    testing.TB
	what string // was asked
	body string
	http *http.Response
}

// HTTP returns the answer as net/http has it. Its body has been read, see Text.
func (r *Response) HTTP() *http.Response { return r.http }

// Text returns the body.
func (r *Response) Text() string { return r.body }

// Status checks the status.
func (r *Response) Status(want int) *Response {
	r.t.Helper()
	if got := r.http.StatusCode; got != want {
		r.t.Errorf("%s: got status %d, want %d; body: %q", r.what, got, want, abridge(r.body))
	}
	return r
}

// Header checks the value of a field; "" wants no such field. Several fields with that name are joined by a comma and a space.
func (r *Response) Header(name, want string) *Response {
	r.t.Helper()
	if got := strings.Join(r.http.Header.Values(name), ", "); got != want {
		r.t.Errorf("%s: got %s: %q, want %q", r.what, name, got, want)
	}
	return r
}

// Trailer is Header for the fields behind the body.
func (r *Response) Trailer(name, want string) *Response {
	r.t.Helper()
	if got := strings.Join(r.http.Trailer.Values(name), ", "); got != want {
		r.t.Errorf("%s: got trailer %s: %q, want %q", r.what, name, got, want)
	}
	return r
}

// Body checks the whole body.
func (r *Response) Body(want string) *Response {
	r.t.Helper()
	if r.body != want {
		r.t.Errorf("%s: got body %q, want %q", r.what, abridge(r.body), abridge(want))
	}
	return r
}

// BodyContains checks a part of the body.
func (r *Response) BodyContains(part string) *Response {
	r.t.Helper()
	if !strings.Contains(r.body, part) {
		r.t.Errorf("%s: got body %q, want %q in it", r.what, abridge(r.body), part)
	}
	return r
}

// JSON checks that the body is the JSON that want is encoded as: the same values, whatever the order of members and the white space.
func (r *Response) JSON(want any) *Response {
	r.t.Helper()
	r.isJSON("application/json")
	text, err := json.Marshal(want)
	if err != nil {
		r.t.Fatal(err)
	}
	var got, wanted any
	if err := json.Unmarshal([]byte(r.body), &got); err != nil {
		r.t.Errorf("%s: got body %q, which is not JSON: %v", r.what, abridge(r.body), err)
		return r
	}
	json.Unmarshal(text, &wanted)
	if !reflect.DeepEqual(got, wanted) {
		r.t.Errorf("%s: got JSON %s, want %s", r.what, r.body, text)
	}
	return r
}

// Problem checks for a problem document (RFC 9457) with that status, in the head and in the document, and that detail; "" wants none.
func (r *Response) Problem(status int, detail string) *Response {
	r.t.Helper()
	r.Status(status).isJSON("application/problem+json")
	var got struct {
		Status int
		Detail string
	}
	if err := json.Unmarshal([]byte(r.body), &got); err != nil {
		r.t.Errorf("%s: got body %q, which is no problem document: %v", r.what, abridge(r.body), err)
		return r
	}
	if got.Status != status || got.Detail != detail {
		r.t.Errorf("%s: got a problem document with status %d, detail %q, want %d, %q", r.what, got.Status, got.Detail, status, detail)
	}
	return r
}

func (r *Response) isJSON(want string) {
	r.t.Helper()
	if got, _, _ := strings.Cut(r.http.Header.Get("Content-Type"), ";"); got != want {
		r.t.Errorf("%s: got Content-Type %q, want %q", r.what, got, want)
	}
}

// Golden checks that the body is what the file testdata/name holds; JSON is compared in an indented form. To have the files
// written, give the test binary a flag, var _ = flag.Bool("update", false, "rewrite the golden files"), and run
// go test -update.
func (r *Response) Golden(name string) *Response {
	r.t.Helper()
	got := r.body
	var indented bytes.Buffer
	if json.Indent(&indented, []byte(got), "", "  ") == nil {
		got = indented.String() + "\n"
	}
	name = filepath.Join("testdata", filepath.FromSlash(name))
	if f := flag.Lookup("update"); f != nil && f.Value.String() == "true" {
		if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
			r.t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(got), 0o666); err != nil {
			r.t.Fatal(err)
		}
		return r
	}
	stored, err := os.ReadFile(name)
	if err != nil {
		r.t.Errorf("%s: %v (Golden says how to write it)", r.what, err)
		return r
	}
	if want := strings.ReplaceAll(string(stored), "\r\n", "\n"); got != want {
		r.t.Errorf("%s: got body\n%s\nwant that of %s\n%s", r.what, got, name, want)
	}
	return r
}

func abridge(text string) string {
	const most = 2000
	if len(text) <= most {
		return text
	}
	return text[:most] + "..."
}
