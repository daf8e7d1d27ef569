package main

import (
	"context"
	"encoding/json"
	"flag"
	"maps"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/hyperlane-go/hyperlane/broadcast"
	"github.com/hyperlane-go/hyperlane/hyperlanetest"
	"github.com/hyperlane-go/hyperlane/sse"
)

var screenshot = flag.String("screenshot", "", "file for what the browser test sees")

// newHub returns a hub to which the machine is published until the test ends.
func newHub(t *testing.T) *broadcast.Hub {
	hub := broadcast.NewHub(broadcast.HubConfig{Rules: rules})
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { defer close(ended); publish(ctx, hub, 50*time.Millisecond) }()
	t.Cleanup(func() { stop(); <-ended; hub.Close(context.Background()) })
	return hub
}

func TestSamplesComeOneAfterTheOther(t *testing.T) {
	c := hyperlanetest.New(t, newServer(newHub(t)))
	response, err := c.HTTP().Get(hyperlanetest.URL + "/samples")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	events := sse.NewReader(response.Body)
	var last Sample
	for range 3 {
		e, err := events.Next()
		if err != nil {
			t.Fatal(err)
		}
		var s Sample
		if err := json.Unmarshal([]byte(e.Data), &s); err != nil {
			t.Fatal(err)
		}
		if s.Time <= last.Time || s.Uptime < last.Uptime || s.CPU < 0 || s.CPU > 100 || s.Memory.Used == 0 || s.Memory.Used > s.Memory.Total ||
			s.Processes < 1 || len(s.Top) < 1 {
			t.Errorf("got %+v after %+v", s, last)
		}
		if want := map[bool]string{true: "machine", false: "process"}[runtime.GOOS == "linux"]; s.Source != want {
			t.Errorf("got source %q, want %q", s.Source, want)
		}
		last = s
	}
	var history struct {
		Position string
		Samples  []Sample
	}
	if err := json.Unmarshal([]byte(c.Get("/history").Status(200).Text()), &history); err != nil || len(history.Samples) < 3 || history.Position == "" {
		t.Errorf("got %d samples up to %q, %v", len(history.Samples), history.Position, err)
	}
}

func TestProcIsRead(t *testing.T) {
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }
	proc := fstest.MapFS{
		"stat":      file("cpu  100 0 100 700 100 0 0 0 50 0\ncpu0 50 0 50 350 50 0 0 0 0 0\ncpu1 50 0 50 350 50 0 0 0\nintr 5\n"),
		"meminfo":   file("MemTotal:        1000 kB\nMemFree: 1 kB\nMemAvailable:    250 kB\nHugePages_Total:       0\n"),
		"uptime":    file("12.50 3.00\n"),
		"loadavg":   file("0.10 0.20 0.30 1/100 7\n"),
		"7/stat":    file("7 (a (very) odd) name) S 1 7 7 0 -1 0 0 0 0 0 30 20 0 0 20 0 1 0 99 0 3 0 0\n"),
		"8/stat":    file("8 (short"),
		"self/stat": file("not counted"),
	}
	before, err := readProc(proc, 4096)
	if err != nil {
		t.Fatal(err)
	}
	proc["stat"] = file("cpu  150 0 150 750 150 0 0 0 50 0\ncpu0 100 0 100 350 50 0 0 0 0 0\ncpu1 50 0 50 450 50 0 0 0\n")
	proc["7/stat"] = file("7 (a (very) odd) name) S 1 7 7 0 -1 0 0 0 0 0 50 50 0 0 20 0 1 0 99 0 3 0 0\n")
	now, err := readProc(proc, 4096)
	if err != nil {
		t.Fatal(err)
	}
	now.at = before.at.Add(time.Second)
	s := now.since(before)
	s.Time = 0
	got, _ := json.Marshal(s)
	want := `{"time":0,"source":"machine","cpu":50,"cores":[100,0],"memory":{"used":768000,"total":1024000},"load":[0.1,0.2,0.3],` +
		`"uptime":12.5,"processes":1,"top":[{"pid":7,"name":"a (very) odd) name","cpu":50,"memory":12288}]}`
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	for name, text := range map[string]string{"stat": "cpu a b c d e\n", "meminfo": "MemTotal: 1 kB\nMemAvailable: 2 kB\n", "uptime": "long"} {
		broken := fstest.MapFS{}
		maps.Copy(broken, proc)
		broken[name] = file(text)
		if _, err := readProc(broken, 4096); err == nil {
			t.Errorf("got no error from %s %q", name, text)
		}
		delete(broken, name)
		if _, err := readProc(broken, 4096); err == nil {
			t.Errorf("got no error without %s", name)
		}
	}
}

func TestAMachineWithoutProcIsThisProcess(t *testing.T) {
	before := readSelf()
	s := readSelf().since(before)
	if s.Source != "process" || s.Memory.Used == 0 || s.Processes != 1 || len(s.Top) != 1 || s.Top[0].PID != os.Getpid() {
		t.Errorf("got %+v", s)
	}
}

func TestThePageShowsTheMachineInABrowser(t *testing.T) {
	path, err := exec.LookPath("chromium")
	if err != nil {
		if os.Getenv("REQUIRE_ALL_TESTS") == "1" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := newServer(newHub(t))
	served := make(chan error, 1)
	go func() { served <- server.Serve(ln) }()
	defer func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
		<-served
	}()

	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	ctx, cancel = chromedp.NewExecAllocator(ctx, append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox,
		chromedp.DisableGPU, chromedp.Flag("no-proxy-server", true))...)
	defer cancel()
	tab, cancel := chromedp.NewContext(ctx)
	defer cancel()
	err = chromedp.Do(tab,
		chromedp.EmulateViewport(1180, 900),
		chromedp.Navigate("http://"+ln.Addr().String()+"/"),
		chromedp.Poll[chromedp.Void](`byId("state").textContent === "live" && times.length >= 60`),
	)
	if err != nil {
		t.Fatal(err)
	}
	shown, err := chromedp.Run(tab, chromedp.Evaluate[map[string]string](`({
		cpu: byId("cpu").textContent, memory: byId("memory").textContent, processes: byId("processes").textContent,
		uptime: byId("uptime").textContent, rows: String(byId("top").rows.length), cores: String(byId("cores").children.length),
		charts: String(document.querySelectorAll(".uplot canvas").length),
		drawn: String([...document.querySelectorAll(".uplot canvas")].every((c) => c.getContext("2d").getImageData(0, 0, c.width, c.height).data.some((b) => b))),
	})`))
	if err != nil {
		t.Fatal(err)
	}
	for name, part := range map[string]string{"cpu": "%", "memory": "iB", "uptime": "min", "charts": "2", "drawn": "true"} {
		if !strings.Contains(shown[name], part) {
			t.Errorf("the page shows %s %q, want %q in it", name, shown[name], part)
		}
	}
	for _, name := range []string{"processes", "rows", "cores"} {
		if n, err := strconv.Atoi(shown[name]); err != nil || n < 1 {
			t.Errorf("the page shows %q %s", shown[name], name)
		}
	}
	image, err := chromedp.Run(tab, chromedp.FullScreenshot(100))
	if err != nil || len(image) < 10_000 {
		t.Fatalf("a screenshot of %d bytes: %v", len(image), err)
	}
	if *screenshot != "" {
		if err := os.WriteFile(*screenshot, image, 0o666); err != nil {
			t.Fatal(err)
		}
	}
}
