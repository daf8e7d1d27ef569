package hyperlane

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestFileAndEnvironmentSetEveryField(t *testing.T) {
	key := bytes.Repeat([]byte{0xfb}, 32) // base64 that differs in its two alphabets
	want := Config{
		Driver: "blocking", Loops: 3, NoDelay: new(false), Linger: new(5 * time.Second), TTL: 64, ReusePort: true, Backlog: 128,
		ReadBuffer: 8 << 10, WebSocketBuffer: 4096, MaxConns: 1000, MaxInFlight: 100,
		HeadTimeout: 5 * time.Second, BodyTimeout: time.Minute, MinBodyRate: -1, WriteTimeout: 1500 * time.Millisecond,
		IdleTimeout: time.Hour, HandlerTimeout: 2 * time.Second, ShutdownTimeout: -1,
		Limits: Limits{
			Head: 32 << 10, Target: 1000, Fields: 50, Field: 4 << 10, Body: 3 << 30, BufferedBody: 1 << 20,
			MultipartMemory: 2 << 20, MultipartDisk: -1, MultipartParts: 7, Outbox: 64 << 10,
		},
		TrailingSlash: "redirect", CleanPath: "redirect",
		TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("::1/128")},
		ServerName:     "lane", CookieKeys: [][]byte{key},
	}
	file := `{
		"driver": "blocking", "loops": 3, "no_delay": false, "linger": "5s", "ttl": 64, "reuse_port": true, "backlog": 128,
		"read_buffer": "8KiB", "websocket_buffer": 4096, "max_conns": 1000, "max_in_flight": 100,
		"head_timeout": "5s", "body_timeout": "1m", "min_body_rate": -1, "write_timeout": "1.5s",
		"idle_timeout": "1h", "handler_timeout": "2s", "shutdown_timeout": "none",
		"limits": {"head": "32KiB", "target": 1000, "fields": 50, "field": "4KiB", "body": "3GiB", "buffered_body": "1MiB",
			"multipart_memory": "2MiB", "multipart_disk": -1, "multipart_parts": 7, "outbox": "65536"},
		"trailing_slash": "redirect", "clean_path": "redirect",
		"trusted_proxies": ["10.0.0.0/8", "::1"], "server_name": "lane",
		"cookie_keys": ["` + base64.StdEncoding.EncodeToString(key) + `"]
	}`
	environ := []string{
		"HYPERLANE_DRIVER=blocking", "HYPERLANE_LOOPS=3", "HYPERLANE_NO_DELAY=false", "HYPERLANE_LINGER=5s", "HYPERLANE_TTL=64",
		"HYPERLANE_REUSE_PORT=true", "HYPERLANE_BACKLOG=128", "HYPERLANE_READ_BUFFER=8KiB", "HYPERLANE_WEBSOCKET_BUFFER=4096",
		"HYPERLANE_MAX_CONNS=1000", "HYPERLANE_MAX_IN_FLIGHT=100", "HYPERLANE_HEAD_TIMEOUT=5s", "HYPERLANE_BODY_TIMEOUT=1m", "HYPERLANE_MIN_BODY_RATE=-1",
		"HYPERLANE_WRITE_TIMEOUT=1.5s", "HYPERLANE_IDLE_TIMEOUT=1h", "HYPERLANE_HANDLER_TIMEOUT=2s",
		"HYPERLANE_SHUTDOWN_TIMEOUT=none", "HYPERLANE_LIMITS_HEAD=32KiB", "HYPERLANE_LIMITS_TARGET=1000",
		"HYPERLANE_LIMITS_FIELDS=50", "HYPERLANE_LIMITS_FIELD=4KiB", "HYPERLANE_LIMITS_BODY=3GiB",
		"HYPERLANE_LIMITS_BUFFERED_BODY=1MiB", "HYPERLANE_LIMITS_MULTIPART_MEMORY=2MiB", "HYPERLANE_LIMITS_MULTIPART_DISK=-1",
		"HYPERLANE_LIMITS_MULTIPART_PARTS=7", "HYPERLANE_LIMITS_OUTBOX=65536", "HYPERLANE_TRAILING_SLASH=redirect",
		"HYPERLANE_CLEAN_PATH=redirect", "HYPERLANE_TRUSTED_PROXIES=10.0.0.0/8, ::1", "HYPERLANE_SERVER_NAME=lane",
		"HYPERLANE_COOKIE_KEYS=" + base64.RawURLEncoding.EncodeToString(key),
	}
	tests := []struct {
		name    string
		file    string // "": none
		environ []string
	}{
		{"a file alone", file, nil},
		{"the environment alone", "", environ},
		{"the environment over a file", file, environ},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var data []byte
			if test.file != "" {
				data = []byte(test.file)
			}
			got, err := ParseConfig("f", data, test.environ)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
		})
	}
	if len(environ) != len(configOptions)-1 { // all but the preset
		t.Errorf("the test sets %d variables, there are %d", len(environ), len(configOptions)-1)
	}
}

