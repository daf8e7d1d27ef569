package hyperlane

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"
)

// bindServer serves what register adds, by the net/http bridge and over TCP by the blocking driver. ask sends a request to either; the
// path of it is a request target. What is logged goes to log.
type bindServer struct {
	*Server
	log bytes.Buffer
	ask map[string]func(r *http.Request) *http.Response
}

func newBindServer(t testing.TB, config Config, register func(s *Server)) *bindServer {
	t.Helper()
	b := new(bindServer)
	config.Driver = "blocking"
	config.Logger = slog.New(slog.NewTextHandler(&b.log, nil))
	b.Server = New(config)
	register(b.Server)
	if err := b.Validate(); err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- b.Serve(ln) }()
	client := &http.Client{Transport: &http.Transport{}}
	t.Cleanup(func() {
		client.CloseIdleConnections()
		b.Close()
		<-done
	})
	b.ask = map[string]func(r *http.Request) *http.Response{
		"bridge": func(r *http.Request) *http.Response {
			w := httptest.NewRecorder()
			b.ServeHTTP(w, r)
			return w.Result()
		},
		"blocking": func(r *http.Request) *http.Response {
			r = r.Clone(t.Context())
			r.URL.Scheme, r.URL.Host, r.RequestURI = "http", ln.Addr().String(), ""
			answer, err := client.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			return answer
		},
	}
	return b
}

// each runs test once for each way into the server.
func (b *bindServer) each(t *testing.T, test func(t *testing.T, ask func(*http.Request) *http.Response)) {
	for _, way := range []string{"bridge", "blocking"} {
		t.Run(way, func(t *testing.T) { test(t, b.ask[way]) })
	}
}

