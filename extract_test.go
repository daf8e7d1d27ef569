package hyperlane

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"
)

// requestTo returns the Context of a request without a server around it.
func requestTo(t testing.TB, r *http.Request, s *Server) *Context {
	t.Helper()
	c := contexts.New().(*Context)
	c.server = s
	c.route = &registration{}
	c.bridge(&stdWire{r: r, w: httptest.NewRecorder()})
	return c
}

type level int8
type label string

// extraction is Query or one of its kin for one type, as text.
func extraction[T any](get func(c *Context, name string) (T, error)) func(c *Context) string {
	return func(c *Context) string {
		v, err := get(c, "v")
		if err != nil {
			return "error: " + err.Error()
		}
		if p := reflect.ValueOf(v); p.Kind() == reflect.Pointer && !p.IsNil() {
			return fmt.Sprintf("&%v", p.Elem())
		}
		return fmt.Sprintf("%#v", v)
	}
}

func TestAQueryParameterBecomesWhatWasAskedForOrTellsWhyNot(t *testing.T) {
	const missing = "error: 400 Bad Request: query v is missing"
	const notWhole = "error: 400 Bad Request: query v must be a whole number"
	const outOfRange = "error: 400 Bad Request: query v is out of range"
	type get = func(c *Context) string
	tests := []struct {
		name  string
		get   get
		query string
		want  string
	}{
		{"string", extraction(Query[string]), "v=a%20b", `"a b"`},
		{"empty string", extraction(Query[string]), "v=", `""`},
		{"string without =", extraction(Query[string]), "v", `""`},
		{"absent string", extraction(Query[string]), "w=a", missing},
		{"int", extraction(Query[int]), "v=-12", "-12"},
		{"escaped int", extraction(Query[int]), "%76=%31%32", "12"},
		{"a plus is a space in a name, too", extraction(Query[*int]), "+v=1&v+=2", "(*int)(nil)"},
		{"first of several", extraction(Query[int]), "v=1&v=2", "1"},
		{"absent int", extraction(Query[int]), "", missing},
		{"empty int", extraction(Query[int]), "v=", missing},
		{"no int", extraction(Query[int]), "v=1.5", notWhole},
		{"int64 out of range", extraction(Query[int64]), "v=9223372036854775808", outOfRange},
		{"int8", extraction(Query[int8]), "v=-128", "-128"},
		{"int8 out of range", extraction(Query[int8]), "v=128", outOfRange},
		{"uint16", extraction(Query[uint16]), "v=65535", "0xffff"},
		{"negative uint", extraction(Query[uint64]), "v=-1", notWhole + " from 0"},
		{"float32", extraction(Query[float32]), "v=1.5", "1.5"},
		{"NaN", extraction(Query[float64]), "v=NaN", "error: 400 Bad Request: query v must be a number"},
		{"Inf", extraction(Query[float64]), "v=-Inf", "error: 400 Bad Request: query v must be a number"},
		{"float out of range", extraction(Query[float64]), "v=1e999", outOfRange},
		{"bool", extraction(Query[bool]), "v=true", "true"},
		{"checkbox", extraction(Query[bool]), "v=on", "true"},
		{"no bool", extraction(Query[bool]), "v=yes", "error: 400 Bad Request: query v must be true or false"},
		{"duration", extraction(Query[time.Duration]), "v=1m30s", "90000000000"},
		{"time", extraction(Query[*time.Time]), "v=2024-02-29T12:00:00Z", "&2024-02-29 12:00:00 +0000 UTC"},
		{"no time", extraction(Query[time.Time]), "v=yesterday", "error: 400 Bad Request: query v must be a time like 2006-01-02T15:04:05Z"},
		{"text unmarshaler", extraction(Query[*netip.Addr]), "v=10.0.0.1", "&10.0.0.1"},
		{"text unmarshaler refuses", extraction(Query[netip.Addr]), "v=secret", "error: 400 Bad Request: query v is not valid"},
		{"empty text is no address", extraction(Query[netip.Addr]), "v=", missing},
		{"named int", extraction(Query[level]), "v=3", "3"},
		{"named int out of range", extraction(Query[level]), "v=300", outOfRange},
		{"named string", extraction(Query[label]), "v=", `""`},
		{"pointer", extraction(Query[*int]), "v=0", "&0"},
		{"nil pointer", extraction(Query[*int]), "", "(*int)(nil)"},
		{"nil pointer for an empty number", extraction(Query[*int]), "v=", "(*int)(nil)"},
		{"pointer to no int", extraction(Query[*int]), "v=x", notWhole},
		{"slice", extraction(Query[[]int]), "v=1&w=5&v=&v=2", "[]int{1, 2}"},
		{"slice of strings", extraction(Query[[]string]), "v=a+b&v=&v", `[]string{"a b", "", ""}`},
		{"absent slice", extraction(Query[[]string]), "", "[]string(nil)"},
		{"slice with a mistake", extraction(Query[[]int]), "v=1&v=x", notWhole},
		{"slice of pointers", extraction(Query[[]*int]), "v=1", "error: hyperlane: query v: no []*int can be made of it"},
		{"map", extraction(Query[map[string]int]), "v=1", "error: hyperlane: query v: no map[string]int can be made of it"},
		{"default", extraction(func(c *Context, name string) (int, error) { return QueryOr(c, name, 7) }), "", "7"},
		{"default for an empty number", extraction(func(c *Context, name string) (int, error) { return QueryOr(c, name, 7) }), "v=", "7"},
		{"no default for an empty string", extraction(func(c *Context, name string) (string, error) { return QueryOr(c, name, "x") }), "v=", `""`},
		{"no default for zero", extraction(func(c *Context, name string) (int, error) { return QueryOr(c, name, 7) }), "v=0", "0"},
		{"no default for a mistake", extraction(func(c *Context, name string) (int, error) { return QueryOr(c, name, 7) }), "v=x", notWhole},
	}
	for _, tt := range tests {
		c := requestTo(t, httptest.NewRequest("GET", "/?"+tt.query, nil), New(Config{}))
		if got := tt.get(c); got != tt.want {
			t.Errorf("%s: %q\n got %s\nwant %s", tt.name, tt.query, got, tt.want)
		}
	}
}

