package broadcast_test

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/hyperlane-go/hyperlane/broadcast"
)

func TestTopicsWithDifferentPartsAreDifferent(t *testing.T) {
	tests := []struct {
		parts []string
		text  string // String: also what tells them apart
	}{
		{nil, ""},
		{[]string{""}, "/"},
		{[]string{"", ""}, "//"},
		{[]string{"a-b", "c"}, "/a-b/c"},
		{[]string{"a", "b-c"}, "/a/b-c"},
		{[]string{"a/b"}, "/a%2Fb"},
		{[]string{"a", "b"}, "/a/b"},
		{[]string{"a%2Fb"}, "/a%252Fb"},
		{[]string{"grün"}, "/grün"},
		{[]string{"\xff\n\x7f"}, "/%FF%0A%7F"},
		{[]string{"\uFFFD"}, "/\uFFFD"},
	}
	seen := map[broadcast.Topic][]string{}
	for _, tt := range tests {
		topic := broadcast.TopicOf(tt.parts...)
		if other, ok := seen[topic]; ok {
			t.Errorf("%q and %q are one topic", tt.parts, other)
		}
		seen[topic] = tt.parts
		if topic.String() != tt.text {
			t.Errorf("%q: text %q, want %q", tt.parts, topic, tt.text)
		}
		if got := topic.Parts(); !slices.Equal(got, tt.parts) {
			t.Errorf("Parts of %q: %q, want %q", topic, got, tt.parts)
		}
	}
}

func TestATextThatNoTopicHasIsRefused(t *testing.T) {
	for _, text := range []string{"a", "/%", "/%2", "/%2f", "/%41", "/\n", "/\xff", "/%ZZ"} {
		if topic, err := broadcast.ParseTopic(text); err == nil {
			t.Errorf("%q was taken as %q", text, topic.Parts())
		}
	}
}

func TestTopicsAndPositionsTravelAsJSON(t *testing.T) {
	type ticket struct {
		Topic broadcast.Topic
		At    broadcast.Position
	}
	want := ticket{broadcast.TopicOf("chat", "a/b\xff"), broadcast.Position{Epoch: "x.y-1", Offset: 7}}
	data, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got ticket
	if err := json.Unmarshal(data, &got); err != nil || got != want {
		t.Errorf("%s became %+v, %v", data, got, err)
	}
}

func FuzzTopicsHaveOneTextEach(f *testing.F) {
	f.Add("/a/b%2Fc", "a-b", "c", "a", "b-c")
	f.Add("//%25", "", "", "/", "%")
	f.Fuzz(func(t *testing.T, text, a, b, c, d string) {
		if topic, err := broadcast.ParseTopic(text); err == nil {
			if topic.String() != text || broadcast.TopicOf(topic.Parts()...) != topic {
				t.Errorf("%q parsed as %q, which is written %q", text, topic.Parts(), topic)
			}
		}
		one, other := broadcast.TopicOf(a, b), broadcast.TopicOf(c, d)
		if (one == other) != (a == c && b == d) {
			t.Errorf("%q, %q and %q, %q: equal is %v", a, b, c, d, one == other)
		}
		if one == broadcast.TopicOf(a+b) {
			t.Errorf("two parts %q, %q are one", a, b)
		}
		if back, err := broadcast.ParseTopic(one.String()); err != nil || back != one {
			t.Errorf("%q does not come back: %q, %v", one, back, err)
		}
	})
}

func FuzzPositionsHaveOneTextEach(f *testing.F) {
	f.Add("abc.12")
	f.Add(".0")
	f.Add("a.b.01")
	f.Fuzz(func(t *testing.T, text string) {
		p, err := broadcast.ParsePosition(text)
		if err == nil && p.String() != text {
			t.Errorf("%q parsed as %+v, which is written %q", text, p, p)
		}
	})
}
