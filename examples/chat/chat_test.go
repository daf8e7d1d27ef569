package main

import (
	"bufio"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/hyperlane-go/hyperlane/hyperlanetest"
)

func TestTwoTalkAndSeeEachOtherComeAndGo(t *testing.T) {
	hyperlanetest.Each(t, func(t *testing.T, d hyperlanetest.Driver) {
		c := serve(t, d, nil)
		ann := enter(t, c, "ann", "lobby", "")
		if w := ann.welcome; w.User != "ann" || w.Room != "lobby" || !slices.Equal(w.Here, []string{"ann"}) || w.Resumed || len(w.Messages) != 0 {
			t.Errorf("ann is welcomed with %+v", w)
		}
		bob := enter(t, c, "bob", "lobby", "")
		if !slices.Equal(bob.welcome.Here, []string{"ann", "bob"}) {
			t.Errorf("bob finds %q", bob.welcome.Here)
		}
		ann.sees("joined", "bob")
		const text = `<script>alert("&")</script> 👩‍💻`
		id := ann.say("  "+text+"\n", "")
		if e := ann.hears("ann", "", text); e.ID != id {
			t.Errorf("got id %s, want %s", e.ID, id)
		}
		bob.hears("ann", "", text)

		elsewhere := enter(t, c, "eve", "kitchen", "")
		if !slices.Equal(elsewhere.welcome.Here, []string{"eve"}) || len(elsewhere.welcome.Messages) != 0 {
			t.Errorf("another room tells %+v", elsewhere.welcome)
		}
		again := enter(t, c, "bob", "lobby", "") // a second page of his
		bob.leave()                              // he is still here
		again.say("still here", "")
		ann.hears("bob", "", "still here")
		again.leave()
		ann.sees("left", "bob")
	})
}

func TestAPrivateMessageIsForTwo(t *testing.T) {
	hyperlanetest.Each(t, func(t *testing.T, d hyperlanetest.Driver) {
		c := serve(t, d, nil)
		ann := enter(t, c, "ann", "lobby", "")
		bob := enter(t, c, "bob", "lobby", "")
		ann.sees("joined", "bob")
		eve := enter(t, c, "eve", "lobby", "")
		ann.sees("joined", "eve")
		bob.sees("joined", "eve")
		id := ann.say("a secret", "bob")
		ann.say("to myself", "ann")
		ann.say("to all", "")
		if e := ann.hears("ann", "bob", "a secret"); e.ID != id {
			t.Errorf("got id %s, want %s", e.ID, id)
		}
		ann.hears("ann", "ann", "to myself")
		ann.hears("ann", "", "to all")
		bob.hears("ann", "bob", "a secret")
		bob.hears("ann", "", "to all")
		eve.hears("ann", "", "to all")
		for user, want := range map[string][]string{"ann": {"a secret", "to myself", "to all"}, "bob": {"a secret", "to all"}, "eve": {"to all"}} {
			if got := texts(enter(t, c, user, "lobby", "").welcome.Messages); !slices.Equal(got, want) {
				t.Errorf("the history for %s is %q, want %q", user, got, want)
			}
			// A forged position returns nothing that is not one's own.
			forged := enter(t, c, user, "lobby", bob.welcome.Position.Epoch+".0")
			if forged.welcome.Resumed {
				for _, text := range want {
					if e := forged.next("message"); e.Text != text {
						t.Errorf("%s recovers %q, want %q", user, e.Text, text)
					}
				}
			} else if got := texts(forged.welcome.Messages); !slices.Equal(got, want) {
				t.Errorf("the history for %s with a forged position is %q, want %q", user, got, want)
			}
		}
	})
}

