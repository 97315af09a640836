package output

import (
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// grid is records as cells: a column for each field that any of them has.
type grid struct {
	columns []Column // those of several lines last
	tall    int      // how many those are
	cells   [][]string
}

// roomForText is how narrow a column of sentences may become before it is folded away.
const roomForText = 28

// longestWord is how wide a column becomes at least for its longest word: any id of ours, not an ARN.
const longestWord = 48

// newGrid takes the declared columns that have a value somewhere, then the fields that no column was declared for.
// Lists of records are left out: they are tables of their own.
func newGrid(records []node, declared []Column) grid {
	var found []string
	for _, record := range records {
		for i, name := range record.names {
			item := record.items[i]
			if !item.records() && item.line() != "" && !slices.Contains(found, name) {
				found = append(found, name)
			}
		}
	}
	g := grid{}
	for _, c := range declared {
		if at := slices.Index(found, c.Key); at >= 0 {
			g.columns = append(g.columns, c)
			found = slices.Delete(found, at, at+1)
		}
	}
	for _, name := range found {
		g.columns = append(g.columns, Column{Key: name})
	}
	g.tallLast(records)
	for _, record := range records {
		cells := make([]string, 0, len(g.columns))
		for _, c := range g.columns {
			cells = append(cells, c.cell(record.member(c.Key)))
		}
		g.cells = append(g.cells, cells)
	}
	return g
}

// tallLast moves columns of several lines to the end: a screen of known width shows them below each record.
func (g *grid) tallLast(records []node) {
	var flat, tall []Column
	for _, c := range g.columns {
		if slices.ContainsFunc(records, func(record node) bool { return strings.Contains(c.cell(record.member(c.Key)), "\n") }) {
			tall = append(tall, c)
		} else {
			flat = append(flat, c)
		}
	}
	g.columns, g.tall = append(flat, tall...), len(tall)
}

func (c Column) cell(value node) string {
	if c.Text != nil && value.kind != kindNull {
		return printable(c.Text(value.raw))
	}
	return value.cell()
}

// fit says how many columns a screen shows beside each other, and how wide they are; 0 is as wide as needed.
func (g grid) fit(screen int) (visible int, widths []int) {
	visible = len(g.columns)
	if screen <= 0 {
		return visible, make([]int, visible)
	}
	visible = max(visible-g.tall, 1)
	least, most := g.widths()
	const lines = 3 // a space on either side and a line
	room := screen - 1
	for _, w := range least[:visible] {
		room -= w + lines
	}
	for visible > 1 && room < 0 {
		visible--
		room += least[visible] + lines
	}
	widths = least[:visible]
	room = spread(widths, most, room)
	if visible < len(g.columns) {
		// What is folded stands below all columns; the first makes room for it.
		beside := 1
		for _, w := range widths {
			beside += w + lines
		}
		widths[0] += min(max(room, 0), max(g.foldedWidth(visible)-(beside-frame), 0))
	}
	if room < 0 { // one column only, and it is too wide
		widths[0] = max(widths[0]+room, 1)
	}
	return visible, widths
}

// spread gives room to the column that is broken into most lines, until none is or there is no room, and returns what is left.
func spread(widths, most []int, room int) int {
	for ; room > 0; room-- {
		next := -1
		for i, w := range widths {
			if w < most[i] && (next < 0 || most[i]*widths[next] > most[next]*w) {
				next = i
			}
		}
		if next < 0 {
			break
		}
		widths[next]++
	}
	return room
}

// widths are, of each column, the least that breaks no word but the longest and leaves sentences readable, and the most it can use.
func (g grid) widths() (least, most []int) {
	for i, c := range g.columns {
		heading := text.StringWidth(c.heading())
		longest, widest := heading, heading
		for _, cells := range g.cells {
			widest = max(widest, span(cells[i]))
			for _, word := range strings.Fields(cells[i]) {
				longest = max(longest, min(text.StringWidth(word), longestWord))
			}
		}
		least = append(least, max(longest, min(widest, roomForText)))
		most = append(most, widest)
	}
	return least, most
}

const margin = "  " // before folded fields

// frame is what stands left and right of a line that goes through all columns.
const frame = 4

// unfold writes the fields that have no column of their own below each record of a drawn table, through all columns.
func (g grid) unfold(drawn string, visible int) string {
	var out strings.Builder
	record := -1 // the line below the heading comes first
	for line := range strings.Lines(drawn + "\n") {
		if strings.HasPrefix(line, "├") || strings.HasPrefix(line, "╰") {
			if record >= 0 {
				width := max(text.StringWidth(strings.TrimSuffix(line, "\n"))-frame, len(margin)+1)
				for _, folded := range pack(g.folded(g.cells[record], visible), width-len(margin)) {
					out.WriteString("│ " + text.Pad(margin+folded, width, ' ') + " │\n")
				}
			}
			record++
		}
		out.WriteString(line)
	}
	return out.String()
}

// rows are the cells of the visible columns, wrapped to their widths.
func (g grid) rows(visible int, widths []int, screen Screen) []table.Row {
	rows := make([]table.Row, 0, len(g.cells))
	for _, cells := range g.cells {
		row := table.Row{}
		for i, c := range g.columns[:visible] {
			lines := wrap(cells[i], widths[i])
			for l := range lines {
				lines[l] = paint(c, lines[l], screen)
			}
			row = append(row, strings.Join(lines, "\n"))
		}
		rows = append(rows, row)
	}
	return rows
}

// folded are the fields of a record that have no column of their own, with their names.
func (g grid) folded(cells []string, visible int) []string {
	var fields []string
	for i := visible; i < len(g.columns); i++ {
		heading := strings.ToLower(g.columns[i].heading())
		switch {
		case cells[i] == "":
		case strings.Contains(cells[i], "\n"):
			fields = append(fields, heading+"\n"+margin+strings.ReplaceAll(cells[i], "\n", "\n"+margin))
		default:
			fields = append(fields, heading+" "+cells[i])
		}
	}
	return fields
}

// foldedWidth is the width that the longest folded field wants.
func (g grid) foldedWidth(visible int) int {
	widest := 0
	for _, cells := range g.cells {
		for _, field := range g.folded(cells, visible) {
			widest = max(widest, len(margin)+span(field))
		}
	}
	return widest
}
