package output

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"unicode"
)

// node is a JSON value that remembers the order of its members, which a map would lose.
type node struct {
	kind  kind
	text  string   // of a scalar, as people read it
	names []string // of an object, beside items
	items []node   // members or elements
	raw   json.RawMessage
}

type kind int

const (
	kindNull kind = iota
	kindText
	kindNumber
	kindBoolean
	kindArray
	kindObject
)

// parse reads one JSON value.
func parse(encoded []byte) (node, error) {
	encoded = bytes.TrimSpace(encoded)
	n := node{raw: encoded}
	if len(encoded) == 0 {
		return n, fmt.Errorf("no JSON value")
	}
	var err error
	switch encoded[0] {
	case '{':
		n.kind = kindObject
		err = n.members()
	case '[':
		n.kind = kindArray
		err = n.elements()
	case '"':
		n.kind = kindText
		err = json.Unmarshal(encoded, &n.text)
	case 't', 'f':
		n.kind, n.text = kindBoolean, string(encoded)
	case 'n':
		n.kind = kindNull
	default:
		n.kind, n.text = kindNumber, string(encoded)
	}
	return n, err
}

func (n *node) members() error {
	decoder := json.NewDecoder(bytes.NewReader(n.raw))
	if _, err := decoder.Token(); err != nil {
		return err
	}
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return err
		}
		n.names = append(n.names, fmt.Sprint(name))
		if err := n.next(decoder); err != nil {
			return err
		}
	}
	return nil
}

func (n *node) elements() error {
	decoder := json.NewDecoder(bytes.NewReader(n.raw))
	if _, err := decoder.Token(); err != nil {
		return err
	}
	for decoder.More() {
		if err := n.next(decoder); err != nil {
			return err
		}
	}
	return nil
}

func (n *node) next(decoder *json.Decoder) error {
	var raw json.RawMessage
	if err := decoder.Decode(&raw); err != nil {
		return err
	}
	item, err := parse(raw)
	n.items = append(n.items, item)
	return err
}

// member returns the member of an object, or null.
func (n node) member(name string) node {
	for i, own := range n.names {
		if own == name {
			return n.items[i]
		}
	}
	return node{}
}

// records says whether the node is a list of objects, which is shown as a table of its own.
func (n node) records() bool {
	if n.kind != kindArray || len(n.items) == 0 {
		return false
	}
	for _, item := range n.items {
		if item.kind != kindObject {
			return false
		}
	}
	return true
}

// line is the node on one line.
func (n node) line() string {
	switch n.kind {
	case kindArray:
		parts := make([]string, 0, len(n.items))
		for _, item := range n.items {
			parts = append(parts, item.nested())
		}
		return strings.Join(parts, ", ")
	case kindObject:
		parts := make([]string, 0, len(n.items))
		for i, item := range n.items {
			parts = append(parts, printable(n.names[i])+": "+item.nested())
		}
		return strings.Join(parts, ", ")
	case kindNull, kindText, kindNumber, kindBoolean:
		return printable(n.text)
	}
	return ""
}

// nested is the node on one line inside another.
func (n node) nested() string {
	switch n.kind {
	case kindArray:
		return "[" + n.line() + "]"
	case kindObject:
		return "{" + n.line() + "}"
	case kindNull, kindText, kindNumber, kindBoolean:
	}
	return n.line()
}

// fewLines of text are one sentence that somebody broke; more are a listing, which needs its lines.
const fewLines = 2

// cell is the node as it stands in a table: text keeps its lines, and what is nested deeper than once gets a line for
// each member.
func (n node) cell() string {
	switch n.kind {
	case kindText:
		lines := strings.Split(strings.TrimRight(n.text, "\n"), "\n")
		if len(lines) <= fewLines {
			break
		}
		for i := range lines {
			lines[i] = printable(lines[i])
		}
		return strings.Join(lines, "\n")
	case kindObject:
		if !n.flat() {
			return n.lines()
		}
	case kindNull, kindArray, kindNumber, kindBoolean:
	}
	return n.line()
}

// lines are the members of an object, one a line.
func (n node) lines() string {
	var out bytes.Buffer
	block(&out, n, "")
	return strings.TrimRight(out.String(), "\n")
}

// flat says whether nothing is nested inside the members.
func (n node) flat() bool {
	for _, item := range n.items {
		if len(item.items) > 0 {
			return false
		}
	}
	return true
}

// printable takes out what would move the cursor or colour the screen: the text may come from a cloud.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t' || r == '\r':
			return ' '
		case unicode.IsControl(r):
			return unicode.ReplacementChar
		default:
			return r
		}
	}, s)
}
