// Package chart draws what the bench command measured: bars beside their values, and lines that carry their names.
//
//	grid := chart.Grid{Title: "Server CPU time per request", Columns: columns, Rows: rows, Format: format}
//	svg, err := grid.SVG()
//
// A chart is a picture of 900 pixels' width on white, so that it can be read on a dark page, too. One name, the accented one, has a colour;
// the others are grey.
package chart

import (
	"bytes"
	"image/color"

	"golang.org/x/image/font"
	"gonum.org/v1/plot"
	plotfont "gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// Tone is how much a name stands out.
type Tone int

const (
	Plain     Tone = iota // the peers
	Related               // what belongs to the accented one
	Accented              // what the chart is about
	Yardstick             // what the others are compared with
)

var (
	ink    = color.NRGBA{0x1f, 0x23, 0x28, 0xff}
	faint  = color.NRGBA{0x59, 0x63, 0x6e, 0xff}
	white  = color.NRGBA{0xff, 0xff, 0xff, 0xff}
	rule   = color.NRGBA{0xd1, 0xd9, 0xe0, 0xff}
	shades = map[Tone]color.NRGBA{
		Plain:     {0xc4, 0xca, 0xd1, 0xff},
		Related:   {0x9a, 0xa3, 0xad, 0xff},
		Accented:  {0xd9, 0x5f, 0x02, 0xff},
		Yardstick: {0x57, 0x60, 0x6a, 0xff},
	}
)

// The sizes are points; 675 of them are 900 pixels.
const (
	width  vg.Length = 675
	margin vg.Length = 15

	titleSize = 12
	textSize  = 8.5
	noteSize  = 7.5

	head vg.Length = 48 // with the title and the subtitle
	foot vg.Length = 30 // with the note
)

// textStyle is the look of a text. It hangs on its left end, because a viewer whose font is wider would move the right one.
func textStyle(size vg.Length, c color.Color) text.Style {
	return text.Style{
		Color: c, XAlign: text.XLeft, YAlign: text.YCenter, Handler: plot.DefaultTextHandler,
		Font: plotfont.Font{Typeface: "Liberation", Variant: "Sans", Size: size},
	}
}

func bold(style text.Style) text.Style {
	style.Font.Weight = font.WeightBold
	return style
}

// page begins a picture with the title and the subtitle at its head and the note at its foot. What is between them is free.
func page(height vg.Length, title, subtitle, note string) (*vgsvg.Canvas, draw.Canvas) {
	picture := vgsvg.New(width, height)
	c := draw.New(picture)
	c.FillPolygon(white, []vg.Point{{}, {X: width}, {X: width, Y: height}, {Y: height}})
	c.FillText(bold(textStyle(titleSize, ink)), vg.Point{X: margin, Y: height - 18}, title)
	c.FillText(textStyle(textSize, faint), vg.Point{X: margin, Y: height - 34}, subtitle)
	c.FillText(textStyle(noteSize, faint), vg.Point{X: margin, Y: 13}, note)
	return picture, c
}

// encode finishes the picture. Whoever has not the font of the layout has one with the same widths.
func encode(picture *vgsvg.Canvas) ([]byte, error) {
	var b bytes.Buffer
	if _, err := picture.WriteTo(&b); err != nil {
		return nil, err
	}
	return bytes.ReplaceAll(b.Bytes(), []byte("font-family:Liberation Sans;"), []byte("font-family:'Liberation Sans',Arial,Helvetica,sans-serif;")), nil
}
