package websocket_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/hyperlane-go/hyperlane"
	"github.com/hyperlane-go/hyperlane/broadcast"
	"github.com/hyperlane-go/hyperlane/hyperlanetest"
	"github.com/hyperlane-go/hyperlane/websocket"
)

var news = broadcast.TopicOf("news")

// member is what a test needs of the server's end of a connection.
type member struct {
	conn *websocket.Conn
	sub  *websocket.Subscription
	over chan error
}

// topicOnEach serves a topic at /ws on every driver: whoever connects is a subscriber, and is told by joined.
func topicOnEach(t *testing.T, rules broadcast.Rules, config websocket.SourceConfig, test func(t *testing.T, c *hyperlanetest.Client, hub *broadcast.Hub, joined <-chan *member)) {
	hyperlanetest.Each(t, func(t *testing.T, d hyperlanetest.Driver) {
		hub := broadcast.NewHub(broadcast.HubConfig{Rules: func(broadcast.Topic) broadcast.Rules { return rules }})
		t.Cleanup(func() { hub.Close(context.Background()) })
		source := websocket.NewSource(hub, config)
		joined := make(chan *member, 16)
		key := new(int)
		endpoint := websocket.New(websocket.Config{}, websocket.Events{
			Open: func(conn *websocket.Conn) {
				m := &member{conn: conn, over: make(chan error, 1)}
				conn.Set(key, m)
				var err error
				if m.sub, err = source.Subscribe(context.Background(), conn, news, broadcast.As{}); err != nil {
					conn.Close(websocket.StatusTryAgain, err.Error())
					return
				}
				joined <- m
			},
			Close: func(conn *websocket.Conn, err error) { conn.Value(key).(*member).over <- err },
		})
		c := d.Serve(t, hyperlane.Config{}, func(s *hyperlane.Server) { s.Get("/ws", endpoint.Serve) })
		test(t, c, hub, joined)
	})
}

// counts are those of the topic; zero if nobody is there.
func counts(hub *broadcast.Hub) broadcast.TopicStats {
	s, _ := hub.TopicStats(news)
	return s
}

func publish(t *testing.T, hub *broadcast.Hub, data string) {
	t.Helper()
	if _, err := hub.Publish(t.Context(), news, broadcast.Publication{Data: []byte(data)}); err != nil {
		t.Fatal(err)
	}
}

func TestSubscribersGetWhatIsPublishedInTheirOwnForm(t *testing.T) {
	topicOnEach(t, broadcast.Rules{}, websocket.SourceConfig{}, func(t *testing.T, c *hyperlanetest.Client, hub *broadcast.Hub, joined <-chan *member) {
		plain, _ := upgrade(t, c)
		await(t, "the first joins", joined)
		small, _ := upgrade(t, c, "Sec-WebSocket-Extensions: permessage-deflate")
		await(t, "the second joins", joined)
		long := strings.Repeat("all the news, ", 100)
		publish(t, hub, "short")
		publish(t, hub, long)
		publish(t, hub, "\xff\xfe")
		publish(t, hub, "")
		plain.wants(got(0x81, "short"), got(0x81, long), got(0x82, "\xff\xfe"), got(0x81, ""))
		small.wants(got(0x81, "short"))
		first, payload, err := small.frame()
		if err != nil || first != 0xc1 || len(payload) > len(long)/4 {
			t.Fatalf("got a frame that begins with %#x, of %d bytes, %v", first, len(payload), err)
		}
		if text, err := inflate(payload, ""); err != nil || text != long {
			t.Errorf("it expands to %d bytes, %v", len(text), err)
		}
		small.wants(got(0x82, "\xff\xfe"), got(0x81, ""))
	})
}

func TestASubscriptionThatIsClosedLeavesTheConnectionOpen(t *testing.T) {
	topicOnEach(t, broadcast.Rules{}, websocket.SourceConfig{}, func(t *testing.T, c *hyperlanetest.Client, hub *broadcast.Hub, joined <-chan *member) {
		w, _ := upgrade(t, c)
		m := await(t, "joins", joined)
		publish(t, hub, "one")
		m.sub.Close()
		m.sub.Close()
		publish(t, hub, "two")
		if err := m.conn.SendText("three"); err != nil {
			t.Fatal(err)
		}
		w.wants(got(0x81, "one"), got(0x81, "three"))
	})
}

