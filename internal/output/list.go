package output

import (
	"bytes"
	"strings"
)

// writeList shows each record as a block of "key: value" lines, blocks apart by an empty line.
func writeList(tree node, layout Layout) []byte {
	var out bytes.Buffer
	if layout.Records == "" {
		block(&out, tree, "")
		return out.Bytes()
	}
	for i, record := range tree.member(layout.Records).items {
		if i > 0 {
			out.WriteByte('\n')
		}
		block(&out, record, "")
	}
	if out.Len() == 0 && layout.Empty != "" {
		out.WriteString(layout.Empty + "\n")
	}
	rest := without(tree, layout.Records)
	if len(rest.items) > 0 {
		out.WriteByte('\n')
		block(&out, rest, "")
	}
	return out.Bytes()
}

// block writes the members of an object, one a line, what is inside them indented.
func block(out *bytes.Buffer, record node, margin string) {
	for i, item := range record.items {
		out.WriteString(margin + printable(record.names[i]) + ":")
		switch {
		case item.records():
			out.WriteByte('\n')
			for _, inner := range item.items {
				var lines bytes.Buffer
				block(&lines, inner, margin+"    ")
				bullet := strings.Replace(lines.String(), margin+"    ", margin+"  - ", 1)
				out.WriteString(bullet)
			}
		case item.kind == kindObject && len(item.items) > 0:
			out.WriteByte('\n')
			block(out, item, margin+"  ")
		case item.line() == "":
			out.WriteByte('\n')
		default:
			out.WriteString(" " + item.line() + "\n")
		}
	}
}

// without is an object less one member.
func without(tree node, name string) node {
	rest := node{kind: kindObject}
	for i, item := range tree.items {
		if tree.names[i] != name {
			rest.names = append(rest.names, tree.names[i])
			rest.items = append(rest.items, item)
		}
	}
	return rest
}
