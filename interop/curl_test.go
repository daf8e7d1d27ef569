package interop

import (
	"os/exec"
	"strings"
	"testing"
)

func TestCurlReadsAResponseOverBothVersions(t *testing.T) {
	curl := need(t, "curl")
	addr := startH2C(t)
	for _, test := range []struct {
		flag    string // how curl is told which version to speak
		version string // what curl says it spoke
	}{
		{"--http1.1", "1.1"},
		{"--http2-prior-knowledge", "2"},
	} {
		t.Run(test.version, func(t *testing.T) {
			out, err := exec.CommandContext(t.Context(), curl, "--silent", "--show-error", "--noproxy", "*", test.flag,
				"--write-out", "\n%{http_version} %{http_code}", "http://"+addr+"/").CombinedOutput()
			if err != nil {
				t.Fatalf("curl: %v\n%s", err, out)
			}
			body, status, _ := strings.Cut(string(out), "\n")
			if body != startText || status != test.version+" 200" {
				t.Errorf("got body %q and status %q, want %q and %q", body, status, startText, test.version+" 200")
			}
		})
	}
}
