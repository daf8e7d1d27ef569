// What a page and the server say to each other, all of it JSON in text messages.
//
// A page opens a WebSocket at /rooms/ROOM. One that comes back opens /rooms/ROOM?since=POSITION, with the position of the last message that
// it has got. It may say:
//
//	{"type":"say","id":UUID,"text":TEXT}           to everybody in the room
//	{"type":"say","id":UUID,"text":TEXT,"to":USER} to one user, and to itself on all its pages
//	{"type":"typing"}                              with "to" as above; a hint, which is not kept
//
// The id is the page's own choice. It may say the same again with the same id when it does not know whether it was heard: it is heard once.
// A page is told:
//
//	{"type":"welcome","user":USER,"room":ROOM,"here":[USER...],"resumed":BOOL,"messages":[MESSAGE...],"position":POSITION}
//	{"type":"message","id":UUID,"user":USER,"to":USER,"text":TEXT,"time":MILLISECONDS,"position":POSITION}
//	{"type":"joined","user":USER}, {"type":"left","user":USER}, {"type":"typing","user":USER,"to":USER}
//	{"type":"missed","count":N}              it was too slow: it should come back with its position
//	{"type":"error","id":UUID,"text":TEXT}   what it said, with this id if it had one, was not taken
//
// The welcome is the first. If it says that the page was resumed, everything since its position follows, once, and messages is empty.
// Otherwise messages are the last of the room. What is published right then may be among them and come once more: the id tells.

package main

import (
	"encoding/json"

	"github.com/hyperlane-go/hyperlane/broadcast"
	"github.com/hyperlane-go/hyperlane/websocket"
)

// request is what a page says.
type request struct {
	Type string `json:"type"`
	ID   string `json:"id"`
	To   string `json:"to"`
	Text string `json:"text"`
}

// said is what is published of a message; the hub knows the rest.
type said struct {
	ID   string `json:"id,omitempty"`
	To   string `json:"to,omitempty"`
	Text string `json:"text,omitempty"`
}

// event is what a page is told, but for the welcome.
type event struct {
	Type string `json:"type"`
	User string `json:"user,omitempty"`
	said
	Time     int64              `json:"time,omitempty"` // Unix time in milliseconds
	Position broadcast.Position `json:"position,omitzero"`
	Count    uint64             `json:"count,omitempty"`
}

// welcome is what a page is told first.
type welcome struct {
	Type     string             `json:"type"`
	User     string             `json:"user"`
	Room     string             `json:"room"`
	Here     []string           `json:"here"`
	Resumed  bool               `json:"resumed"`
	Messages []event            `json:"messages"`
	Position broadcast.Position `json:"position"`
}

// eventOf returns what pages are told of a message of the hub.
func eventOf(m *broadcast.Message) event {
	e := event{Type: m.Name, User: m.From, Position: m.Position}
	switch m.Kind {
	case broadcast.Joined:
		e.Type = "joined"
	case broadcast.Left:
		e.Type = "left"
	case broadcast.Published:
		e.Time = m.Time.UnixMilli()
		if err := json.Unmarshal(m.Data, &e.said); err != nil {
			e.Type = "unknown" // it comes from a node that speaks another version
		}
	}
	return e
}

// encode is for the sources of topics: a message is encoded once, whoever gets it.
func encode(m *broadcast.Message) (websocket.Type, []byte) {
	p, err := json.Marshal(eventOf(m))
	if err != nil {
		return websocket.Text, nil // which is not sent
	}
	return websocket.Text, p
}

func missed(n uint64) (websocket.Type, []byte) {
	p, _ := json.Marshal(event{Type: "missed", Count: n})
	return websocket.Text, p
}