func TestAHintThatSomebodyTypesIsNotKept(t *testing.T) {
	hyperlanetest.Each(t, func(t *testing.T, d hyperlanetest.Driver) {
		c := serve(t, d, nil)
		ann := enter(t, c, "ann", "lobby", "")
		bob := enter(t, c, "bob", "lobby", "")
		ann.sees("joined", "bob")
		eve := enter(t, c, "eve", "lobby", "")
		ann.sees("joined", "eve")
		bob.sees("joined", "eve")
		// Who is told of a hint has subscribed to hints right after the welcome: wait until all three have.
		for _, v := range []*visitor{ann, bob, eve} {
			v.send(request{Type: "say", ID: uuid.NewString(), Text: "here", To: v.welcome.User})
			v.hears(v.welcome.User, v.welcome.User, "here")
		}
		bob.send(request{Type: "typing"})
		ann.sees("typing", "bob")
		eve.sees("typing", "bob")
		bob.send(request{Type: "typing", To: "eve"})
		eve.sees("typing", "bob")
		bob.say("done", "")
		for _, v := range []*visitor{ann, bob, eve} {
			v.hears("bob", "", "done") // and no hint before, neither bob's own nor eve's
		}
		if got := texts(enter(t, c, "dan", "lobby", "").welcome.Messages); !slices.Equal(got, []string{"done"}) {
			t.Errorf("kept is %q", got)
		}
	})
}

func TestWhoComesBackGetsExactlyWhatWasMissed(t *testing.T) {
	hyperlanetest.Each(t, func(t *testing.T, d hyperlanetest.Driver) {
		c := serve(t, d, nil)
		ann := enter(t, c, "ann", "lobby", "")
		bob := enter(t, c, "bob", "lobby", "")
		ann.sees("joined", "bob")
		ann.say("one", "")
		at := bob.hears("ann", "", "one").Position
		bob.leave()
		ann.hears("ann", "", "one")
		ann.sees("left", "bob")
		const many = 150 // which is more than a Source.Buffer of bytes
		long := strings.Repeat("ü", 990)
		for i := range many {
			ann.say(long+string(rune('a'+i%26)), map[bool]string{true: "eve", false: ""}[i == 20])
			ann.hears("ann", map[bool]string{true: "eve", false: ""}[i == 20], long+string(rune('a'+i%26)))
		}
		bob = enter(t, c, "bob", "lobby", at.String())
		if w := bob.welcome; !w.Resumed || len(w.Messages) != 0 || w.Position != at || !slices.Equal(w.Here, []string{"ann", "bob"}) {
			t.Errorf("bob comes back to %+v", w)
		}
		ann.sees("joined", "bob")
		for i := range many {
			if i != 20 {
				bob.hears("ann", "", long+string(rune('a'+i%26)))
			}
		}
		ann.say("news", "")
		bob.hears("ann", "", "news")

		for name, since := range map[string]string{"nothing": "", "no position": "nonsense", "of another life": "00000000.5"} {
			dan := enter(t, c, "dan", "lobby", since)
			if w := dan.welcome; w.Resumed || len(w.Messages) != many+1 || w.Messages[0].Text != "one" || w.Messages[many].Text != "news" ||
				w.Position != w.Messages[many].Position {
				t.Errorf("with %s dan gets %d messages up to %v, resumed %v", name, len(w.Messages), w.Position, w.Resumed)
			}
		}
	})
}

func TestWhatIsSaidTwiceIsHeardOnce(t *testing.T) {
	c := serve(t, hyperlanetest.Blocking, nil)
	ann := enter(t, c, "ann", "lobby", "")
	eve := enter(t, c, "eve", "lobby", "")
	ann.sees("joined", "eve")
	again := request{Type: "say", ID: uuid.NewString(), Text: "hello"}
	for range 2 {
		ann.send(again)
	}
	ann.say("next", "")
	ann.hears("ann", "", "hello")
	ann.hears("ann", "", "next")
	eve.hears("ann", "", "hello")
	eve.hears("ann", "", "next")
	eve.send(again) // the id is hers, too
	ann.hears("eve", "", "hello")
}