func TestMistakesInFileAndEnvironmentHavePlaceKeyValueAndWhatIsAllowed(t *testing.T) {
	tests := []struct {
		name    string
		file    string
		environ string   // variables, one a line
		want    []string // the lines of the error, each by its beginning; none: no error
	}{
		{
			name: "a value of the wrong kind",
			file: "{\n\t\"head_timeout\": 10,\n\t\"max_conns\": \"many\"\n}",
			want: []string{
				`f:2:18: head_timeout = 10: want 0s (the default), from 1ms to 8760h like "10s"`,
				`f:3:15: max_conns = "many": want a number from 0 to`,
			},
		},
		{
			name: "a value out of range, in a nested object",
			file: "{\"limits\": {\n  \"body\": \"-5KiB\"}}",
			want: []string{`f:2:11: limits.body = "-5KiB": want 0 (the default), or bytes from 1 to`},
		},
		{
			name: "units that people disagree about, and sizes that overflow",
			file: `{"limits": {"body": "64KB", "head": "64K", "field": 1e3, "multipart_disk": "99999999999GiB"}}`,
			want: []string{
				`f:1:21: limits.body = "64KB": want`, `f:1:37: limits.head = "64K": want`,
				`f:1:53: limits.field = 1e3: want`, `f:1:76: limits.multipart_disk = "99999999999GiB": want`,
			},
		},
		{
			name: "unknown keys, with the nearest that there is",
			file: `{"head_timeot": 1, "readBuffer": 2, "body": 3, "limits": {"bdy": 4, "limits": 5}, "a\nb": {"c": [{}]}, "limits.body": 1}`,
			want: []string{
				"f:1:2: head_timeot: unknown key, want perhaps head_timeout",
				`f:1:20: "readBuffer": unknown key, want perhaps read_buffer`,
				"f:1:37: body: unknown key, want perhaps limits.body",
				"f:1:59: limits.bdy: unknown key, want perhaps limits.body",
				"f:1:69: limits.limits: unknown key, want perhaps",
				`f:1:83: "a\nb": unknown key, want perhaps`,
				`f:1:104: "limits.body": unknown key, want perhaps limits.body`,
			},
		},
		{
			name: "a key that comes twice",
			file: "{\"ttl\": 1,\n \"limits\": {\"body\": 1, \"body\": 2}, \"ttl\": {\"a\": [1, 2]},\n \"limits\": \"strict\"}",
			want: []string{
				"f:2:24: limits.body: the same key is at f:2:13",
				"f:2:36: ttl: the same key is at f:1:2",
				"f:3:2: limits: the same key is at f:2:2",
			},
		},
		{
			name: "columns count characters",
			file: `{"server_name": "äöü", "ttl": 999}`,
			want: []string{`f:1:17: server_name = "äöü": want up to 256 printable`, "f:1:31: ttl = 999: want"},
		},
		{
			name: "networks that are none, or not networks of proxies", environ: "HYPERLANE_TRUSTED_PROXIES=fe80::1%eth0",
			file: `{"trusted_proxies": ["10.0.0.0/8", "10.0.0"]}`,
			want: []string{
				`f:1:21: trusted_proxies = ["10.0.0.0/8", "10.0.0"]: want networks`,
				`HYPERLANE_TRUSTED_PROXIES: trusted_proxies = "fe80::1%eth0": want networks`,
			},
		},
		{name: "text that is no JSON", file: "{\n\"ttl\": 1,\n}", want: []string{"f:3:1: invalid character '}'"}},
		{name: "text that ends early", file: `{"ttl": 1`, want: []string{"f:1:9: unexpected end"}},
		{name: "text after the end", file: `{"ttl": 1} {}`, want: []string{"f:1:12: invalid character '{' after top-level value"}},
		{name: "an empty file", file: " ", want: []string{"f:1:1: unexpected end"}},
		{name: "a file that holds no object", file: ` []`, want: []string{"f:1:2: want an object"}},
		{name: "null and objects where values belong", file: `{"ttl": null, "driver": {"a": {}}, "trusted_proxies": [["a"]]}`, want: []string{
			"f:1:9: ttl = null: want", `f:1:25: driver = {"a": {}}: want "auto"`, `f:1:55: trusted_proxies = [["a"]]: want networks`,
		}},
		{
			name: "file and environment together",
			file: `{"ttl": -1}`, environ: "HYPERLANE_BACKLOG=x\nHYPERLANE_TTL=64",
			want: []string{"f:1:9: ttl = -1: want", `HYPERLANE_BACKLOG: backlog = "x": want a number from 0 to 65535`},
		},
		{
			name:    "unknown variables, with the nearest that there is",
			environ: "HYPERLANE_LIMIT_BODY=1\nHYPERLANE_ADRR=:80\nHYPERLANE_IDLE_TIMOUT=\nHYPERLANE_ttl=1",
			want: []string{
				"HYPERLANE_ADRR: unknown variable, want perhaps HYPERLANE_",
				"HYPERLANE_IDLE_TIMOUT: unknown variable, want perhaps HYPERLANE_IDLE_TIMEOUT",
				"HYPERLANE_LIMIT_BODY: unknown variable, want perhaps HYPERLANE_LIMITS_BODY",
				"HYPERLANE_ttl: unknown variable, want perhaps HYPERLANE_TTL",
			},
		},
		{name: "variables that are not ours", environ: "HYPERLANE_ADDR=:80\nHYPERLANE_CONFIG=x\nPATH=/bin\nHYPER=1\nHYPERLANE_TTL="},
		{
			name: "a contradiction between file and environment is told where the smaller thing was set",
			file: `{"limits": {"target": "12KiB"}}`, environ: "HYPERLANE_LIMITS_HEAD=8KiB",
			want: []string{`f:1:23: limits.target = 12288: want at most the whole head, which is 8KiB`},
		},
		{
			name:    "a contradiction of a preset is told where the preset was named",
			environ: "HYPERLANE_LIMITS=generous\nHYPERLANE_LIMITS_BODY=1KiB",
			want:    []string{"HYPERLANE_LIMITS: limits.buffered_body = 1048576: want at most the whole body, which is 1KiB"},
		},
		{
			name:    "nothing is compared with a value that could not be read",
			environ: "HYPERLANE_LIMITS_HEAD=8kb\nHYPERLANE_LIMITS_TARGET=32KiB",
			want:    []string{`HYPERLANE_LIMITS_HEAD: limits.head = "8kb": want`},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var data []byte
			if test.file != "" {
				data = []byte(test.file)
			}
			c, err := ParseConfig("f", data, strings.Split(test.environ, "\n"))
			if len(test.want) == 0 {
				if err != nil {
					t.Fatalf("got %v, want no error", err)
				}
				return
			}
			if err == nil || !reflect.DeepEqual(c, Config{}) {
				t.Fatalf("got %+v and error %v, want the zero Config and an error", c, err)
			}
			lines := strings.Split(err.Error(), "\n\t")
			if len(lines) > 1 {
				lines = lines[1:]
			} else {
				lines[0] = strings.TrimPrefix(lines[0], "hyperlane: configuration: ")
			}
			if len(lines) != len(test.want) {
				t.Fatalf("got %d mistakes, want %d:\n%v", len(lines), len(test.want), err)
			}
			for i, want := range test.want {
				if !strings.HasPrefix(lines[i], want) {
					t.Errorf("got  %s\nwant %s", lines[i], want)
				}
			}
		})
	}
}