func TestAConnectionThatEndsLeavesItsTopics(t *testing.T) {
	topicOnEach(t, broadcast.Rules{}, websocket.SourceConfig{}, func(t *testing.T, c *hyperlanetest.Client, hub *broadcast.Hub, joined <-chan *member) {
		w, _ := upgrade(t, c)
		m := await(t, "joins", joined)
		w.nc.Close()
		await(t, "ends", m.over)
		if n := counts(hub).Subscribers; n != 0 {
			t.Errorf("the topic has %d subscribers, want 0", n)
		}
		late := websocket.NewSource(hub, websocket.SourceConfig{})
		if _, err := late.Subscribe(t.Context(), m.conn, news, broadcast.As{}); !errors.Is(err, websocket.ErrClosed) {
			t.Errorf("Subscribe after the end: got %v, want ErrClosed", err)
		}
	})
}

func TestMessagesOfATopicWaitForTheEndOfAMessageInPieces(t *testing.T) {
	topicOnEach(t, broadcast.Rules{}, websocket.SourceConfig{}, func(t *testing.T, c *hyperlanetest.Client, hub *broadcast.Hub, joined <-chan *member) {
		w, _ := upgrade(t, c)
		m := await(t, "joins", joined)
		writer, err := m.conn.Writer(t.Context(), websocket.Text)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprint(writer, "to be ")
		for i := range 3 {
			publish(t, hub, fmt.Sprint(i))
		}
		fmt.Fprint(writer, "continued")
		if err := writer.Close(); err != nil {
			t.Fatal(err)
		}
		w.wants(got(0x01, "to be "), got(0x00, "continued"), got(0x80, ""), got(0x81, "0"), got(0x81, "1"), got(0x81, "2"))
	})
}

// What a newcomer has missed is delivered before the hub has subscribed it: when it has room again it may still be waiting for that.
func TestANewcomerGetsWhatItMissedHoweverLongItTakesToSubscribe(t *testing.T) {
	hyperlanetest.Each(t, func(t *testing.T, d hyperlanetest.Driver) {
		rules := broadcast.Rules{Presence: true, History: broadcast.Retention{Count: 10}}
		hub := broadcast.NewHub(broadcast.HubConfig{Rules: func(broadcast.Topic) broadcast.Rules { return rules }})
		t.Cleanup(func() { hub.Close(context.Background()) })
		joined := make(chan *websocket.Conn, 2)
		endpoint := websocket.New(websocket.Config{}, websocket.Events{Open: func(conn *websocket.Conn) { joined <- conn }})
		c := d.Serve(t, hyperlane.Config{}, func(s *hyperlane.Server) { s.Get("/ws", endpoint.Serve) })
		upgrade(t, c)
		present := await(t, "the first connects", joined)
		w, _ := upgrade(t, c)
		newcomer := await(t, "the newcomer connects", joined)

		var writer io.WriteCloser
		source := websocket.NewSource(hub, websocket.SourceConfig{Encode: func(m *broadcast.Message) (websocket.Type, []byte) {
			if m.Kind == broadcast.Joined && m.From == "newcomer" {
				writer.Close()                    // there is room now
				time.Sleep(20 * time.Millisecond) // and it is looked for; but the hub tells the others first that the newcomer is there
			}
			return websocket.Text, m.Data
		}})
		if _, err := source.Subscribe(t.Context(), present, news, broadcast.As{Key: "present"}); err != nil {
			t.Fatal(err)
		}
		first, err := hub.Publish(t.Context(), news, broadcast.Publication{Data: []byte("0")})
		if err != nil {
			t.Fatal(err)
		}
		publish(t, hub, "1")
		publish(t, hub, "2")
		if writer, err = newcomer.Writer(t.Context(), websocket.Text); err != nil {
			t.Fatal(err)
		}
		fmt.Fprint(writer, "no room")
		if _, err := source.Subscribe(t.Context(), newcomer, news, broadcast.As{Key: "newcomer", Since: first.Position}); err != nil {
			t.Fatal(err)
		}
		w.wants(got(0x01, "no room"), got(0x80, ""), got(0x81, "1"), got(0x81, "2"))
	})
}

// overflow publishes until a peer that does not read has more waiting for it than fits, and is told how much was published.
func overflow(t *testing.T, hub *broadcast.Hub, enough func() bool) (published int) {
	t.Helper()
	text := strings.Repeat("x", 8<<10)
	for end := time.Now().Add(soon); !enough(); published++ {
		if time.Now().After(end) {
			t.Fatalf("%d messages were not enough", published)
		}
		publish(t, hub, fmt.Sprintf("%06d %s", published, text))
	}
	return published
}

