package main

import (
	"context"
	"flag"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"

	"github.com/hyperlane-go/hyperlane"
	"github.com/hyperlane-go/hyperlane/broadcast"
)

var screenshots = flag.String("screenshots", "", "directory for what the browser test sees")

// page is one browser's page.
type page struct {
	*testing.T
	ctx context.Context
}

func (p *page) do(steps ...chromedp.Action[chromedp.Void]) {
	p.Helper()
	if err := chromedp.Do(p.ctx, steps...); err != nil {
		p.Fatal(err)
	}
}

// until waits until an expression is true.
func (p *page) until(expression string) {
	p.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, 20*time.Second)
	defer cancel()
	if err := chromedp.Do(ctx, chromedp.Poll[chromedp.Void](expression, chromedp.WithPollingInterval(20*time.Millisecond))); err != nil {
		p.Fatalf("%s: %v\n%s", expression, err, p.value("document.body.innerText"))
	}
}

// value returns the value of an expression.
func (p *page) value(expression string) string {
	p.Helper()
	v, err := chromedp.Run(p.ctx, chromedp.Evaluate[string](expression))
	if err != nil {
		p.Fatalf("%s: %v", expression, err)
	}
	return v
}

// shows waits until a message of this class, or any with "", has this text.
func (p *page) shows(class, text string) {
	p.Helper()
	p.until(`[...document.querySelectorAll("#log ` + class + ` .text")].some((e) => e.textContent === ` + strconv.Quote(text) + `)`)
}

// write types a message and sends it by Enter.
func (p *page) write(text string) {
	p.Helper()
	p.do(chromedp.Focus(chromedp.CSS("#text")), chromedp.KeyEvent(text), press(input.DispatchKeyEventParams{Key: "Enter", Text: "\r"}))
}

// press presses and releases a key as a keyboard does: whether it becomes text, too, the page decides.
func press(key input.DispatchKeyEventParams) chromedp.Action[chromedp.Void] {
	return func(ctx context.Context, target *chromedp.Target) (none chromedp.Void, err error) {
		for _, key.Type = range []input.DispatchKeyEventType{input.DispatchKeyEventTypeKeyDown, input.DispatchKeyEventTypeKeyUp} {
			if _, err = cdp.Call(ctx, target, input.DispatchKeyEvent, key); err != nil {
				break
			}
		}
		return none, err
	}
}

// preferDark is what the page finds in the settings of a system.
func preferDark(ctx context.Context, target *chromedp.Target) (none chromedp.Void, err error) {
	_, err = cdp.Call(ctx, target, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "dark"}}})
	return none, err
}

// picture keeps what the page looks like.
func (p *page) picture(name string) {
	p.Helper()
	if *screenshots == "" {
		return
	}
	image, err := chromedp.Run(p.ctx, chromedp.CaptureScreenshot())
	if err == nil {
		err = os.WriteFile(filepath.Join(*screenshots, name+".png"), image, 0o666)
	}
	if err != nil {
		p.Fatal(err)
	}
}

// openBrowser returns what opens a page, each with cookies of its own.
func openBrowser(t *testing.T) func(width, height int64) *page {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		if os.Getenv("REQUIRE_ALL_TESTS") == "1" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewExecAllocator(ctx, append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox,
		chromedp.DisableGPU, chromedp.Flag("no-proxy-server", true))...)
	t.Cleanup(cancel)
	browser, cancel := chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	if err := chromedp.Do(browser); err != nil {
		t.Fatal(err)
	}
	return func(width, height int64) *page {
		tab, cancel := chromedp.NewContext(browser, chromedp.WithNewBrowserContext())
		t.Cleanup(cancel)
		p := &page{t, tab}
		p.do(chromedp.EmulateViewport(width, height))
		return p
	}
}

// life is one life of a server.
type life struct {
	*testing.T
	server *hyperlane.Server
	hub    *broadcast.Hub
	served chan error
}

// begin serves at address, and says where that is.
func begin(t *testing.T, address string) (*life, string) {
	t.Helper()
	ln, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	key, err := cookieKey("a secret")
	if err != nil {
		t.Fatal(err)
	}
	server, hub := hyperlane.New(hyperlane.Config{CookieKeys: [][]byte{key}}), broadcast.NewHub(broadcast.HubConfig{Rules: rules})
	l := &life{t, server, hub, make(chan error, 1)}
	routes(l.server, l.hub)
	go func() { l.served <- l.server.Serve(ln) }()
	return l, ln.Addr().String()
}

func (l *life) end() {
	l.Helper()
	if err := l.server.Close(); err != nil {
		l.Error(err)
	}
	<-l.served
	if err := l.hub.Close(context.Background()); err != nil {
		l.Error(err)
	}
}

const connected = `document.getElementById("state").textContent === "connected"`

