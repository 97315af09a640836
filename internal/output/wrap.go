package output

import (
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"
)

// wrap breaks a line at spaces so that no part is wider than width; a word that is wider is broken. Width 0 breaks
// nothing.
func wrap(line string, width int) []string {
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

// pack puts as many fields on a line as fit, with a dot between them.
func pack(fields []string, width int) []string {
	const between = " · "
	var lines []string
	line := ""
	for _, field := range fields {
		switch joined := line + between + field; {
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
