package output

import (
	"bytes"
	"strings"
	"unicode"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// writeTable shows the records as a table with lines around them, the lists inside them as tables of their own, and the
// rest of the document as sentences below.
func writeTable(tree node, layout Layout, screen Screen) []byte {
	var out bytes.Buffer
	if layout.Records == "" {
		out.WriteString(recordTable(tree, layout, screen))
		out.WriteString(innerTables([]node{tree}, layout, screen))
		return out.Bytes()
	}
	records := tree.member(layout.Records).items
	if len(records) > 0 {
		out.WriteString(recordsTable(records, layout, screen))
		out.WriteString(innerTables(records, layout, screen))
	} else if layout.Empty != "" {
		out.WriteString(layout.Empty + "\n")
	}
	rest := without(tree, layout.Records)
	if below := sentences(rest); len(below) > 0 {
		if len(records) > 0 {
			out.WriteByte('\n')
		}
		for _, sentence := range below {
			out.WriteString(strings.Join(wrap(sentence, screen.Width), "\n") + "\n")
		}
	}
	out.WriteString(innerTables([]node{rest}, layout, screen))
	return out.Bytes()
}

// longSentence is how wide an object may be in a sentence; a wider one is easier to read a member a line.
const longSentence = 60

// sentences are what stands beside the records: messages speak for themselves, anything else needs its name. Other lists
// of records are tables of their own.
func sentences(rest node) []string {
	var all []string
	for i, item := range rest.items {
		name, cell := words(rest.names[i]), item.cell()
		if item.kind == kindObject && len(cell) > longSentence {
			cell = item.lines()
		}
		switch {
		case cell == "" || item.records():
		case item.kind == kindArray:
			for _, element := range item.items {
				all = append(all, element.line())
			}
		case name == "message":
			all = append(all, cell)
		case strings.Contains(cell, "\n"):
			all = append(all, name+":\n"+margin+strings.ReplaceAll(cell, "\n", "\n"+margin))
		default:
			all = append(all, name+": "+cell)
		}
	}
	return all
}

// innerTables are the lists of records inside the records. With several records each list says whose it is.
func innerTables(records []node, layout Layout, screen Screen) string {
	var out strings.Builder
	for _, record := range records {
		whose := ""
		if len(records) > 1 && len(layout.Columns) > 0 {
			whose = " of " + layout.Columns[0].cell(record.member(layout.Columns[0].Key))
		}
		for i, item := range record.items {
			if name := record.names[i]; item.records() {
				title := strings.Join(wrap(capital(words(name))+whose, screen.Width), "\n")
				out.WriteString("\n" + title + "\n" + recordsTable(item.items, layout.Within[name], screen))
			}
		}
	}
	return out.String()
}

// recordTable shows one record, a field a line.
func recordTable(record node, layout Layout, screen Screen) string {
	g := newGrid([]node{record}, layout.Columns)
	widest := 0
	for _, c := range g.columns {
		widest = max(widest, text.StringWidth(c.heading()))
	}
	room := 0
	if screen.Width > 0 {
		const lines = 7 // three lines, and a space on either side of two cells
		room = max(screen.Width-widest-lines, 8)
	}
	tw := newTable()
	for i, c := range g.columns {
		lines := wrap(g.cells[0][i], room)
		for l := range lines {
			lines[l] = paint(c, lines[l], screen)
		}
		tw.AppendRow(table.Row{c.heading(), strings.Join(lines, "\n")})
	}
	return tw.Render() + "\n"
}

// recordsTable shows records below each other. Columns that do not fit become lines below each record.
func recordsTable(records []node, layout Layout, screen Screen) string {
	g := newGrid(records, layout.Columns)
	visible, widths := g.fit(screen.Width)
	tw := newTable()
	header := table.Row{}
	var configs []table.ColumnConfig
	for i, c := range g.columns[:visible] {
		header = append(header, strings.Join(wrap(c.heading(), widths[i]), "\n"))
		config := table.ColumnConfig{Number: i + 1, WidthMin: widths[i]}
		if c.Number {
			config.Align, config.AlignHeader = text.AlignRight, text.AlignRight
		}
		configs = append(configs, config)
	}
	tw.AppendHeader(header)
	tw.SetColumnConfigs(configs)
	tw.AppendRows(g.rows(visible, widths, screen))
	if visible == len(g.columns) {
		return tw.Render() + "\n"
	}
	tw.Style().Options.SeparateRows = true
	return g.unfold(tw.Render(), visible)
}

func newTable() table.Writer {
	tw := table.NewWriter()
	tw.SetStyle(table.StyleRounded)
	return tw
}

// paint colours a word by what it means.
func paint(c Column, cell string, screen Screen) string {
	if !c.State || !screen.Colour || cell == "" {
		return cell
	}
	const green, yellow, red, grey = "32", "33", "31", "90"
	colour := yellow
	switch cell {
	case "complete", "running":
		colour = green
	case "failed", "timeout", "partial":
		colour = red
	case "terminated", "cancelled":
		colour = grey
	}
	return "\x1b[" + colour + "m" + cell + "\x1b[0m"
}

func (c Column) heading() string {
	if c.Heading != "" {
		return c.Heading
	}
	return words(c.Key)
}

// words turns a JSON name into words: requestId becomes request id.
func words(name string) string {
	var out strings.Builder
	for i, r := range name {
		if r == '_' {
			r = ' '
		}
		if unicode.IsUpper(r) && i > 0 && !strings.HasSuffix(out.String(), " ") {
			out.WriteByte(' ')
		}
		out.WriteRune(unicode.ToLower(r))
	}
	return out.String()
}

func capital(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