func TestASlowMemberIsToldHowMuchItHasMissed(t *testing.T) {
	rules := broadcast.Rules{Backlog: 4}
	topicOnEach(t, rules, websocket.SourceConfig{Buffer: 16 << 10}, func(t *testing.T, c *hyperlanetest.Client, hub *broadcast.Hub, joined <-chan *member) {
		w, _ := upgrade(t, c)
		await(t, "joins", joined)
		published := overflow(t, hub, func() bool { return counts(hub).Missed > 0 })
		seen, missed := 0, 0
		for seen+missed < published {
			first, payload, err := w.frame()
			if err != nil || first != 0x81 {
				t.Fatalf("a frame that begins with %#x, %v, after %d messages and %d missed", first, err, seen, missed)
			}
			var n int
			if _, err := fmt.Sscanf(payload, `{"missed":%d}`, &n); err == nil {
				missed += n
				continue
			}
			if want := fmt.Sprintf("%06d ", seen+missed); payload[:len(want)] != want {
				t.Fatalf("got message %s, want %s", payload[:len(want)], want)
			}
			seen++
		}
		if missed == 0 {
			t.Errorf("got all of %d, and none was missed", published)
		}
	})
}

func TestASlowMemberIsDisconnectedWith1013IfTheTopicSaysSo(t *testing.T) {
	rules := broadcast.Rules{Lag: broadcast.Disconnect, Backlog: 4}
	topicOnEach(t, rules, websocket.SourceConfig{Buffer: 16 << 10}, func(t *testing.T, c *hyperlanetest.Client, hub *broadcast.Hub, joined <-chan *member) {
		w, _ := upgrade(t, c)
		await(t, "joins", joined)
		overflow(t, hub, func() bool { return counts(hub).Subscribers == 0 })
		for {
			first, payload, err := w.frame()
			if err != nil {
				t.Fatalf("the end came without a close frame: %v", err)
			}
			if first == 0x88 {
				if want := closing(1013, ""); payload[:2] != want {
					t.Errorf("closed with %q, want %q", payload, want)
				}
				return
			}
		}
	})
}

func TestAHubThatClosesEndsItsConnectionsWith1001(t *testing.T) {
	topicOnEach(t, broadcast.Rules{}, websocket.SourceConfig{}, func(t *testing.T, c *hyperlanetest.Client, hub *broadcast.Hub, joined <-chan *member) {
		w, _ := upgrade(t, c)
		await(t, "joins", joined)
		if err := hub.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		if frame, err := w.next(); frame != closed(1001) {
			t.Fatalf("got %s, %v, want %s", frame, err, closed(1001))
		}
		w.send(f(0x88, closing(1001, "")))
		if b, err := w.r.ReadByte(); !errors.Is(err, io.EOF) {
			t.Errorf("behind the close frame: %#x, %v", b, err)
		}
	})
}

func TestAConnectionThatWasDialledCannotSubscribe(t *testing.T) {
	topicOnEach(t, broadcast.Rules{}, websocket.SourceConfig{}, func(t *testing.T, c *hyperlanetest.Client, hub *broadcast.Hub, _ <-chan *member) {
		conn := dial(t, c, websocket.DialConfig{})
		if _, err := websocket.NewSource(hub, websocket.SourceConfig{}).Subscribe(t.Context(), conn, news, broadcast.As{}); err == nil {
			t.Error("it could")
		}
	})
}

func TestAPreparedMessageIsSentToEachInItsForm(t *testing.T) {
	text := strings.Repeat("prepared once, ", 100)
	prepared := websocket.Prepare(websocket.Text, []byte(text))
	greet := func() *websocket.Endpoint {
		return websocket.New(websocket.Config{}, websocket.Events{Open: func(c *websocket.Conn) { c.SendPrepared(prepared) }})
	}
	each(t, greet, func(t *testing.T, c *hyperlanetest.Client, _ *websocket.Endpoint) {
		plain, _ := upgrade(t, c)
		plain.wants(got(0x81, text))
		small, _ := upgrade(t, c, "Sec-WebSocket-Extensions: permessage-deflate")
		first, payload, err := small.frame()
		if err != nil || first != 0xc1 {
			t.Fatalf("got a frame that begins with %#x, %v", first, err)
		}
		if back, err := inflate(payload, ""); err != nil || back != text {
			t.Errorf("it expands to %d bytes, %v", len(back), err)
		}
	})
	each(t, echo(websocket.Config{}), func(t *testing.T, c *hyperlanetest.Client, _ *websocket.Endpoint) {
		conn := dial(t, c, websocket.DialConfig{})
		if err := conn.SendPrepared(prepared); err != nil {
			t.Fatal(err)
		}
		if kind, back, err := conn.Read(within(t)); err != nil || kind != websocket.Text || string(back) != text {
			t.Errorf("a client's comes back as %v of %d bytes, %v", kind, len(back), err)
		}
	})
}
