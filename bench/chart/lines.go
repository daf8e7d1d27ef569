package chart

import (
	"image/color"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Lines is panels beside each other, each with lines over a logarithmic axis. A line's name stands at its end.
type Lines struct {
	Title, Subtitle, Note string
	Panels                []Panel
}

// Panel is one of them.
type Panel struct {
	Heading string
	Ticks   []float64 // of the horizontal axis: where values may be
	Format  func(float64) string
	Lines   []Line
}

// Line is a name and its points, from left to right.
type Line struct {
	Row
	X, Y []float64
}

const (
	panelHeight vg.Length = 230
	endRoom     vg.Length = 106 // for the names
	lineGap     vg.Length = 9.5
)

// Empty reports whether there is nothing to draw.
func (l Lines) Empty() bool { return len(l.Panels) == 0 }

// SVG draws the panels.
func (l Lines) SVG() ([]byte, error) {
	picture, c := page(head+panelHeight+foot, l.Title, l.Subtitle, l.Note)
	step := (width - 2*margin) / vg.Length(len(l.Panels))
	for i, panel := range l.Panels {
		left := margin + vg.Length(i)*step
		area := draw.Canvas{Canvas: c.Canvas, Rectangle: vg.Rectangle{
			Min: vg.Point{X: left, Y: foot}, Max: vg.Point{X: left + step - gap, Y: foot + panelHeight},
		}}
		if err := panel.draw(area); err != nil {
			return nil, err
		}
	}
	return encode(picture)
}

func (p Panel) draw(c draw.Canvas) error {
	c.FillText(textStyle(textSize, ink), vg.Point{X: c.Min.X, Y: c.Max.Y - 6}, p.Heading)
	area := draw.Crop(c, 0, -endRoom, 0, -16)
	axes := p.axes()
	for _, line := range p.byTone() {
		points := make(plotter.XYs, len(line.X))
		for i := range points {
			points[i].X, points[i].Y = line.X[i], line.Y[i]
		}
		drawn, dots, err := plotter.NewLinePoints(points)
		if err != nil {
			return err
		}
		drawn.Color, dots.Color, dots.Shape, dots.Radius = shades[line.Tone], shades[line.Tone], draw.CircleGlyph{}, 2
		drawn.Width = 1.25
		if line.Tone == Accented {
			drawn.Width, dots.Radius = 2.25, 2.75
		}
		axes.Add(drawn, dots)
	}
	axes.Draw(area)
	p.nameLines(c, axes.DataCanvas(area), axes)
	return nil
}

// byTone returns the lines in the order to draw them: what stands out on top.
func (p Panel) byTone() []Line {
	return slices.SortedStableFunc(slices.Values(p.Lines), func(a, b Line) int { return order(a.Tone) - order(b.Tone) })
}

func order(t Tone) int { return slices.Index([]Tone{Plain, Related, Yardstick, Accented}, t) }

// axes is the panel without its lines.
func (p Panel) axes() *plot.Plot {
	axes := plot.New()
	axes.BackgroundColor = color.Transparent
	axes.X.Min, axes.X.Max = p.Ticks[0], p.Ticks[len(p.Ticks)-1]
	axes.X.Scale = plot.LogScale{}
	axes.X.Tick.Marker = plot.TickerFunc(func(float64, float64) []plot.Tick {
		var ticks []plot.Tick
		for _, at := range p.Ticks {
			ticks = append(ticks, plot.Tick{Value: at, Label: GroupDigits(int(at))})
		}
		return ticks
	})
	axes.Y.Min = 0
	for _, line := range p.Lines {
		axes.Y.Max = max(axes.Y.Max, slices.Max(line.Y)*1.05)
	}
	grid := plotter.NewGrid()
	grid.Vertical.Color = nil
	grid.Horizontal = draw.LineStyle{Color: rule, Width: 0.5}
	axes.Add(grid)
	for _, axis := range []*plot.Axis{&axes.X, &axes.Y} {
		axis.Tick.Label.Font, axis.Tick.Label.Color = textStyle(noteSize, faint).Font, faint
		axis.Color, axis.Tick.Color = rule, rule
		axis.Tick.Length = 3
		axis.LineStyle.Color = rule
	}
	axes.Y.LineStyle.Width, axes.Y.Tick.Length = 0, 0
	return axes
}

// nameLines writes each line's name and last value beside its end.
func (p Panel) nameLines(c, area draw.Canvas, axes *plot.Plot) {
	_, y := axes.Transforms(&area)
	var ends []vg.Length
	for _, line := range p.Lines {
		ends = append(ends, y(line.Y[len(line.Y)-1]))
	}
	places := spread(ends, lineGap, area.Min.Y, c.Max.Y-20)
	for i, line := range p.Lines {
		style := textStyle(noteSize, faint)
		if line.Tone == Accented {
			style = bold(textStyle(noteSize, shades[Accented]))
		}
		name := line.Name + "  " + p.Format(line.Y[len(line.Y)-1])
		c.StrokeLine2(draw.LineStyle{Color: rule, Width: 0.5}, area.Max.X+3, ends[i], area.Max.X+11, places[i])
		c.FillText(style, vg.Point{X: area.Max.X + 13, Y: places[i]}, name)
	}
}

// spread moves places apart until all are between low and high, and no two are closer than the gap, as far as there is room.
func spread(places []vg.Length, gap, low, high vg.Length) []vg.Length {
	order := make([]int, len(places))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case places[a] < places[b]:
			return -1
		case places[a] > places[b]:
			return 1
		}
		return 0
	})
	moved := slices.Clone(places)
	for range 200 { // neighbours push one another, each half of the way
		for k, i := range order {
			if k == 0 {
				continue
			}
			below := order[k-1]
			if overlap := gap - (moved[i] - moved[below]); overlap > 0 {
				moved[i] += overlap / 2
				moved[below] -= overlap / 2
			}
		}
		for k, i := range order {
			moved[i] = max(moved[i], low+vg.Length(k)*gap)
			moved[i] = min(moved[i], high-vg.Length(len(order)-1-k)*gap)
		}
	}
	return moved
}
