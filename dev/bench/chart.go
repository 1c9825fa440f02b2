package main

import (
	"image/color"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
)

// bars are the colors of the floor and of resets, by database.
var bars = map[string][2]color.Color{
	"SQLite":     {color.RGBA{0xb8, 0xcc, 0xe4, 0xff}, color.RGBA{0x1f, 0x4e, 0x8c, 0xff}},
	"PostgreSQL": {color.RGBA{0xf4, 0xcf, 0xb0, 0xff}, color.RGBA{0xb8, 0x5c, 0x1e, 0xff}},
}

// draw writes how fast resets with the cheapest hash and the floor were, as a picture.
func draw(subjects []*subject, path string) error {
	p := plot.New()
	p.Title.Text = "Whole resets, and runs of the floor, a second"
	p.X.Label.Text, p.Y.Label.Text, p.Y.Min = "at once", "a second", 0
	p.Legend.Top, p.Legend.Left = true, true
	const width = vg.Length(22)
	for n, s := range subjects {
		var floor, resets plotter.Values
		for _, t := range s.tallies[:len(loads())] {
			floor, resets = append(floor, t.floor.perSecond()), append(resets, t.reset.perSecond())
		}
		for i, values := range []plotter.Values{floor, resets} {
			bar, err := plotter.NewBarChart(values, width)
			if err != nil {
				return err
			}
			bar.LineStyle.Width, bar.Color = 0, bars[s.database][i]
			bar.Offset = width * (vg.Length(2*n+i) - vg.Length(2*len(subjects)-1)/2)
			p.Add(bar)
			p.Legend.Add(s.database+", "+[]string{"floor", "resets"}[i], bar)
		}
	}
	var names []string
	for _, l := range loads() {
		names = append(names, strconv.Itoa(l.workers))
	}
	p.NominalX(names...)
	p.Y.Max *= 1.4 // room for the legend
	return p.Save(18*vg.Centimeter, 10*vg.Centimeter, path)
}
