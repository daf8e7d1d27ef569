package chart

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/plot/vg"
)

// wellFormed fails unless the picture is XML, and returns it.
func wellFormed(t *testing.T, svg []byte, err error) string {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	for decoder := xml.NewDecoder(strings.NewReader(string(svg))); ; {
		_, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return string(svg)
		}
		if err != nil {
			t.Fatalf("not well-formed: %v", err)
		}
	}
}

func TestAGridWritesEveryValueInFullAndLeavesOutWhatIsMissing(t *testing.T) {
	grid := Grid{
		Title: "title", Subtitle: "R&D", Note: "note",
		Rows:    []Row{{Name: "one"}, {Name: "two", Tone: Accented}},
		Columns: []Column{{"first\nheading", []float64{1, 0}}, {"second", []float64{123, 2}}},
		Format:  func(v float64) string { return fmt.Sprintf("<%.1f>", v) }, Reference: 1, Limit: 4,
	}
	svg, err := grid.SVG()
	text := wellFormed(t, svg, err)
	for _, want := range []string{"title", "R&amp;D", "note", "one", "two", "first", "heading", "second", "&lt;1.0&gt;", "&lt;123.0&gt;", "&lt;2.0&gt;", "sans-serif"} {
		if !strings.Contains(text, want) {
			t.Errorf("the picture does not say %q", want)
		}
	}
	if strings.Contains(text, "&lt;0.0&gt;") {
		t.Error("the missing value is written")
	}
}

func TestLinesCarryTheirNames(t *testing.T) {
	lines := Lines{Title: "title", Panels: []Panel{{
		Heading: "heading", Ticks: []float64{1, 100, 10_000}, Format: func(v float64) string { return fmt.Sprint(v) },
		Lines: []Line{
			{Row{"one", Accented}, []float64{1, 100, 10_000}, []float64{4, 5, 6.5}},
			{Row{"two", Plain}, []float64{1, 100, 10_000}, []float64{4, 5, 6.5}},
		},
	}}}
	svg, err := lines.SVG()
	text := wellFormed(t, svg, err)
	for _, want := range []string{"heading", "one  6.5", "two  6.5", "10,000"} {
		if !strings.Contains(text, want) {
			t.Errorf("the picture does not say %q", want)
		}
	}
}

func TestNamesDoNotTouch(t *testing.T) {
	for range 100 {
		var places []vg.Length
		for range 14 {
			places = append(places, vg.Length(10+80*rand.Float64()))
		}
		moved := spread(places, 9, 0, 200)
		for i, a := range moved {
			if a < 0 || a > 200 {
				t.Fatalf("%v moved to %v, out of 0 to 200", places, moved)
			}
			for j, b := range moved {
				if i != j && a <= b && b-a < 8.5 {
					t.Fatalf("%v moved to %v: %v and %v are too close", places, moved, a, b)
				}
				if places[i] < places[j] && a > b {
					t.Fatalf("%v moved to %v: %v and %v changed places", places, moved, a, b)
				}
			}
		}
	}
	apart := []vg.Length{50, 10, 90}
	if got := spread(apart, 9, 0, 100); !slices.Equal(got, apart) {
		t.Errorf("spread(%v) = %v, want them where they are", apart, got)
	}
}

func TestDigitsAreGrouped(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 10_000: "10,000", 1_234_567: "1,234,567"} {
		if got := GroupDigits(n); got != want {
			t.Errorf("GroupDigits(%d) = %q, want %q", n, got, want)
		}
	}
}