func TestTwoPagesTalkInABrowser(t *testing.T) {
	open := openBrowser(t)
	server, address := begin(t, "127.0.0.1:0")
	defer func() { server.end() }()
	ann, bob := open(1100, 760), open(390, 780)
	for _, p := range []*page{ann, bob} {
		p.do(chromedp.Navigate("http://" + address + "/"))
		p.until(connected)
	}
	name := func(p *page) string { return p.value(`document.getElementById("me").textContent`) }
	annName, bobName := name(ann), name(bob)
	if !strings.HasPrefix(annName, "anonymous_") || annName == bobName {
		t.Fatalf("the names are %q and %q", annName, bobName)
	}
	here := func(p *page, n int) {
		p.Helper()
		p.until(`document.querySelectorAll("#people button").length === ` + strconv.Itoa(n))
	}
	here(ann, 2)
	here(bob, 2)

	ann.write("Hello! Is anybody here who has used the event loop?")
	bob.shows("", "Hello! Is anybody here who has used the event loop?")
	bob.write("Yes: handlers may sleep, and the others do not notice.")
	ann.shows(":not(.mine)", "Yes: handlers may sleep, and the others do not notice.")
	const markup = `<script>document.title = "broken"</script><img src=x onerror="document.title='broken'">`
	bob.write(markup)
	ann.shows("", markup)
	if n := ann.value(`String(document.querySelectorAll("#log img, #log script").length) + document.title`); n != "0# lobby" {
		t.Errorf("markup became %s", n)
	}
	bob.do(chromedp.Focus(chromedp.CSS("#text")), chromedp.KeyEvent("hm"))
	ann.until(`document.getElementById("typing").textContent === "` + bobName + ` is typing …"`)
	bob.do(press(input.DispatchKeyEventParams{Key: "Enter", Text: "\r", Modifiers: 8})) // Shift
	bob.until(`document.getElementById("text").value === "hm\n"`)
	bob.do(press(input.DispatchKeyEventParams{Key: "Enter", Text: "\r"}))
	ann.shows("", "hm")
	ann.until(`document.getElementById("typing").textContent === ""`)

	// In private: by the list of who is here, and a third does not see it.
	eve := open(900, 700)
	eve.do(chromedp.Navigate("http://" + address + "/"))
	eve.until(connected)
	here(ann, 3)
	ann.do(chromedp.Click(chromedp.CSS(`#people button[title*="` + bobName + `"]`)))
	ann.write("Just between us.")
	bob.shows(".private", "Just between us.")
	ann.do(press(input.DispatchKeyEventParams{Key: "Escape"}))
	ann.until(`document.getElementById("private").hidden`)
	ann.write("And this is for everybody.")
	eve.shows("", "And this is for everybody.")
	if text := eve.value(`document.getElementById("log").textContent`); strings.Contains(text, "between us") || !strings.Contains(text, "Hello!") {
		t.Errorf("a third sees %q", text)
	}
	ann.picture("desktop")
	ann.do(preferDark)
	ann.until(`getComputedStyle(document.body).color === "rgb(231, 234, 240)"`)
	ann.picture("desktop-dark")
	bob.picture("phone")
	bob.do(chromedp.Click(chromedp.CSS("#menu")))
	bob.until(`document.getElementById("side").getBoundingClientRect().left === 0`)
	bob.picture("phone-side")
	bob.do(chromedp.Evaluate[chromedp.Void](`document.getElementById("menu").click()`))

	// Too long a text is not sent, and the page counts.
	ann.do(chromedp.Evaluate[chromedp.Void](`text = document.getElementById("text"),
		text.value = "😀".repeat(1001), text.dispatchEvent(new Event("input"))`))
	ann.until(`document.getElementById("left").textContent === "-1" && document.getElementById("send").disabled`)
	ann.do(chromedp.Evaluate[chromedp.Void](`text.value = "", text.dispatchEvent(new Event("input"))`))

	// A reload shows what was said, to the same user.
	ann.do(chromedp.Reload())
	ann.until(connected)
	ann.shows(".mine", "Just between us.")
	ann.shows("", markup)
	if again := name(ann); again != annName {
		t.Errorf("after a reload %s is %s", annName, again)
	}

	// The server ends, and another begins at the same address. What was written meanwhile arrives.
	server.end()
	ann.until(`!document.getElementById("trouble").hidden &&
		document.getElementById("why").textContent.includes("Trying again in")`)
	ann.write("Are you still there?")
	ann.shows(".pending", "Are you still there?")
	ann.picture("lost")
	server, _ = begin(t, address)
	for _, p := range []*page{ann, bob, eve} {
		p.until(connected)
		p.shows(":not(.pending)", "Are you still there?")
		p.until(`document.querySelector("#log .gap").textContent.includes("may be missing") && document.getElementById("trouble").hidden`)
	}
	here(ann, 3)
	bob.write("Yes, we are back.")
	ann.shows("", "Yes, we are back.")
	ann.picture("back")
}