func TestEverySourceHasItsExtractor(t *testing.T) {
	var got []string
	s := newBindServer(t, Config{}, func(s *Server) {
		s.Post("/p/{v}", func(c *Context) error {
			got = []string{extraction(Param[int])(c), extraction(Query[int])(c), extraction(Field[int])(c), extraction(Cookie[int])(c), extraction(Form[int])(c),
				extraction(Form[[]int])(c), extraction(Form[string])(c), extraction(Field[[]string])(c), extraction(Field[string])(c)}
			_, err := Param[int](c, "w")
			if err == nil || !strings.Contains(err.Error(), `/p/{v} has no param "w"`) {
				t.Errorf("a param that the pattern lacks: %v", err)
			}
			detached := extraction(Param[string])(c.Detach())
			return c.Text(detached)
		})
	})
	s.each(t, func(t *testing.T, ask func(*http.Request) *http.Response) {
		for _, tt := range []struct {
			param, form string
			want        []string
			detached    string
		}{
			{"1", "v=4&v=5", []string{"1", "2", "3", "6", "4", "[]int{4, 5}", `"4"`,
				"error: hyperlane: header v: no []string can be made of it", `"3"`}, `"1"`},
			{"%61%2Fb", "v=", []string{"error: 400 Bad Request: path v must be a whole number", "2", "3", "6",
				"error: 400 Bad Request: form v is missing", "[]int(nil)", `""`,
				"error: hyperlane: header v: no []string can be made of it", `"3"`}, `"a/b"`},
		} {
			r := httptest.NewRequest("POST", "/p/"+tt.param+"?v=2", strings.NewReader(tt.form))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.Header.Set("V", "3")
			r.Header.Set("Cookie", "u=5; v=6")
			if body := read(t, ask(r)); body != tt.detached {
				t.Errorf("detached: got %s, want %s", body, tt.detached)
			}
			if !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
		}
	})
}

