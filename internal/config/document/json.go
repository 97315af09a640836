package document

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"

	"github.com/openhostfactory/ohfp"
)

// parseJSON parses a JSON text. The standard library judges it first, so the walk below only meets valid JSON.
func parseJSON(name string, data []byte) (Node, error) {
	var whole json.RawMessage
	if err := json.Unmarshal(data, &whole); err != nil {
		var syntax *json.SyntaxError
		if !errors.As(err, &syntax) {
			return Node{}, ohfp.Errorf(ohfp.ErrInvalid, "%s is not JSON: %w", name, err)
		}
		line, column := position(data, syntax.Offset)
		return Node{}, ohfp.Errorf(ohfp.ErrInvalid, "%s:%d:%d: %w", name, line, column, err)
	}
	w := walker{data: data, line: 1}
	return w.value(), nil
}

// walker walks valid JSON. Line breaks only stand between tokens there.
type walker struct {
	data []byte
	pos  int
	line int
}

func (w *walker) value() Node {
	w.space()
	start, node := w.pos, Node{Line: w.line}
	switch w.data[w.pos] {
	case '{':
		node.Kind = Object
		for w.pos++; w.next() != '}'; {
			field := Field{Line: w.line, Key: unquote(w.text())}
			w.next() // the colon
			w.pos++
			field.Value = w.value()
			node.Fields = append(node.Fields, field)
			if w.next() == ',' {
				w.pos++
			}
		}
		w.pos++
	case '[':
		node.Kind = List
		for w.pos++; w.next() != ']'; {
			node.Items = append(node.Items, w.value())
			if w.next() == ',' {
				w.pos++
			}
		}
		w.pos++
	case '"':
		node.Kind = Scalar
		w.text()
	case 'n':
		w.pos += len("null")
	default:
		node.Kind = Scalar
		for w.pos < len(w.data) && !bytes.ContainsRune([]byte(",]} \t\r\n"), rune(w.data[w.pos])) {
			w.pos++
		}
	}
	node.raw = w.data[start:w.pos:w.pos]
	return node
}

// next skips white space and returns the byte behind it.
func (w *walker) next() byte {
	w.space()
	return w.data[w.pos]
}

func (w *walker) space() {
	for ; w.pos < len(w.data); w.pos++ {
		switch w.data[w.pos] {
		case '\n':
			w.line++
		case ' ', '\t', '\r':
		default:
			return
		}
	}
}

// text steps over a string and returns it with its quotes.
func (w *walker) text() []byte {
	start := w.pos
	for w.pos++; w.data[w.pos] != '"'; w.pos++ {
		if w.data[w.pos] == '\\' {
			w.pos++
		}
	}
	w.pos++
	return w.data[start:w.pos]
}

// quote is the text as a JSON string.
func quote(text string) json.RawMessage {
	raw, _ := json.Marshal(text) // a string always encodes
	return raw
}

// unquote returns the content of a valid JSON string.
func unquote(quoted []byte) string {
	if bytes.IndexByte(quoted, '\\') < 0 {
		return string(quoted[1 : len(quoted)-1])
	}
	var text string
	// A valid JSON string always decodes.
	_ = json.Unmarshal(quoted, &text)
	return text
}

// position turns an offset into a line and a column, both from 1. The offset of a syntax error is behind the byte at fault.
func position(data []byte, offset int64) (line, column int) {
	before := string(data[:min(max(offset-1, 0), int64(len(data)))])
	return strings.Count(before, "\n") + 1, len(before) - strings.LastIndexByte(before, '\n')
}