func read(t testing.TB, r *http.Response) string {
	t.Helper()
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// problem is what a test looks at in a problem document.
type problem struct {
	Status int          `json:"status"`
	Detail string       `json:"detail"`
	Errors []FieldError `json:"errors"`
}

func readProblem(t testing.TB, r *http.Response) (p problem) {
	t.Helper()
	body := read(t, r)
	if err := json.Unmarshal([]byte(body), &p); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	return p
}

type orderBase struct {
	Tenant string `header:"X-Tenant" bind:"optional"`
	Note   string `json:"note"`
}

type order struct {
	orderBase
	ID      int64         `path:"id"`
	Page    int           `query:"page" default:"1"`
	Tags    []string      `query:"tag"`
	Wait    time.Duration `query:"wait" bind:"optional"`
	Session *string       `cookie:"sid"`
	Title   string        `json:"title" bind:"required"`
	Count   int8          `json:"count" default:"7"`
	Price   *float64      `json:"price,omitempty" bind:"required"`
	Admin   bool          // no tag: nothing fills it
}

func TestBindFillsEachFieldFromItsOnlySource(t *testing.T) {
	var got order
	s := newBindServer(t, Config{}, func(s *Server) {
		s.Post("/orders/{id}", func(c *Context) (err error) {
			got, err = Bind[order](c)
			return err
		}, Binds[order]())
	})
	sid := "abc"
	price := 1.5
	tests := []struct {
		name   string
		target string
		header string // name: value, and so on
		body   string
		want   order
	}{
		{"everything", "/orders/7?page=3&tag=a&tag=b&wait=1m", "X-Tenant: acme; Cookie: sid=abc",
			`{"title":"t","count":2,"price":1.5,"note":"n"}`,
			order{orderBase: orderBase{Tenant: "acme", Note: "n"}, ID: 7, Page: 3, Tags: []string{"a", "b"}, Wait: time.Minute,
				Session: &sid, Title: "t", Count: 2, Price: &price}},
		{"defaults where nothing is", "/orders/7", "", `{"title":"","price":null}`, order{ID: 7, Page: 1, Count: 7}},
		{"an empty number is absent", "/orders/7?page=", "", `{"title":"","price":null}`, order{ID: 7, Page: 1, Count: 7}},
		{"zero is a value", "/orders/0?page=0", "", `{"title":"","price":null,"count":0}`, order{}},
		{"JSON reaches no other field, whatever its name and type", "/orders/7", "",
			`{"title":"","price":null,"ID":"x","id":99,"Page":9,"Admin":true,"tenant":"x","Session":"x","F0":1,"unknown":[]}`,
			order{ID: 7, Page: 1, Count: 7}},
		{"a query reaches no JSON field", "/orders/7?title=x&note=x&Admin=1", "", `{"title":"t","price":null}`,
			order{ID: 7, Page: 1, Title: "t", Count: 7}},
	}
	s.each(t, func(t *testing.T, ask func(*http.Request) *http.Response) {
		for _, tt := range tests {
			r := httptest.NewRequest("POST", tt.target, strings.NewReader(tt.body))
			r.Header.Set("Content-Type", "application/json; charset=utf-8")
			for h := range strings.SplitSeq(tt.header, "; ") {
				if name, value, ok := strings.Cut(h, ": "); ok {
					r.Header.Set(name, value)
				}
			}
			got = order{}
			answer := ask(r)
			if body := read(t, answer); answer.StatusCode != 200 {
				t.Errorf("%s: %d %s", tt.name, answer.StatusCode, body)
			}
			if !reflect.DeepEqual(got, tt.want) {
				t.Errorf("%s:\n got %+v\nwant %+v", tt.name, got, tt.want)
			}
		}
	})
}

// Absent is not zero: a field that must be there may be 0, false or empty.
func TestRequiredIsAboutAbsenceAndNotAboutZero(t *testing.T) {
	type zeros struct {
		N    int      `json:"n" bind:"required"`
		F    float64  `json:"f" bind:"required"`
		B    bool     `json:"b" bind:"required"`
		S    string   `json:"s" bind:"required"`
		L    []string `json:"l" bind:"required"`
		Q    int      `query:"q"`
		Yes  bool     `query:"yes"`
		Text string   `query:"text"`
	}
	got := zeros{N: 1}
	s := newBindServer(t, Config{}, func(s *Server) {
		s.Post("/", func(c *Context) (err error) {
			got, err = Bind[zeros](c)
			return err
		}, Binds[zeros]())
	})
	s.each(t, func(t *testing.T, ask func(*http.Request) *http.Response) {
		post := func(target, body string) *http.Response {
			r := httptest.NewRequest("POST", target, strings.NewReader(body))
			r.Header.Set("Content-Type", "application/json")
			return ask(r)
		}
		answer := post("/?q=0&yes=false&text=", `{"n":0,"f":0.0,"b":false,"s":"","l":[]}`)
		if body := read(t, answer); answer.StatusCode != 200 || !reflect.DeepEqual(got, zeros{L: []string{}}) {
			t.Errorf("got %d %s, %+v for values that are all there", answer.StatusCode, body, got)
		}
		p := readProblem(t, post("/", `{}`))
		var missing []string
		for _, e := range p.Errors {
			if e.Detail == "is missing" {
				missing = append(missing, e.Name+e.Pointer)
			}
		}
		want := []string{"/n", "/f", "/b", "/s", "/l", "query q", "query yes", "query text"}
		if p.Status != 400 || !reflect.DeepEqual(missing, want) {
			t.Errorf("got %d %q missing, want 400 %q", p.Status, missing, want)
		}
	})
}

func TestBindTellsEverythingThatIsWrongAtOnce(t *testing.T) {
	s := newBindServer(t, Config{}, func(s *Server) {
		s.Post("/orders/{id}", func(c *Context) error {
			_, err := Bind[order](c)
			if err != nil {
				if _, ok := errors.AsType[FieldErrors](err); !ok {
					t.Errorf("the cause is %v, want FieldErrors", err)
				}
			}
			return err
		})
	})
	tests := []struct {
		name   string
		target string
		body   string
		want   []FieldError
	}{
		{"all sources", "/orders/x?page=y&wait=z", `{"title":5,"count":300}`, []FieldError{
			{Pointer: "/title", Detail: "must be a text, at byte 10"},
			{Pointer: "/price", Detail: "is missing"},
			{Name: "path id", Detail: "must be a whole number"},
			{Name: "query page", Detail: "must be a whole number"},
			{Name: "query wait", Detail: `must be a duration like "1m30s"`},
		}},
		{"out of range", "/orders/99999999999999999999", `{"title":"","price":1,"count":300}`, []FieldError{
			{Pointer: "/count", Detail: "is out of range, at byte 33"},
			{Name: "path id", Detail: "is out of range"},
		}},
		{"null is absent where it cannot be held", "/orders/1", `{"title":null,"price":null}`, []FieldError{
			{Pointer: "/title", Detail: "is missing"}}},
		{"empty body", "/orders/x", ``, []FieldError{
			{Name: "body", Detail: "is empty"},
			{Name: "path id", Detail: "must be a whole number"},
		}},
		{"malformed", "/orders/1", `{"title":}`, []FieldError{{Name: "body", Detail: "is malformed JSON at byte 10"}}},
		{"cut off", "/orders/1", `{"title":"`, []FieldError{{Name: "body", Detail: "is malformed JSON at byte 10"}}},
		{"two values", "/orders/1", `{} {}`, []FieldError{{Name: "body", Detail: "is malformed JSON at byte 4"}}},
		{"null", "/orders/1", ` null`, []FieldError{{Name: "body", Detail: "must be a JSON object"}}},
		{"list", "/orders/1", `[]`, []FieldError{{Name: "body", Detail: "must be a JSON object"}}},
	}
	s.each(t, func(t *testing.T, ask func(*http.Request) *http.Response) {
		for _, tt := range tests {
			r := httptest.NewRequest("POST", tt.target, strings.NewReader(tt.body))
			r.Header.Set("Content-Type", "application/json")
			p := readProblem(t, ask(r))
			if p.Status != 400 || !reflect.DeepEqual(p.Errors, tt.want) {
				t.Errorf("%s: %d\n got %+v\nwant %+v", tt.name, p.Status, p.Errors, tt.want)
			}
		}
	})
}

func TestBindTakesJSONOnlyFromJSON(t *testing.T) {
	type plain struct {
		Title string
		Inner struct{ N int }
	}
	var got plain
	s := newBindServer(t, Config{Limits: Limits{Body: 100}}, func(s *Server) {
		s.Post("/", func(c *Context) (err error) {
			got, err = Bind[plain](c)
			return err
		})
		s.Post("/list", func(c *Context) error {
			list, err := Bind[[]int](c)
			if err == nil && len(list) != 2 {
				t.Errorf("a list is %v, want two values", list)
			}
			return err
		})
	})
	tests := []struct {
		path        string
		contentType string
		body        string
		status      int
		title       string // of what is bound
	}{
		{"/", "application/json", `{"title":"a"}`, 200, "a"},
		{"/", "Application/JSON; charset=utf-8", `{"Title":"a"}`, 200, "a"},
		{"/", "application/merge-patch+json", `{"Title":"a"}`, 200, "a"},
		{"/", "application/json", `{}`, 200, ""},
		{"/", "application/json", `null`, 400, ""},
		{"/", "application/json", `{"Inner":{"N":"x"}}`, 400, ""},
		{"/", "", `{}`, 415, ""},
		{"/", "text/plain", `{}`, 415, ""},
		{"/", "text/x+json", `{}`, 415, ""},
		{"/", "application/jsonp", `{}`, 415, ""},
		{"/", "application/x-www-form-urlencoded", `Title=a`, 415, ""},
		{"/", "application/json", `{"Title":"` + strings.Repeat("x", 100) + `"}`, 413, ""},
		{"/list", "application/json", `[1,2]`, 200, ""},
		{"/list", "application/json", `{}`, 400, ""},
	}
	s.each(t, func(t *testing.T, ask func(*http.Request) *http.Response) {
		for _, tt := range tests {
			r := httptest.NewRequest("POST", tt.path, strings.NewReader(tt.body))
			if tt.contentType != "" {
				r.Header.Set("Content-Type", tt.contentType)
			}
			got = plain{}
			answer := ask(r)
			body := read(t, answer)
			if answer.StatusCode != tt.status || got.Title != tt.title {
				t.Errorf("%s %s: %d %q, want %d %q: %s", tt.contentType, tt.body, answer.StatusCode, got.Title, tt.status, tt.title, body)
			}
			if strings.Contains(body, "plain") || strings.Contains(body, "int ") {
				t.Errorf("%s: the client is told a Go type: %s", tt.body, body)
			}
		}
	})
}

type signup struct {
	Name string    `form:"name"`
	Age  *uint8    `form:"age"`
	News bool      `form:"news" bind:"optional"`
	Tags []string  `form:"tag"`
	File *FormFile `form:"file"`
}

func TestBindFillsFormFieldsFromBothKindsOfForm(t *testing.T) {
	var got signup
	var content string
	s := newBindServer(t, Config{}, func(s *Server) {
		s.Post("/", func(c *Context) (err error) {
			got, err = Bind[signup](c)
			if got.File != nil {
				text, _ := io.ReadAll(got.File.Open())
				content = string(text)
			}
			return err
		})
	})
	age := uint8(30)
	s.each(t, func(t *testing.T, ask func(*http.Request) *http.Response) {
		r := httptest.NewRequest("POST", "/?name=query&age=1", strings.NewReader(url.Values{
			"name": {"Ada"}, "age": {"30"}, "news": {"on"}, "tag": {"a", "b"}}.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		want := signup{Name: "Ada", Age: &age, News: true, Tags: []string{"a", "b"}}
		if body := read(t, ask(r)); !reflect.DeepEqual(got, want) {
			t.Errorf("urlencoded: got %+v, want %+v: %s", got, want, body)
		}
		r = multipartRequest("/?name=query", "name", "Ada", "age", "", "file", "@a.txt:hello")
		body := read(t, ask(r))
		if got.Name != "Ada" || got.Age != nil || got.News || got.File == nil || content != "hello" {
			t.Errorf("multipart: got %+v with %q: %s", got, content, body)
		}
		r = multipartRequest("/?name=query", "age", "300")
		p := readProblem(t, ask(r))
		want2 := []FieldError{{Name: "form name", Detail: "is missing"}, {Name: "form age", Detail: "is out of range"}}
		if p.Status != 400 || !reflect.DeepEqual(p.Errors, want2) {
			t.Errorf("got %d %+v, want 400 %+v", p.Status, p.Errors, want2)
		}
	})
}

type checked struct {
	How string `query:"how"`
}

func (in checked) Validate() error {
	var errs FieldErrors
	switch in.How {
	case "bad":
		errs.Add("/title", "must not be %s", "empty")
		errs.Add("query how", "is bad")
	case "typed nil":
		return errs
	case "many":
		for range 1000 {
			errs.Add("/x", "is one of many")
		}
	case "wrapped":
		errs.Add("/x", "is wrapped")
		return errors.Join(errors.New("other"), errs)
	case "plain":
		return errors.New("these do not go together")
	case "teapot":
		return Errorf(http.StatusTeapot, "tea")
	}
	return errs.Err()
}

type checkedWithContext struct {
	How string `query:"how"`
}

func (in *checkedWithContext) Validate(ctx context.Context) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if in.How == "plain" {
		return errors.New("db: password wrong")
	}
	return checked{in.How}.Validate()
}

func TestWhatValidateReturnsIsAnswered(t *testing.T) {
	s := newBindServer(t, Config{}, func(s *Server) {
		s.Get("/pure", func(c *Context) error {
			_, err := Bind[checked](c)
			return err
		})
		s.Get("/ctx", func(c *Context) error {
			in, err := Bind[checkedWithContext](c)
			if in.How != c.Query("how") {
				t.Errorf("with the error comes %+v, want what was bound", in)
			}
			return err
		})
	})
	tests := []struct {
		target string
		status int
		errors int    // how many the document lists
		detail string // or its beginning
	}{
		{"/pure?how=good", 200, 0, ""},
		{"/pure?how=typed+nil", 200, 0, ""},
		{"/pure?how=bad", 422, 2, "/title must not be empty; query how is bad"},
		{"/pure?how=many", 422, 100, "/x is one of many"},
		{"/pure?how=wrapped", 422, 1, "/x is wrapped"},
		{"/pure?how=plain", 422, 0, "these do not go together"},
		{"/pure?how=teapot", 418, 0, "tea"},
		{"/ctx?how=good", 200, 0, ""},
		{"/ctx?how=bad", 422, 2, "/title must not be empty"},
		{"/ctx?how=plain", 500, 0, ""},
	}
	s.each(t, func(t *testing.T, ask func(*http.Request) *http.Response) {
		for _, tt := range tests {
			answer := ask(httptest.NewRequest("GET", tt.target, nil))
			if tt.status == 200 {
				if body := read(t, answer); answer.StatusCode != 200 {
					t.Errorf("%s: %d %s, want 200", tt.target, answer.StatusCode, body)
				}
				continue
			}
			p := readProblem(t, answer)
			if p.Status != tt.status || len(p.Errors) != tt.errors || !strings.HasPrefix(p.Detail, tt.detail) {
				t.Errorf("%s: got %d %q and %d errors, want %d %q and %d", tt.target,
					p.Status, p.Detail, len(p.Errors), tt.status, tt.detail, tt.errors)
			}
		}
	})
}

type selfEmbedding struct {
	//lint:ignore U1000 only reflection sees it
	*selfEmbedding
	N int
}

func TestATypeThatCannotBeBoundIsNamedWithItsField(t *testing.T) {
	tests := []struct {
		name string
		plan *plan
		want []string // in the error; none: it can be bound
	}{
		{"two sources", planOf(reflect.TypeFor[struct {
			A int `query:"a" path:"a"`
			B int `json:"b" form:"b"`
		}]()), []string{"field A", "path and query", "field B", "form and json"}},
		{"json left out by dash", planOf(reflect.TypeFor[struct {
			A int `query:"a" json:"-"`
		}]()), nil},
		{"types without text", planOf(reflect.TypeFor[struct {
			A map[string]int `query:"a"`
			B []byte         `form:"b"`
			C []string       `header:"c"`
			D **int          `query:"d"`
			E *FormFile      `query:"e"`
		}]()), []string{"field A", "map[string]int", "field B", "field C", "field D", "field E"}},
		{"defaults", planOf(reflect.TypeFor[struct {
			A int   `query:"a" default:"x"`
			B int   `query:"b" default:""`
			C []int `query:"c" default:"1"`
			D int   `query:"d" default:"1" bind:"required"`
			E int   `default:"1"`
			F int8  `json:"f" default:"300"`
		}]()), []string{"field A", "whole number", "field B", "field C", "field D", "field E", "field F", "out of range"}},
		{"modifiers", planOf(reflect.TypeFor[struct {
			A int `query:"a" bind:"requird"`
			B int `bind:"required"`
		}]()), []string{"field A", "requird", "field B"}},
		{"names", planOf(reflect.TypeFor[struct {
			A int `query:"a,required"`
			B int `query:""`
			c int `query:"c"`
		}]()), []string{"field A", "field B", "field c", "not exported"}},
		{"a json name twice", planOf(reflect.StructOf([]reflect.StructField{ // go vet would find it in a struct
			{Name: "D", Type: reflect.TypeFor[int](), Tag: `json:"x" bind:"required"`},
			{Name: "E", Type: reflect.TypeFor[int](), Tag: `json:"x"`},
		})), []string{"field E", "taken"}},
		{"json and form", planOf(reflect.TypeFor[struct {
			A int `json:"a"`
			B int `form:"b"`
		}]()), []string{"json fields and form fields"}},
		{"embedded pointer", planOf(reflect.TypeFor[struct {
			*orderBase
		}]()), []string{"field orderBase", "not a pointer"}},
		{"pointer", planOf(reflect.TypeFor[*order]()), []string{"*hyperlane.order"}},
		{"recursive JSON", planOf(reflect.TypeFor[selfEmbedding]()), nil},
	}
	for _, tt := range tests {
		if tt.want == nil && tt.plan.err != nil {
			t.Errorf("%s: %v", tt.name, tt.plan.err)
		}
		for _, want := range tt.want {
			if tt.plan.err == nil || !strings.Contains(tt.plan.err.Error(), want) {
				t.Errorf("%s: %q is missing in: %v", tt.name, want, tt.plan.err)
			}
		}
	}
}

func TestABindMistakeIsA500AndInTheLogOrFoundAtRegistration(t *testing.T) {
	type wrong struct {
		A map[string]int `query:"a"`
	}
	s := newBindServer(t, Config{}, func(s *Server) {
		s.Get("/", func(c *Context) error { _, err := Bind[wrong](c); return err })
		s.Get("/param", func(c *Context) error {
			_, err := Bind[struct { // the pattern has none
				ID int `path:"id"`
			}](c)
			return err
		})
	})
	for target, want := range map[string]string{"/": "field A", "/param": "/param has no param"} {
		answer := s.ask["bridge"](httptest.NewRequest("GET", target, nil))
		if body := read(t, answer); answer.StatusCode != 500 || strings.Contains(body, "wrong") {
			t.Errorf("%s: %d %s, want a 500 that says nothing", target, answer.StatusCode, body)
		}
		if !strings.Contains(s.log.String(), want) {
			t.Errorf("the log lacks %q: %s", want, s.log.String())
		}
	}
	other := New(Config{})
	handler := func(*Context) error { return nil }
	other.Get("/a", handler, Binds[wrong]())
	other.Get("/b/{idx}", handler, Binds[order]())
	other.Get("/c/{idx}/{id:int}", handler, Binds[order]())
	err := other.Validate()
	for _, want := range []string{"field A", "bind_test.go:", `/b/{idx} has no param "id"`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing in: %v", want, err)
		}
	}
	if err != nil && strings.Contains(err.Error(), "/c/") {
		t.Errorf("/c has the param: %v", err)
	}
}