func TestWhatCannotBeTakenIsAnswered(t *testing.T) {
	id := uuid.NewString()
	tests := map[string]struct {
		say  any
		want string // part of the answer; "" if it is taken
	}{
		"1,000 characters":       {request{Type: "say", ID: id, Text: strings.Repeat("😀", 1000)}, ""},
		"1,001 characters":       {request{Type: "say", ID: id, Text: strings.Repeat("😀", 1001)}, "1001 characters, and 1000 are allowed"},
		"nothing but space":      {request{Type: "say", ID: id, Text: " \n\t "}, "nothing in it"},
		"no id":                  {request{Type: "say", Text: "hi"}, "UUID"},
		"an id that is no UUID":  {request{Type: "say", ID: "1", Text: "hi"}, "UUID"},
		"a UUID in another form": {request{Type: "say", ID: "{" + id + "}", Text: "hi"}, "UUID"},
		"to a name of two lines": {request{Type: "say", ID: id, Text: "hi", To: "a\nb"}, "such a name"},
		"no kind":                {request{ID: id}, "no kind"},
		"a number":               {7, "no message"},
	}
	hyperlanetest.Each(t, func(t *testing.T, d hyperlanetest.Driver) {
		c := serve(t, d, nil)
		for name, test := range tests {
			t.Run(name, func(t *testing.T) {
				ann := enter(t, c, "ann", "r"+uuid.NewString()[:8], "")
				ann.send(test.say)
				if test.want == "" {
					ann.hears("ann", "", test.say.(request).Text)
					return
				}
				e := ann.next("error")
				if r, ok := test.say.(request); !strings.Contains(e.Text, test.want) || ok && e.ID != r.ID {
					t.Errorf("got %+v, want %q", e, test.want)
				}
				ann.say("still open", "")
				ann.hears("ann", "", "still open")
			})
		}
	})
}

func TestNamesComeFromAProxyOrACookie(t *testing.T) {
	hyperlanetest.Each(t, func(t *testing.T, d hyperlanetest.Driver) {
		c := serve(t, d, nil)
		shake := func() *hyperlanetest.Request {
			return c.Request("GET", "/rooms/lobby").Header("Connection", "Upgrade").Header("Upgrade", "websocket").
				Header("Sec-WebSocket-Version", "13").Header("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
		}
		for name, values := range map[string][]string{
			"two": {"ann", "bob"}, "empty": {""}, "long": {strings.Repeat("a", 41)}, "not UTF-8": {"\xff"}, "invisible": {"a\u202eb"},
		} {
			r := shake()
			for _, v := range values {
				r.Header("X-User-ID", v)
			}
			if got := r.Send().HTTP().StatusCode; got != 400 {
				t.Errorf("%s: got %d", name, got)
			}
		}
		c.Get("/rooms/Not_A_Room").Status(404)
		if got := shake().Header("Origin", "http://elsewhere.example").Send().HTTP().StatusCode; got != 403 {
			t.Errorf("a page from elsewhere gets %d", got)
		}

		anonymous := enterWith(t, c, "lobby", "", nil)
		if !regexp.MustCompile(`^anonymous_[0-9]{8}$`).MatchString(anonymous.welcome.User) {
			t.Errorf("got the name %q", anonymous.welcome.User)
		}
		cookie := handshakeCookie(t, c)
		first := enterWith(t, c, "lobby", "", http.Header{"Cookie": {cookie.Name + "=" + cookie.Value}})
		second := enterWith(t, c, "lobby", "", http.Header{"Cookie": {cookie.Name + "=" + cookie.Value}})
		if first.welcome.User != second.welcome.User || !cookie.HttpOnly || cookie.SameSite != http.SameSiteLaxMode {
			t.Errorf("got %q and %q with %+v", first.welcome.User, second.welcome.User, cookie)
		}
		forged := enterWith(t, c, "lobby", "", http.Header{"Cookie": {"user=" + first.welcome.User}})
		if forged.welcome.User == first.welcome.User {
			t.Errorf("a cookie without a signature is %q", forged.welcome.User)
		}
	})
}

// handshakeCookie returns the cookie that comes with an upgrade.
func handshakeCookie(t *testing.T, c *hyperlanetest.Client) *http.Cookie {
	t.Helper()
	conn := c.Dial()
	defer conn.Close()
	if _, err := conn.Write([]byte("GET /rooms/lobby HTTP/1.1\r\nHost: example.com\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil || response.StatusCode != 101 || len(response.Cookies()) != 1 {
		t.Fatalf("got %+v, %v", response, err)
	}
	return response.Cookies()[0]
}