func TestCommonTypesAreReadWithoutAllocations(t *testing.T) {
	if findMisuse {
		t.Skip("the race detector allocates")
	}
	c := requestTo(t, httptest.NewRequest("GET", "/?other=key&n=12&b=true&s=text", nil), New(Config{}))
	tests := []struct {
		name string
		get  func() error
		most float64
	}{
		{"int", func() error { _, err := Query[int](c, "n"); return err }, 0},
		{"bool", func() error { _, err := Query[bool](c, "b"); return err }, 0},
		{"string", func() error { _, err := Query[string](c, "s"); return err }, 1},
		{"default", func() error { _, err := QueryOr(c, "absent", 1); return err }, 0},
	}
	for _, tt := range tests {
		got := testing.AllocsPerRun(100, func() {
			if err := tt.get(); err != nil {
				t.Error(err)
			}
		})
		if got > tt.most {
			t.Errorf("%s: %v allocations, want %v", tt.name, got, tt.most)
		}
	}
}

func TestAQueryIsLookedAtForAThousandParametersOnly(t *testing.T) {
	c := requestTo(t, httptest.NewRequest("GET", "/?"+strings.Repeat("a=1&", maxQueryParams)+"b=2", nil), New(Config{}))
	if list, err := Query[[]int](c, "a"); len(list) != maxQueryParams || err != nil {
		t.Errorf("%d values, %v", len(list), err)
	}
	if v, err := Query[*int](c, "b"); v != nil || err != nil {
		t.Errorf("%v, %v", v, err)
	}
}

// FuzzQuery holds that a query means what net/url says it means, where net/url takes it and it has names for all values. It holds for
// an urlencoded form as well, which is refused where net/url refuses it, but for semicolons.
func FuzzQuery(f *testing.F) {
	s := New(Config{})
	f.Add("a=1&b=2&a=%20+", "a")
	f.Add("=x&&a&a=", "a")
	f.Add("%61+b=%zz;c=1", "a b")
	f.Add("a=1;b=2", "b")
	f.Add("0&+&", "+")
	f.Fuzz(func(t *testing.T, query, name string) {
		r := httptest.NewRequest("GET", "/", nil)
		r.URL.RawQuery = query
		c := requestTo(t, r, s)
		first, err := Query[*string](c, name)
		list, listErr := Query[[]string](c, name)
		if err != nil || listErr != nil {
			t.Fatal(err, listErr)
		}
		if (first == nil) != (len(list) == 0) || first != nil && *first != list[0] {
			t.Errorf("first %v of %q", first, list)
		}
		all := c.Request.QueryValues()
		if got := c.Request.Query(name); first != nil && got != *first || first == nil && got != "" {
			t.Errorf("Query %q, Query[*string] %v", got, first)
		}
		if !reflect.DeepEqual(append([]string{}, all[name]...), append([]string{}, list...)) {
			t.Errorf("%q, %q", all[name], list)
		}
		if n, err := Query[int](c, name); err == nil {
			if want, err := strconv.Atoi(list[0]); err != nil || n != want {
				t.Errorf("%q is %d", list[0], n)
			}
		}

		want, stdErr := url.ParseQuery(query)
		if strings.Count(query, "&") < maxQueryParams {
			form := httptest.NewRequest("POST", "/", strings.NewReader(query))
			form.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			values, err := requestTo(t, form, s).Request.Form()
			if stdErr == nil && err != nil || err == nil && stdErr == nil && !reflect.DeepEqual(values, want) {
				t.Errorf("form %q: %v, %v; net/url has %v", query, values, err, want)
			}
			if stdErr != nil && err == nil && !strings.Contains(query, ";") {
				t.Errorf("form %q: %v; net/url has %v", query, values, stdErr)
			}
		}
		if stdErr != nil || strings.Count(query, "&") >= maxQueryParams {
			return
		}
		if delete(want, ""); !reflect.DeepEqual(all, want) {
			t.Errorf("%q: %v, net/url has %v", query, all, want)
		}
	})
}
