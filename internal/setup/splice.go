package setup

import (
	"bytes"
	"encoding/json"
	"strings"
)

// span is where a value stands in a JSON text.
type span struct {
	start, end int
	value      json.RawMessage
}

// members are the values of a JSON object by key, or of a list by place, with where they stand in the whole text. Other
// text is not touched, so that what people wrote stays as they wrote it.
func members(text []byte, of span) (object map[string]span, list []span, err error) {
	decoder := json.NewDecoder(bytes.NewReader(text[of.start:of.end]))
	open, err := decoder.Token()
	if err != nil {
		return nil, nil, err
	}
	isObject := open == json.Delim('{')
	if !isObject && open != json.Delim('[') {
		return nil, nil, nil
	}
	if isObject {
		object = map[string]span{}
	}
	for decoder.More() {
		key := ""
		if isObject {
			token, err := decoder.Token()
			if err != nil {
				return nil, nil, err
			}
			key, _ = token.(string)
		}
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil {
			return nil, nil, err
		}
		end := of.start + int(decoder.InputOffset())
		s := span{start: end - len(value), end: end, value: value}
		if isObject {
			object[key] = s
		} else {
			list = append(list, s)
		}
	}
	return object, list, nil
}

// appendTo puts a value at the end of a list, indented as its neighbours are.
func appendTo(text []byte, list span, items []span, value any) ([]byte, error) {
	indent := lineIndent(text, list.start) + "  "
	if len(items) > 0 {
		indent = lineIndent(text, items[0].start)
	}
	short := len(items) > 0 && !bytes.Contains(text[list.start:list.end], []byte("\n")) // ["a", "b"]
	if _, scalar := value.(string); scalar && len(items) == 0 {
		short = true
	}
	rendered, err := render(value, indent)
	if err != nil {
		return nil, err
	}
	newline := "\n"
	if bytes.Contains(text, []byte("\r\n")) {
		newline = "\r\n"
		rendered = bytes.ReplaceAll(rendered, []byte("\n"), []byte("\r\n"))
	}
	var at int
	var insert string
	switch {
	case len(items) > 0 && short:
		at, insert = items[len(items)-1].end, ", "+string(rendered)
	case len(items) > 0:
		at, insert = items[len(items)-1].end, ","+newline+indent+string(rendered)
	case short:
		return splice(text, list.start, list.end, "["+string(rendered)+"]"), nil
	default:
		return splice(text, list.start, list.end, "["+newline+indent+string(rendered)+newline+lineIndent(text, list.start)+"]"), nil
	}
	return splice(text, at, at, insert), nil
}

// putInto adds a member at the beginning of an object.
func putInto(text []byte, object span, empty bool, key string, value any) ([]byte, error) {
	rendered, err := render(map[string]any{key: value}, "")
	if err != nil {
		return nil, err
	}
	compact := new(bytes.Buffer)
	if err := json.Compact(compact, rendered); err != nil {
		return nil, err
	}
	member := strings.TrimSuffix(strings.TrimPrefix(compact.String(), "{"), "}")
	if !empty {
		member += ", "
	}
	return splice(text, object.start+1, object.start+1, member), nil
}

func splice(text []byte, from, to int, insert string) []byte {
	out := append([]byte{}, text[:from]...)
	out = append(out, insert...)
	return append(out, text[to:]...)
}

// render writes a value as JSON, its further lines indented.
func render(value any, indent string) ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent(indent, "  ")
	if err := encoder.Encode(value); err != nil {
		return nil, err
	}
	return bytes.TrimRight(b.Bytes(), "\n"), nil
}

// lineIndent is the white space that the line at a place begins with.
func lineIndent(text []byte, at int) string {
	start := bytes.LastIndexByte(text[:at], '\n') + 1
	line := text[start:]
	return string(line[:len(line)-len(bytes.TrimLeft(line, " \t"))])
}
