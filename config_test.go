package hyperlane

import (
	"bytes"
	"log/slog"
	"net/netip"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestZeroConfigIsValidAndGetsTheDocumentedDefaults(t *testing.T) {
	if err := (Config{}).Validate(); err != nil {
		t.Fatalf("the zero Config: %v", err)
	}
	got := Config{}.withDefaults()
	want := Config{
		Driver: "auto", Loops: runtime.GOMAXPROCS(0), NoDelay: new(true),
		HeadTimeout: 10 * time.Second, BodyTimeout: 30 * time.Second, MinBodyRate: 240,
		WriteTimeout: 30 * time.Second, IdleTimeout: 75 * time.Second, ShutdownTimeout: 15 * time.Second,
		Limits:        DefaultLimits(),
		TrailingSlash: "strict", CleanPath: "off",
		JSON: stdJSON{}, Logger: slog.Default(),
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestPresetsAreValidAndSetEveryLimit(t *testing.T) {
	for name, limits := range map[string]Limits{
		"strict": StrictLimits(), "default": DefaultLimits(), "generous": GenerousLimits(),
	} {
		if err := (Config{Limits: limits}).Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if full := limits.withDefaults(); full != limits {
			t.Errorf("%s leaves a field to the defaults:\ngot  %+v\nwant %+v", name, full, limits)
		}
	}
}

func TestValidateNamesFieldValueAndWhatIsAllowed(t *testing.T) {
	tests := []struct {
		config Config
		want   []string // each must be in the error; none: the config is valid
	}{
		{Config{Driver: "epoll"}, []string{`Config.Driver = "epoll": want "auto", `, `or "blocking"`}},
		{Config{Driver: "blocking"}, nil},
		{Config{NoDelay: new(false)}, nil},
		{Config{TTL: 256}, []string{"Config.TTL = 256: want a number from 0 to 255"}},
		{Config{Backlog: -1}, []string{"Config.Backlog = -1"}},
		{Config{ReadBuffer: 100}, []string{"Config.ReadBuffer = 100: want 0 (the default), or bytes from 1KiB to 16MiB"}},
		{Config{HeadTimeout: 10}, []string{"Config.HeadTimeout = 10ns: want 0s (the default), from 1ms to 8760h"}},
		{Config{HeadTimeout: -1, BodyTimeout: -1, WriteTimeout: -1, IdleTimeout: -1, HandlerTimeout: -1, ShutdownTimeout: -1}, nil},
		{Config{MinBodyRate: -1}, nil},
		{Config{IdleTimeout: 1 << 62}, []string{"Config.IdleTimeout = "}},
		{Config{Linger: new(-time.Second)}, []string{"Config.Linger = -1s: want from 0s"}},
		{Config{Linger: new(time.Duration(0))}, nil},
		{Config{Linger: new(time.Second)}, []string{`Config.Linger = 1s: want 0s, or driver "blocking"`}},
		{Config{Linger: new(time.Second), Driver: "blocking"}, nil},
		{Config{Limits: Limits{Body: -1}}, []string{"Config.Limits.Body = -1: want 0 (the default), or bytes from 1 to "}},
		{Config{Limits: Limits{MultipartDisk: -1}}, nil},
		{Config{Limits: Limits{Head: 1 << 10}}, nil}, // the defaults of its parts shrink with it
		{Config{Limits: Limits{Target: 20 << 10}}, []string{"Config.Limits.Target = 20480: want at most the whole head, which is 16KiB"}},
		{Config{Limits: Limits{Head: 1 << 10, Field: 2 << 10}}, []string{"Config.Limits.Field = 2048: want at most", "1KiB"}},
		{Config{Limits: Limits{Body: 1 << 10}}, nil},
		{Config{Limits: Limits{BufferedBody: 5 << 20}}, []string{"Config.Limits.BufferedBody = 5242880: want at most", "4MiB"}},
		{Config{TrailingSlash: "off"}, []string{`Config.TrailingSlash = "off": want "strict", "redirect" or "ignore"`}},
		{Config{CleanPath: "on"}, []string{`Config.CleanPath = "on": want "off" or "redirect"`}},
		{Config{ServerName: "a\r\nb"}, []string{`Config.ServerName = "a\r\nb": want`}},
		{Config{ServerName: " a"}, []string{"Config.ServerName"}},
		{Config{ServerName: "hyperlane 1.0 (go)"}, nil},
		{Config{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}}, nil},
		{Config{TrustedProxies: []netip.Prefix{{}}}, []string{"Config.TrustedProxies = [invalid Prefix]"}},
		{Config{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.1/8")}}, []string{"without bits beyond the prefix"}},
		{Config{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0")}}, []string{"none that contains every address"}},
		{Config{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("::/0")}}, []string{"none that contains every address"}},
		{Config{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("::ffff:10.0.0.0/104")}}, []string{"Config.TrustedProxies"}},
		{Config{CookieKeys: [][]byte{[]byte("short")}}, []string{"Config.CookieKeys = (1 secrets): want different keys of at least 32 bytes"}},
	}
	for _, test := range tests {
		err := test.config.Validate()
		if len(test.want) == 0 && err != nil {
			t.Errorf("got %v, want no error", err)
		}
		for _, want := range test.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("got  %v\nwant %s", err, want)
			}
		}
	}
}

func TestValidateReportsAllMistakesAtOnceOneOnEachLine(t *testing.T) {
	err := Config{
		Driver: "x", TTL: -1, HeadTimeout: 1, TrailingSlash: "y",
		Limits: Limits{Head: -1, Target: 1 << 20, Body: 1, BufferedBody: 2},
	}.Validate()
	var keys []string
	for _, line := range strings.Split(err.Error(), "\n\t")[1:] {
		key, _, _ := strings.Cut(line, " ")
		keys = append(keys, strings.TrimPrefix(key, "Config."))
	}
	// Limits.Target is not among them: it could only be compared with a head that is itself wrong.
	want := []string{"Driver", "TTL", "HeadTimeout", "Limits.Head", "TrailingSlash", "Limits.BufferedBody"}
	if !slices.Equal(keys, want) {
		t.Errorf("got  %v\nwant %v in\n%v", keys, want, err)
	}
	if first, _, _ := strings.Cut(err.Error(), "\n"); first != "hyperlane: configuration: 6 mistakes:" {
		t.Errorf("got the first line %q", first)
	}
}

func TestMistakesNeverShowASecret(t *testing.T) {
	const secret = "hunter2"
	err := Config{CookieKeys: [][]byte{[]byte(secret)}}.Validate()
	_, loaded := ParseConfig("f", []byte(`{"cookie_keys": "`+secret+`", "cookie_kys": "`+secret+`"}`),
		[]string{"HYPERLANE_COOKIE_KEYS=" + secret, "HYPERLANE_COOKIE_KEY=" + secret})
	for _, err := range []error{err, loaded} {
		if err == nil || strings.Contains(err.Error(), secret) {
			t.Errorf("got %v, want an error without the secret", err)
		}
	}
}

func TestCompiledConfigSharesNoMemoryWithItsSource(t *testing.T) {
	key := bytes.Repeat([]byte{1}, 32)
	c := Config{
		NoDelay: new(false), Linger: new(time.Duration(0)), CookieKeys: [][]byte{key},
		TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")},
	}
	full := c.withDefaults()
	*c.NoDelay, *c.Linger, key[0], c.TrustedProxies[0] = true, time.Hour, 9, netip.Prefix{}
	if *full.NoDelay || *full.Linger != 0 || full.CookieKeys[0][0] != 1 || !full.TrustedProxies[0].IsValid() {
		t.Errorf("a later change reached the compiled Config: %+v", full)
	}
	if again := full.withDefaults(); !reflect.DeepEqual(again, full) {
		t.Errorf("compiling twice differs:\ngot  %+v\nwant %+v", again, full)
	}
}

func TestEveryFieldOfConfigIsAnOption(t *testing.T) {
	var fields []string
	for field := range reflect.TypeFor[Config]().Fields() {
		fields = append(fields, field.Name)
	}
	for field := range reflect.TypeFor[Limits]().Fields() {
		fields = append(fields, "Limits."+field.Name)
	}
	noOption := []string{"JSON", "Logger"} // Go values that no text can name
	names, variables := make(map[string]bool), make(map[string]bool)
	for _, o := range configOptions {
		if !slices.Contains(fields, o.name) {
			t.Errorf("option %s is of the field %s, which there is not", o.key, o.name)
		}
		if v := variableName(o.key); names[o.name] || variables[v] || slices.Contains(foreignVariables, v) {
			t.Errorf("option %s comes twice, or its variable %s does", o.key, v)
		}
		names[o.name], variables[variableName(o.key)] = true, true
		if key := strings.ReplaceAll(o.key, "_", ""); key != strings.ToLower(o.name) {
			t.Errorf("option %s is not called like its field %s", o.key, o.name)
		}
	}
	for _, name := range fields {
		if names[name] == slices.Contains(noOption, name) {
			t.Errorf("field %s: is an option: %v", name, names[name])
		}
	}
}
