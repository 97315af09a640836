package output

import (
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"
)

// wrap breaks lines at spaces so that no part is wider than width; a word that is wider is broken. Width 0 breaks
// nothing but what is several lines already. What goes on stays as far in as its line began.
func wrap(lines string, width int) []string {
	var all []string
	for line := range strings.SplitSeq(lines, "\n") {
		text := strings.TrimLeft(line, " ")
		in := line[:len(line)-len(text)]
		if width > 0 && len(in) >= width/2 {
			in = ""
		}
		for _, part := range wrapLine(text, max(width-len(in), min(width, 1))) {
			all = append(all, in+part)
		}
	}
	return all
}

func wrapLine(line string, width int) []string {
	if width <= 0 || text.StringWidth(line) <= width {
		return []string{line}
	}
	var parts []string
	part := ""
	for word := range strings.FieldsSeq(line) {
		switch joined := part + " " + word; {
		case part == "":
			part = word
		case text.StringWidth(joined) <= width:
			part = joined
		default:
			parts = append(parts, part)
			part = word
		}
		for text.StringWidth(part) > width {
			head := prefix(part, width)
			parts = append(parts, head)
			part = part[len(head):]
		}
	}
	if part != "" {
		parts = append(parts, part)
	}
	return parts
}

// span is the width of the longest of several lines.
func span(lines string) int {
	most := 0
	for line := range strings.SplitSeq(lines, "\n") {
		most = max(most, text.StringWidth(line))
	}
	return most
}

// prefix is the beginning of a word that fits the width, at least one rune.
func prefix(word string, width int) string {
	used := 0
	for i, r := range word {
		used += text.RuneWidth(r)
		if used > width && i > 0 {
			return word[:i]
		}
	}
	return word
}

// pack puts as many fields on a line as fit, with a dot between them. A field of several lines stands by itself.
func pack(fields []string, width int) []string {
	const between = " · "
	var lines []string
	line := ""
	for _, field := range fields {
		switch joined := line + between + field; {
		case strings.Contains(field, "\n"):
			if line != "" {
				lines = append(lines, wrap(line, width)...)
			}
			lines, line = append(lines, wrap(field, width)...), ""
		case line == "":
			line = field
		case text.StringWidth(joined) <= width:
			line = joined
		default:
			lines = append(lines, wrap(line, width)...)
			line = field
		}
	}
	if line != "" {
		lines = append(lines, wrap(line, width)...)
	}
	return lines
}
