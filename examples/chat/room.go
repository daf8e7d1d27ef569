package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/hyperlane-go/hyperlane"
	"github.com/hyperlane-go/hyperlane/broadcast"
	"github.com/hyperlane-go/hyperlane/websocket"
)

// longestText is characters of a message.
const longestText = 1000

// rules keep what is said in a room for a day, and know who is there. Hints that somebody is typing are a topic of their own, which
// keeps nothing.
func rules(topic broadcast.Topic) broadcast.Rules {
	if topic.Parts()[0] == "typing" {
		return broadcast.Rules{}
	}
	return broadcast.Rules{History: broadcast.Retention{Count: 200, Age: 24 * time.Hour}, Presence: true}
}

// rooms is what pages talk to.
type rooms struct {
	hub      *broadcast.Hub
	said     *websocket.Source // what is said in rooms
	hints    *websocket.Source // who is typing
	endpoint *websocket.Endpoint
}

func newRooms(hub *broadcast.Hub) *rooms {
	r := &rooms{hub: hub}
	r.said = websocket.NewSource(hub, websocket.SourceConfig{Encode: encode, Missed: missed})
	r.hints = websocket.NewSource(hub, websocket.SourceConfig{Encode: encode, Missed: func(uint64) (websocket.Type, []byte) { return 0, nil }})
	r.endpoint = websocket.New(websocket.Config{MessageLimit: 16 << 10}, websocket.Events{Open: r.open, Message: r.receive})
	return r
}

// visit is what a connection keeps: who is in which room.
type visit struct {
	user, room string
	since      broadcast.Position
}

type visitKey struct{}

func (v *visit) topic(kind string) broadcast.Topic { return broadcast.TopicOf(kind, v.room) }

// enter is the handler of a room.
func (r *rooms) enter(c *hyperlane.Context) error {
	user, err := identify(c)
	if err != nil {
		return err
	}
	since, _ := broadcast.ParsePosition(c.Query("since")) // without one that can be understood the page starts anew
	c.Set(visitKey{}, &visit{user, c.Param("room"), since})
	return r.endpoint.Serve(c)
}

// open lets a connection into its room.
func (r *rooms) open(c *websocket.Conn) {
	v := c.Value(visitKey{}).(*visit)
	err := r.welcome(c, v)
	if err == nil {
		_, err = r.hints.Subscribe(c.Context(), c, v.topic("typing"), broadcast.As{Key: v.user})
	}
	if err != nil && c.Context().Err() == nil {
		slog.Error("a room cannot be entered", "room", v.room, "error", err)
		c.Close(websocket.StatusTryAgain, "the room cannot be entered now")
	}
}

// welcome subscribes the connection and tells it where it is. What happens in the room meanwhile waits behind the welcome, because that
// is a message which has begun: so who is here, and who comes and goes after it, add up.
func (r *rooms) welcome(c *websocket.Conn, v *visit) (err error) {
	ctx, topic, as := c.Context(), v.topic("room"), broadcast.As{Key: v.user, Since: v.since}
	w, err := c.Writer(ctx, websocket.Text)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	_, err = r.said.Subscribe(ctx, c, topic, as)
	if errors.Is(err, broadcast.ErrUnrecoverable) {
		as.Since = broadcast.Position{}
		_, err = r.said.Subscribe(ctx, c, topic, as)
	}
	if err != nil {
		return err
	}
	hello := welcome{Type: "welcome", User: v.user, Room: v.room, Here: []string{}, Messages: []event{}, Position: as.Since}
	if hello.Resumed = as.Since != (broadcast.Position{}); !hello.Resumed {
		var messages []*broadcast.Message
		if messages, hello.Position, err = r.hub.History(ctx, topic, as); err != nil {
			return err
		}
		for _, m := range messages {
			hello.Messages = append(hello.Messages, eventOf(m))
		}
	}
	members, err := r.hub.Presence(ctx, topic)
	if err != nil {
		return err
	}
	for _, m := range members {
		hello.Here = append(hello.Here, m.Key)
	}
	return json.NewEncoder(w).Encode(hello)
}

// receive takes what a page says.
func (r *rooms) receive(c *websocket.Conn, m websocket.Message) {
	v := c.Value(visitKey{}).(*visit)
	var in request
	err := json.Unmarshal(m.Data, &in)
	switch {
	case err != nil:
		err = refusal("This is no message.")
	case in.To != "" && !validName(in.To):
		err = refusal("Nobody has such a name.")
	case in.Type == "say":
		err = r.say(c.Context(), v, in)
	case in.Type == "typing":
		hint := broadcast.Publication{Name: "typing", From: v.user, To: in.To, ExceptKey: v.user}
		err = r.publish(c.Context(), v.topic("typing"), hint, said{To: in.To})
	default:
		err = refusal("This is no kind of message.")
	}
	if err == nil || c.Context().Err() != nil {
		return
	}
	problem := event{Type: "error", said: said{ID: in.ID}}
	if problem.Text = "It was not sent. Please try again."; errors.Is(err, broadcast.ErrNotKept) {
		problem.Text = "The other servers are out of reach: only some have got it."
	}
	if known, ok := errors.AsType[refusal](err); ok {
		problem.Text = string(known)
	} else {
		slog.Error("a message was not published", "room", v.room, "error", err)
	}
	c.SendJSON(problem)
}

// refusal is an error whose text is for the user.
type refusal string

func (r refusal) Error() string { return string(r) }

// say publishes a message: to all, or to one user and to its sender.
func (r *rooms) say(ctx context.Context, v *visit, in request) error {
	id, err := uuid.Parse(in.ID)
	if err != nil || id.String() != in.ID {
		return refusal("A message needs a UUID.")
	}
	text := strings.TrimSpace(in.Text)
	if text == "" {
		return refusal("There is nothing in it.")
	}
	if n := utf8.RuneCountInString(text); n > longestText {
		return refusal(fmt.Sprintf("This is too long: %d characters, and %d are allowed.", n, longestText))
	}
	recipients := []string{in.To}
	if in.To != "" && in.To != v.user {
		recipients = append(recipients, v.user)
	}
	for _, to := range recipients {
		// An id is one user's, for one recipient: nobody can take another's.
		own := uuid.NewSHA1(uuid.NewSHA1(id, []byte(v.user)), []byte(to)).String()
		err := r.publish(ctx, v.topic("room"), broadcast.Publication{Name: "message", ID: own, From: v.user, To: to}, said{in.ID, in.To, text})
		if err != nil {
			return err
		}
	}
	return nil
}

func (r *rooms) publish(ctx context.Context, topic broadcast.Topic, p broadcast.Publication, s said) (err error) {
	if p.Data, err = json.Marshal(s); err != nil {
		return err
	}
	_, err = r.hub.Publish(ctx, topic, p)
	return err
}
