package chart

import (
	"strings"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Grid is a table whose cells are bars, each beside its value. All columns have the same scale.
type Grid struct {
	Title, Subtitle, Note string
	Rows                  []Row
	Columns               []Column
	// Format writes a value.
	Format func(float64) string
	// Reference, unless it is 0, is a value that a line marks.
	Reference float64
	// Limit, unless it is 0, is where longer bars are cut off, visibly. Their values are written in full.
	Limit float64
}

// Row is a name in a [Grid].
type Row struct {
	Name string
	Tone Tone
}

// Column is the values under one heading, one for each row; 0 where there is none. The heading may have several lines.
type Column struct {
	Heading string
	Values  []float64
}

const (
	rowHeight  vg.Length = 15
	barHeight  vg.Length = 9
	nameWidth  vg.Length = 104
	valueRoom  vg.Length = 27 // right of the longest bar
	gap        vg.Length = 8
	lineHeight vg.Length = 10
)

// Empty reports whether there is nothing to draw.
func (g Grid) Empty() bool { return len(g.Columns) == 0 }

// SVG draws the grid.
func (g Grid) SVG() ([]byte, error) {
	headings := g.headingLines()*lineHeight + 10
	height := head + headings + vg.Length(len(g.Rows))*rowHeight + foot
	picture, c := page(height, g.Title, g.Subtitle, g.Note)
	top := height - head - headings
	for i, row := range g.Rows {
		style := textStyle(textSize, ink)
		if row.Tone == Accented {
			style = bold(textStyle(textSize, shades[Accented]))
		}
		c.FillText(style, vg.Point{X: margin, Y: middle(top, i)}, row.Name)
	}
	step := (width - 2*margin - nameWidth) / vg.Length(len(g.Columns))
	for i, column := range g.Columns {
		left := margin + nameWidth + vg.Length(i)*step
		g.drawColumn(c, column, left, top, (step-gap-valueRoom)/vg.Length(g.longest()))
	}
	return encode(picture)
}

// headingLines is how many lines the longest heading has.
func (g Grid) headingLines() vg.Length {
	most := 0
	for _, column := range g.Columns {
		most = max(most, 1+strings.Count(column.Heading, "\n"))
	}
	return vg.Length(most)
}

// middle is where row i is.
func middle(top vg.Length, i int) vg.Length { return top - (vg.Length(i)+0.5)*rowHeight }

// longest is the value of the longest bar.
func (g Grid) longest() float64 {
	longest := g.Reference
	for _, column := range g.Columns {
		for _, value := range column.Values {
			longest = max(longest, value)
		}
	}
	if g.Limit > 0 {
		longest = min(longest, g.Limit)
	}
	return longest
}

// drawColumn draws the bars from left on, a unit of the value as long as unit.
func (g Grid) drawColumn(c draw.Canvas, column Column, left, top, unit vg.Length) {
	lines := strings.Split(column.Heading, "\n")
	for i, line := range lines {
		y := top + 8 + vg.Length(len(lines)-1-i)*lineHeight
		c.FillText(textStyle(textSize, ink), vg.Point{X: left, Y: y}, line)
	}
	bottom := top - vg.Length(len(g.Rows))*rowHeight
	c.StrokeLine2(draw.LineStyle{Color: rule, Width: 0.75}, left, bottom, left, top)
	for i, value := range column.Values {
		if value <= 0 {
			continue
		}
		end := left + vg.Length(min(value, g.longest()))*unit
		y := middle(top, i)
		c.FillPolygon(shades[g.Rows[i].Tone], bar(left, end, y))
		if g.Limit > 0 && value > g.Limit {
			c.StrokeLine2(draw.LineStyle{Color: white, Width: 1.5}, end-7, y-barHeight/2-1, end-4, y+barHeight/2+1)
		}
	}
	if g.Reference > 0 {
		x := left + vg.Length(g.Reference)*unit
		c.StrokeLine2(draw.LineStyle{Color: shades[Yardstick], Width: 0.75, Dashes: []vg.Length{2, 2}}, x, bottom, x, top)
	}
	for i, value := range column.Values {
		if value > 0 {
			end := left + vg.Length(min(value, g.longest()))*unit
			g.writeValue(c, vg.Point{X: end + 3, Y: middle(top, i)}, g.Rows[i].Tone, g.Format(value))
		}
	}
}

// writeValue writes a value on white, so that no line runs through it.
func (g Grid) writeValue(c draw.Canvas, at vg.Point, tone Tone, value string) {
	style := textStyle(noteSize, ink)
	if tone == Accented {
		style = bold(style)
	}
	end := at.X + style.Width(value)*1.15 // should the viewer's font be wider
	c.FillPolygon(white, bar(at.X-1.5, end, at.Y))
	c.FillText(style, at, value)
}

func bar(from, to, y vg.Length) []vg.Point {
	return []vg.Point{
		{X: from, Y: y - barHeight/2}, {X: to, Y: y - barHeight/2}, {X: to, Y: y + barHeight/2}, {X: from, Y: y + barHeight/2},
	}
}