func TestPresetComesBeforeTheLimitsThatTheEnvironmentNames(t *testing.T) {
	c, err := ParseConfig("f", []byte(`{"limits": "generous"}`), []string{"HYPERLANE_LIMITS_BODY=2MiB", "HYPERLANE_LIMITS=strict"})
	if err != nil {
		t.Fatal(err)
	}
	want := StrictLimits()
	want.Body = 2 << 20
	if c.Limits != want {
		t.Errorf("got  %+v\nwant %+v", c.Limits, want)
	}
}

func TestTheLastOfTwoEqualVariablesCounts(t *testing.T) {
	c, err := ParseConfig("", nil, []string{"HYPERLANE_TTL=x", "HYPERLANE_TTL=7"})
	if err != nil || c.TTL != 7 {
		t.Errorf("got %d and error %v, want 7", c.TTL, err)
	}
}

func TestLoadConfigReadsFileAndProcessEnvironment(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lane.json")
	if err := os.WriteFile(path, []byte(`{"ttl": 3, "backlog": 4}`), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("HYPERLANE_BACKLOG", "5")
	c, err := LoadConfig(path)
	if err != nil || c.TTL != 3 || c.Backlog != 5 {
		t.Errorf("got %+v and error %v, want TTL 3, Backlog 5", c, err)
	}
	if c, err = LoadConfig(""); err != nil || c.TTL != 0 || c.Backlog != 5 {
		t.Errorf("without a file: got %+v and error %v, want Backlog 5 alone", c, err)
	}
}

func TestLoadConfigReportsAMissingFileTogetherWithTheEnvironment(t *testing.T) {
	t.Setenv("HYPERLANE_TTL", "x")
	_, err := LoadConfig(filepath.Join(t.TempDir(), "none.json"))
	if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "HYPERLANE_TTL: ttl") {
		t.Errorf("got %v, want one that wraps fs.ErrNotExist and tells of HYPERLANE_TTL", err)
	}
}

