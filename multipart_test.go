package hyperlane

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

// multipartRequest returns a form of pairs: a name, and a value or "@filename:content".
func multipartRequest(target string, pairs ...string) *http.Request {
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for i := 0; i < len(pairs); i += 2 {
		if file, ok := strings.CutPrefix(pairs[i+1], "@"); ok {
			filename, content, _ := strings.Cut(file, ":")
			part, _ := w.CreateFormFile(pairs[i], filename)
			io.WriteString(part, content)
			continue
		}
		w.WriteField(pairs[i], pairs[i+1])
	}
	w.Close()
	r := httptest.NewRequest("POST", target, &body)
	r.Header.Set("Content-Type", w.FormDataContentType())
	return r
}

// temporary has temporary files made in a directory of their own, and returns a function that counts those that are there or, with
// no name, still open.
func temporary(t testing.TB) (left func() int) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	t.Setenv("TMP", dir)
	return func() int {
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		n := len(entries)
		open, _ := os.ReadDir("/proc/self/fd") // where there is one
		for _, e := range open {
			if to, _ := os.Readlink("/proc/self/fd/" + e.Name()); strings.HasPrefix(to, dir+"/hyperlane") {
				n++
			}
		}
		return n
	}
}

// wantNothingLeft waits for the end of the request, which may come after its answer.
func wantNothingLeft(t testing.TB, left func() int) {
	t.Helper()
	for end := time.Now().Add(5 * time.Second); left() > 0; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d temporary files are left", left())
		}
	}
}

