package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"unicode/utf8"
)

// table is what a part of the measurement gives. It is printed as Markdown, which reads well
// on a terminal and can be put into documentation.
type table struct {
	Title   string
	Columns []string
	Rows    [][]any // texts, integers and floats
}

func (t *table) add(cells ...any) { t.Rows = append(t.Rows, cells) }

// String is the table with its columns as wide as they have to be.
func (t *table) String() string {
	cells := [][]string{t.Columns}
	for _, row := range t.Rows {
		texts := make([]string, len(row))
		for i, cell := range row {
			texts[i] = text(cell)
		}
		cells = append(cells, texts)
	}
	widths := make([]int, len(t.Columns))
	for _, row := range cells {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\n", t.Title)
	for n, row := range cells {
		for i, cell := range row {
			fmt.Fprintf(&b, "| %s%s ", cell, strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell)))
		}
		b.WriteString("|\n")
		if n == 0 {
			for _, width := range widths {
				fmt.Fprintf(&b, "|%s", strings.Repeat("-", width+2))
			}
			b.WriteString("|\n")
		}
	}
	return b.String()
}

// text shows "-" for what was not measured, and three digits of a number that has a fraction.
func text(cell any) string {
	f, ok := cell.(float64)
	switch {
	case !ok:
		return fmt.Sprint(cell)
	case math.IsNaN(f):
		return "-"
	case f >= 100:
		return fmt.Sprintf("%.0f", f)
	case f >= 10:
		return fmt.Sprintf("%.1f", f)
	default:
		return fmt.Sprintf("%.2f", f)
	}
}

// MarshalJSON makes an object of each row, with its columns in their order.
func (t *table) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	title, err := json.Marshal(t.Title)
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(&b, `{"title":%s,"rows":[`, title)
	for n, row := range t.Rows {
		if n > 0 {
			b.WriteByte(',')
		}
		for i, cell := range row {
			key, keyErr := json.Marshal(t.Columns[i])
			if f, ok := cell.(float64); ok && (math.IsNaN(f) || math.IsInf(f, 0)) {
				cell = nil // what was not measured
			}
			value, err := json.Marshal(cell)
			if keyErr != nil || err != nil {
				return nil, fmt.Errorf("%s: %w", t.Columns[i], err)
			}
			b.WriteByte("{,"[min(i, 1)])
			fmt.Fprintf(&b, "%s:%s", key, value)
		}
		b.WriteByte('}')
	}
	b.WriteString("]}")
	return b.Bytes(), nil
}