func TestSizesAreReadAsTheyAreWritten(t *testing.T) {
	tests := []struct {
		text string
		want int64
		ok   bool
	}{
		{"0", 0, true}, {"1", 1, true}, {"-1", -1, true}, {"7B", 7, true}, {"64KiB", 64 << 10, true}, {"3MiB", 3 << 20, true},
		{"8589934591GiB", 8589934591 << 30, true}, {"8589934592GiB", 0, false}, {"9223372036854775808", 0, false},
		{"", 0, false}, {"KiB", 0, false}, {"1.5MiB", 0, false}, {"1 MiB", 0, false}, {"1kib", 0, false}, {"1KB", 0, false},
		{"1KiBB", 0, false}, {"0x10", 0, false}, {"1_000", 0, false},
	}
	for _, test := range tests {
		if got, ok := parseSize(test.text); ok != test.ok || got != test.want {
			t.Errorf("parseSize(%q): got %d, %v, want %d, %v", test.text, got, ok, test.want, test.ok)
		}
	}
}

func FuzzParseSize(f *testing.F) {
	for _, seed := range []string{"0", "-1", "64KiB", "8589934592GiB", "-8589934592GiB", "1B", "+5MiB"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		n, ok := parseSize(text)
		if !ok {
			return
		}
		if again, ok := parseSize(formatSize(n)); !ok || again != n {
			t.Errorf("%q is %d, which is written %q, which is %d, %v", text, n, formatSize(n), again, ok)
		}
		if strings.HasPrefix(text, "-") != (n < 0) && n != 0 {
			t.Errorf("%q became %d: it overflowed", text, n)
		}
	})
}

func FuzzParseConfig(f *testing.F) {
	f.Add(`{"ttl": 1, "limits": {"body": "1MiB"}, "trusted_proxies": ["::1"], "x": [{}, [null]]}`, "HYPERLANE_TTL=3")
	f.Add(`{"limits": "strict", "limits": {"a": {}}}`, "HYPERLANE_=")
	f.Add("[\"\xff\"]", "")
	f.Fuzz(func(t *testing.T, file, variable string) {
		c, err := ParseConfig("f", []byte(file), []string{variable})
		if err == nil {
			if err := c.Validate(); err != nil {
				t.Errorf("what was read without an error is not valid: %v", err)
			}
			return
		}
		if !reflect.DeepEqual(c, Config{}) {
			t.Errorf("got %+v with the error %v", c, err)
		}
		if strings.TrimSpace(err.Error()) == "" {
			t.Error("got an error without a text")
		}
	})
}