func TestLargeFilesLieOnDiskUntilTheRequestEnds(t *testing.T) {
	left := temporary(t)
	root, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	big := strings.Repeat("0123456789", 1000)
	var ends = map[string]func(c *Context) error{
		"returns": func(c *Context) error { return nil },
		"fails":   func(c *Context) error { return errors.New("failed") },
		"panics":  func(c *Context) error { panic("boom") },
		"hijacks": func(c *Context) error {
			conn, err := c.Hijack()
			if err != nil {
				return err
			}
			io.WriteString(conn, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
			return conn.Close()
		},
		"sends the file": func(c *Context) error {
			f, _ := c.Request.File("big")
			c.Response.SetBodyReader(f.Open(), f.Size)
			return nil
		},
	}
	handler := func(c *Context) error {
		small, err := c.Request.File("small")
		if err != nil {
			return err
		}
		bigs, err := c.Request.Files("big")
		if err != nil {
			return err
		}
		if small.disk != nil || len(bigs) != 2 || bigs[0].disk == nil || bigs[0].disk != bigs[1].disk {
			t.Errorf("small %+v, big %+v: want memory, and one file on disk for both", small, bigs)
		}
		if left() == 0 {
			t.Error("nothing is on disk")
		}
		for i, f := range bigs {
			got, err := io.ReadAll(f.Open())
			if err != nil || string(got) != fmt.Sprint(i)+big || f.Size != int64(len(got)) || f.Filename != "b.txt" {
				t.Errorf("big %d: %d bytes of %d, %v, %+v", i, len(got), len(big)+1, err, f)
			}
		}
		if v, err := Form[string](c, "after"); v != "x" || err != nil {
			t.Errorf("a value behind files: %q, %v", v, err)
		}
		if err := bigs[1].Save(root, "saved"); err != nil {
			t.Error(err)
		}
		if err := bigs[1].Save(root, "saved"); !errors.Is(err, fs.ErrExist) {
			t.Errorf("a file was replaced: %v", err)
		}
		if err := bigs[1].Save(root, "../out"); err == nil {
			t.Error("a name leads out of the root")
		}
		saved, err := root.ReadFile("saved")
		if err != nil || string(saved) != "1"+big {
			t.Errorf("saved %d bytes, %v", len(saved), err)
		}
		root.Remove("saved")
		return ends[c.Query("end")](c)
	}
	s := newBindServer(t, Config{Limits: Limits{MultipartMemory: 8 << 10}}, func(s *Server) {
		s.Post("/", handler)
		timed := s.Group("/timed")
		timed.Use(Timeout(time.Minute))
		timed.Post("/", handler)
		std := s.Group("/std")
		std.Use(FromHTTPMiddleware(func(h http.Handler) http.Handler { return h }))
		std.Post("/", handler)
	})
	s.each(t, func(t *testing.T, ask func(*http.Request) *http.Response) {
		for _, path := range []string{"/", "/timed", "/std"} {
			for end := range ends {
				if end == "hijacks" && strings.HasPrefix(t.Name()[strings.LastIndex(t.Name(), "/")+1:], "bridge") {
					continue // a recorder cannot
				}
				r := multipartRequest(path+"?end="+strings.ReplaceAll(end, " ", "+"),
					"small", "@s.txt:tiny", "big", "@b.txt:0"+big, "big", "@..\\dir\\b.txt:1"+big, "after", "x")
				answer := ask(r)
				if body := read(t, answer); end == "sends the file" && body != "0"+big {
					t.Errorf("%s %s: %d, %d bytes", path, end, answer.StatusCode, len(body))
				}
				wantNothingLeft(t, left)
			}
		}
	})
}

func TestAHandlerThatComesTooLateLeavesNoFile(t *testing.T) {
	left := temporary(t)
	release := make(chan bool)
	s := newBindServer(t, Config{Limits: Limits{MultipartMemory: 1 << 10}}, func(s *Server) {
		s.Use(Timeout(10 * time.Millisecond))
		s.Post("/", func(c *Context) error {
			_, err := c.Request.Form()
			<-release
			return err
		})
	})
	s.each(t, func(t *testing.T, ask func(*http.Request) *http.Response) {
		answer := ask(multipartRequest("/", "f", "@x:"+strings.Repeat("x", 10<<10)))
		if read(t, answer); answer.StatusCode != 503 {
			t.Errorf("%d, want 503", answer.StatusCode)
		}
		release <- true
		wantNothingLeft(t, left)
	})
}

func TestFormsStayWithinTheirLimits(t *testing.T) {
	left := temporary(t)
	limits := Limits{Body: 40 << 10, BufferedBody: 4 << 10, MultipartMemory: 4 << 10, MultipartDisk: 20 << 10, MultipartParts: 5}
	noDisk := limits
	noDisk.MultipartDisk = -1
	x := func(n int) string { return strings.Repeat("x", n) }
	plain := func(contentType, body string) *http.Request {
		r := httptest.NewRequest("POST", "/", strings.NewReader(body))
		r.Header.Set("Content-Type", contentType)
		return r
	}
	const urlencoded, mixed = "application/x-www-form-urlencoded", "multipart/form-data; boundary=b"
	part := func(head string) string { return "--b\r\n" + head + "\r\n\r\nv\r\n--b--\r\n" }
	tests := []struct {
		name   string
		limits Limits
		form   func() *http.Request
		status int
	}{
		{"fits", limits, func() *http.Request { return multipartRequest("/", "a", x(1<<10), "f", "@x:"+x(20<<10)) }, 200},
		{"files in memory leave room for values", limits, func() *http.Request {
			return multipartRequest("/", "f", "@x:"+x(1<<10), "f", "@x:"+x(1<<10), "f", "@x:"+x(1<<10), "a", x(512))
		}, 200},
		{"values over memory", limits, func() *http.Request { return multipartRequest("/", "a", x(2<<10), "b", x(2<<10)) }, 413},
		{"file over disk", limits, func() *http.Request { return multipartRequest("/", "f", "@x:"+x(20<<10+1)) }, 413},
		{"files over disk", limits, func() *http.Request { return multipartRequest("/", "f", "@x:"+x(11<<10), "f", "@x:"+x(11<<10)) }, 413},
		{"whole over body", limits, func() *http.Request { return multipartRequest("/", "f", "@x:"+x(41<<10)) }, 413},
		{"no disk, small file", noDisk, func() *http.Request { return multipartRequest("/", "f", "@x:"+x(3<<10)) }, 200},
		{"no disk, large file", noDisk, func() *http.Request { return multipartRequest("/", "f", "@x:"+x(5<<10)) }, 413},
		{"five parts", limits, func() *http.Request { return multipartRequest("/", "a", "", "a", "", "a", "", "a", "", "a", "") }, 200},
		{"six parts", limits, func() *http.Request {
			return multipartRequest("/", "a", "", "a", "", "a", "", "a", "", "a", "", "a", "")
		}, 413},
		{"five values", limits, func() *http.Request { return plain(urlencoded, "&a=1&&a=2&a&=&b=3&") }, 200},
		{"six values", limits, func() *http.Request { return plain(urlencoded, "a=1&a=2&a&=&b=3&c") }, 413},
		{"bad escape in a name", limits, func() *http.Request { return plain(urlencoded, "a%zz=1") }, 400},
		{"bad escape in a value", limits, func() *http.Request { return plain(urlencoded, "a=%") }, 400},
		{"empty", limits, func() *http.Request { return plain(urlencoded, "") }, 200},
		{"urlencoded over body", limits, func() *http.Request { return plain(urlencoded, "a="+x(41<<10)) }, 413},
		{"other type", limits, func() *http.Request { return plain("application/json", "{}") }, 415},
		{"no type", limits, func() *http.Request { r := plain("", "a=1"); r.Header.Del("Content-Type"); return r }, 415},
		{"bad type", limits, func() *http.Request { return plain("multipart/form-data; boundary", "") }, 415},
		{"no boundary", limits, func() *http.Request {
			return plain("multipart/form-data", part(`Content-Disposition: form-data; name="a"`))
		}, 400},
		{"long boundary", limits, func() *http.Request { return plain("multipart/form-data; boundary="+x(71), "") }, 400},
		{"no end", limits, func() *http.Request {
			return plain(mixed, "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nv")
		}, 400},
		{"no part", limits, func() *http.Request { return plain(mixed, "") }, 400},
		{"by hand", limits, func() *http.Request { return plain(mixed, part(`Content-Disposition: form-data; name="a"`)) }, 200},
		{"no name", limits, func() *http.Request { return plain(mixed, part(`Content-Disposition: form-data`)) }, 400},
		{"no disposition", limits, func() *http.Request { return plain(mixed, part(`X-Y: z`)) }, 400},
		{"other disposition", limits, func() *http.Request { return plain(mixed, part(`Content-Disposition: attachment; name="a"`)) }, 400},
		{"huge head of a part", limits, func() *http.Request {
			return plain(mixed, part("X-Y: "+x(17<<10)+"\r\n"+`Content-Disposition: form-data; name="a"`))
		}, 413},
	}
	for _, tt := range tests {
		var streamed int
		s := newBindServer(t, Config{Limits: tt.limits}, func(s *Server) {
			s.Post("/", func(c *Context) error {
				values, err := c.Request.Form()
				again, errAgain := c.Request.Form()
				if !reflect.DeepEqual(values, again) || err != errAgain {
					t.Errorf("%s: %v, %v, then %v, %v", tt.name, values, err, again, errAgain)
				}
				return err
			})
			s.Post("/stream", func(c *Context) error {
				for part, err := range c.Request.Multipart() {
					if err != nil {
						return err
					}
					if _, err := io.Copy(io.Discard, part); err != nil {
						return err
					}
					streamed++
				}
				return nil
			})
		})
		s.each(t, func(t *testing.T, ask func(*http.Request) *http.Response) {
			answer := ask(tt.form())
			if body := read(t, answer); answer.StatusCode != tt.status {
				t.Errorf("%s: %d, want %d: %s", tt.name, answer.StatusCode, tt.status, body)
			}
			wantNothingLeft(t, left)

			r := tt.form() // what is only streamed has no limits of memory and disk
			if !strings.HasPrefix(r.Header.Get("Content-Type"), "multipart") {
				return
			}
			r.URL.Path, r.RequestURI = "/stream", "/stream"
			want := tt.status
			if strings.Contains(tt.name, "disk") || strings.Contains(tt.name, "memory") {
				want = 200
			}
			answer = ask(r)
			if body := read(t, answer); answer.StatusCode != want {
				t.Errorf("%s, streamed: %d, want %d: %s", tt.name, answer.StatusCode, want, body)
			}
		})
	}
}

func TestPartsComeAsTheyWereSent(t *testing.T) {
	s := newBindServer(t, Config{}, func(s *Server) {
		s.Post("/", func(c *Context) error {
			var seen []string
			for part, err := range c.Request.Multipart() {
				if err != nil {
					return err
				}
				text, err := io.ReadAll(part)
				if err != nil {
					return err
				}
				seen = append(seen, fmt.Sprintf("%s,%s,%v,%s,%d", part.Name, part.Filename, part.IsFile, part.ContentType, len(text)))
			}
			if _, err := c.Request.Form(); err != errFormStreamed {
				t.Errorf("Form after Multipart: %v", err)
			}
			for _, err := range c.Request.Multipart() {
				if err != errFormKept {
					t.Errorf("Multipart after Multipart: %v", err)
				}
			}
			return c.Text(strings.Join(seen, " "))
		})
		s.Post("/break", func(c *Context) error {
			for range c.Request.Multipart() {
				break
			}
			return c.Text("ok")
		})
	})
	big := strings.Repeat("x", 200<<10)
	s.each(t, func(t *testing.T, ask func(*http.Request) *http.Response) {
		got := read(t, ask(multipartRequest("/", "b", "1", "f", "@../up/é.txt:"+big, "a", "22")))
		want := "b,,false,,1 f,é.txt,true,application/octet-stream,204800 a,,false,,2"
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		for range 2 { // the connection survives what was not read
			if got := read(t, ask(multipartRequest("/break", "a", "1", "f", "@x:"+big))); got != "ok" {
				t.Errorf("got %s", got)
			}
		}
	})
}

func TestFilenamesAreBaseNames(t *testing.T) {
	tests := []struct{ name, want string }{
		{"a.txt", "a.txt"},
		{"/etc/passwd", "passwd"},
		{`C:\dir\a b.txt`, "a b.txt"},
		{`../..\..`, ""},
		{".", ""},
		{"dir/", ""},
		{"a\x00b\r\n.txt", "ab.txt"},
		{"\u202egpj.exe", "gpj.exe"},
		{"\xff.txt", ".txt"},
		{"  ", ""},
		{". ", ""},
	}
	for _, tt := range tests {
		if got := baseName(tt.name); got != tt.want {
			t.Errorf("%q: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestAFileThatWasNotChosenIsNotThere(t *testing.T) {
	s := newBindServer(t, Config{}, func(s *Server) {
		s.Post("/", func(c *Context) error {
			files, err := c.Request.Files("f")
			if len(files) != 0 || err != nil {
				t.Errorf("%v, %v", files, err)
			}
			_, err = c.Request.File("f")
			return err
		})
	})
	for _, r := range []*http.Request{multipartRequest("/", "f", "@:"), multipartRequest("/", "f", "text")} {
		p := readProblem(t, s.ask["bridge"](r))
		if p.Status != 400 || p.Detail != "form f is missing" {
			t.Errorf("got %+v, want a 400", p)
		}
	}
}

// FuzzMultipart holds that the limits hold whatever comes, that no file stays, and that what net/http accepts we read as it does.
func FuzzMultipart(f *testing.F) {
	f.Add("--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nv\r\n--b--\r\n", 10)
	f.Add("--b\r\nContent-Disposition: form-data; name=\"a\"; filename=\"x\"\r\nContent-Type: t/x\r\n\r\n"+strings.Repeat("v", 500)+"\r\n--b--\r\n", 0)
	f.Add("--b\nContent-Disposition: form-data; name*=utf-8''a\n\nv\n--b--", 3)
	f.Add("preamble\r\n--b\r\n\r\n\r\n--b\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n=41\r\n--b--", 3)
	limits := Limits{Body: 4 << 10, MultipartMemory: 1 << 10, MultipartDisk: 2 << 10, MultipartParts: 3}.withDefaults()
	left := temporary(f)
	s := New(Config{Limits: limits})
	s.Post("/", func(c *Context) error {
		values, err := c.Request.Form()
		kept := 0
		for name, list := range values {
			for _, v := range list {
				kept += len(name) + len(v)
			}
		}
		parts, disk := 0, 0
		for _, list := range values {
			parts += len(list)
		}
		form := c.Request.form
		for _, files := range form.files {
			for _, file := range files {
				parts++
				kept += len(file.memory)
				if file.disk != nil {
					disk += int(file.Size)
				}
				if base := filepath.Base(file.Filename); file.Filename != "" && base != file.Filename {
					panic("not a base name: " + file.Filename)
				}
			}
		}
		if err == nil && (kept > limits.MultipartMemory || parts > limits.MultipartParts || int64(disk) > limits.MultipartDisk) {
			panic(fmt.Sprint(kept, parts, disk))
		}
		return err
	})
	s.OnPanic(func(_ *Context, p *PanicError) { f.Error(p.Value) })
	f.Fuzz(func(t *testing.T, body string, split int) {
		r := httptest.NewRequest("POST", "/", io.MultiReader(strings.NewReader(body[:min(max(split, 0), len(body))]),
			strings.NewReader(body[min(max(split, 0), len(body)):])))
		r.Header.Set("Content-Type", "multipart/form-data; boundary=b")
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		switch w.Code {
		case 200, 400, 413:
		default:
			t.Errorf("status %d", w.Code)
		}
		if n := left(); n > 0 {
			t.Errorf("%d temporary files are left", n)
		}
	})
}
