package interop

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/hyperlane-go/hyperlane"
	"github.com/summerwind/h2spec/config"
	"github.com/summerwind/h2spec/generic"
	"github.com/summerwind/h2spec/hpack"
	"github.com/summerwind/h2spec/http2"
	"github.com/summerwind/h2spec/spec"
)

// TestHTTP2ConformsToH2spec runs every case of h2spec, the strict ones too, against a server that speaks HTTP/2 with prior
// knowledge, and against one that has agreed on it in a TLS handshake. testdata/h2spec-known.txt lists the cases that are answered
// otherwise than h2spec wants, each with the reason.
func TestHTTP2ConformsToH2spec(t *testing.T) {
	t.Run("h2c", func(t *testing.T) {
		conformsToH2spec(t, "h2c", config.Config{}, startH2C(t))
	})
	t.Run("TLS", func(t *testing.T) {
		server := hyperlane.New(configOf("auto"))
		answerStartText(server)
		cert, _, _ := certificate(t, "localhost")
		conformsToH2spec(t, "TLS", config.Config{TLS: true, Insecure: true}, serveTLS(t, server, &tls.Config{Certificates: []tls.Certificate{cert}}))
	})
}

func conformsToH2spec(t *testing.T, over string, conf config.Config, addr string) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	conf.Host, conf.Path, conf.Timeout, conf.MaxHeaderLen, conf.Strict = host, "/", 2*time.Second, 4000, true
	if _, err := fmt.Sscan(port, &conf.Port); err != nil {
		t.Fatal(err)
	}

	known := knownH2spec(t, over)
	met := map[string]bool{}
	t.Run("cases", func(t *testing.T) {
		for _, group := range []*spec.TestGroup{generic.Spec(), http2.Spec(), hpack.Spec()} {
			runH2spec(t, &conf, group, known, met)
		}
	})
	for id, why := range known {
		if !met[id] {
			t.Errorf("testdata/h2spec-known.txt lists %s (%s), but h2spec has no such case", id, why)
		}
	}
	if len(met) < 140 {
		t.Errorf("ran %d cases, want at least 140: did the groups of h2spec change?", len(met))
	}
}

// runH2spec runs the cases of group and of the groups below it, numbered as h2spec does: http2/8.1.2.2/1.
func runH2spec(t *testing.T, conf *config.Config, group *spec.TestGroup, known map[string]string, met map[string]bool) {
	for i, c := range append(group.Tests, group.StrictTests...) {
		id := fmt.Sprintf("%s/%d", group.ID(), i+1)
		met[id] = true
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			conn, err := spec.Dial(conf)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			err = c.Run(conf, conn)
			why, listed := known[id]
			switch {
			case err == spec.ErrSkipped:
				t.Errorf("%s: h2spec could not run the case: does the server answer with a body of some bytes?", c.Desc)
			case err != nil && !listed:
				t.Errorf("%s\n%s\nwant, then got:\n%v", c.Desc, c.Requirement, err)
			case err == nil && listed:
				t.Errorf("%s: passes, although testdata/h2spec-known.txt says: %s", c.Desc, why)
			case listed:
				t.Logf("%s: known: %s", c.Desc, why)
			}
		})
	}
	for _, below := range group.Groups {
		runH2spec(t, conf, below, known, met)
	}
}

// knownH2spec reads the list: on each line the case, white space, the reason; # starts a comment. A case may stand behind what it is
// listed for alone, as in h2c:http2/3.5/2.
func knownH2spec(t *testing.T, over string) map[string]string {
	t.Helper()
	file, err := os.Open("testdata/h2spec-known.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	known := map[string]string{}
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		id, why, _ := strings.Cut(line, " ")
		if why = strings.TrimSpace(why); why == "" {
			t.Fatalf("testdata/h2spec-known.txt: %s has no reason", id)
		}
		if only, bare, ok := strings.Cut(id, ":"); ok {
			if only != over {
				continue
			}
			id = bare
		}
		known[id] = why
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return known
}
