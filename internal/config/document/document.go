// Package document reads JSON and YAML that people write: the text becomes a tree that remembers on which line each thing
// stands, so that whoever understands the content can point at the mistake.
// It refuses to know what any key means, and to guess: second documents, odd tags and cyclic references are errors.
package document

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/openhostfactory/ohfp"
)

// MaxBytes is how large a file may be. Template files of thousands of entries stay far below it.
const MaxBytes = 16 << 20

// Kind tells what a node is.
type Kind int

// The kinds of nodes.
const (
	Null   Kind = iota // null, or nothing at all
	Scalar             // a string, number or truth value
	List
	Object
)

// Node is a value in a document.
type Node struct {
	Kind   Kind
	Line   int     // from 1
	Fields []Field // of an object, in the order written
	Items  []Node  // of a list

	raw json.RawMessage // the value as JSON, when it is at hand: of scalars, and as it was written of JSON documents
}

// Field is a key of an object and its value.
type Field struct {
	Key   string
	Line  int
	Value Node
}

// Read reads and parses a file.
func Read(path string) (Node, error) {
	data, err := Load(path)
	if err != nil {
		return Node{}, err
	}
	return Parse(path, data)
}

// Load reads a file for [Parse], which refuses one that is too large, so no more of it is read than tells that.
func Load(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, ohfp.Errorf(ohfp.ErrInvalid, "%s cannot be read: %w", path, withoutPath(err))
	}
	defer file.Close()
	var data bytes.Buffer
	if info, err := file.Stat(); err == nil && info.Mode().IsRegular() {
		data.Grow(int(min(info.Size(), MaxBytes)) + bytes.MinRead) // in one piece, since it is read often and rarely changes
	}
	if _, err := data.ReadFrom(io.LimitReader(file, MaxBytes+1)); err != nil {
		return nil, ohfp.Errorf(ohfp.ErrInvalid, "%s cannot be read: %w", path, withoutPath(err))
	}
	return data.Bytes(), nil
}

// Parse parses a text. The name decides between JSON and YAML by its extension, and the text when that says nothing; JSON
// under a YAML name is fine too, since it is YAML. The name is also where errors point.
func Parse(name string, data []byte) (Node, error) {
	if len(data) > MaxBytes {
		return Node{}, ohfp.Errorf(ohfp.ErrInvalid, "%s has more than %d MiB; split it", name, MaxBytes>>20)
	}
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	if bytes.HasPrefix(data, []byte("\xff\xfe")) || bytes.HasPrefix(data, []byte("\xfe\xff")) {
		return Node{}, ohfp.Errorf(ohfp.ErrInvalid, "%s is UTF-16; save it as UTF-8", name)
	}
	if !utf8.Valid(data) {
		return Node{}, ohfp.Errorf(ohfp.ErrInvalid, "%s is not UTF-8; save it as UTF-8", name)
	}
	if len(bytes.TrimSpace(data)) == 0 {
		return Node{Line: 1}, nil
	}
	switch extension := strings.ToLower(filepath.Ext(name)); {
	case extension == ".json":
		return parseJSON(name, data)
	case !startsLikeJSON(data):
		return parseYAML(name, data)
	case extension == ".yml" || extension == ".yaml":
		// JSON is read a hundred times faster as such.
		if root, err := parseJSON(name, data); err == nil {
			return root, nil
		}
		return parseYAML(name, data)
	default:
		return parseJSON(name, data)
	}
}

func startsLikeJSON(data []byte) bool {
	first := bytes.TrimSpace(data)[0]
	return first == '{' || first == '['
}

// Null says whether the value is null or missing.
func (n Node) Null() bool { return n.Kind == Null }

// Text is the scalar as text: a string's content, a number or truth value as written. It is empty for all else.
func (n Node) Text() string {
	switch {
	case n.Kind != Scalar:
		return ""
	case n.raw[0] == '"':
		return unquote(n.raw)
	default:
		return string(n.raw)
	}
}

// IsString says whether the value was written as a string.
func (n Node) IsString() bool { return n.Kind == Scalar && n.raw[0] == '"' }

// JSON is the value as JSON; of a JSON document, byte for byte as it was written.
func (n Node) JSON() json.RawMessage {
	if n.raw != nil {
		return n.raw
	}
	return n.appendJSON(nil)
}

func (n Node) appendJSON(out []byte) []byte {
	switch {
	case n.raw != nil:
		return append(out, n.raw...)
	case n.Kind == List:
		out = append(out, '[')
		for i, item := range n.Items {
			if i > 0 {
				out = append(out, ',')
			}
			out = item.appendJSON(out)
		}
		return append(out, ']')
	case n.Kind == Object:
		out = append(out, '{')
		for i, field := range n.Fields {
			if i > 0 {
				out = append(out, ',')
			}
			out = append(out, quote(field.Key)...)
			out = append(out, ':')
			out = field.Value.appendJSON(out)
		}
		return append(out, '}')
	default:
		return append(out, "null"...)
	}
}

// MapStrings returns a copy in which every string value, keys excepted, is what change makes of it.
func (n Node) MapStrings(change func(Node) (string, error)) (Node, error) {
	switch {
	case n.IsString():
		text, err := change(n)
		if err != nil {
			return Node{}, err
		}
		n.raw = quote(text)
	case n.Kind == List || n.Kind == Object:
		items, fields := n.Items, n.Fields
		n.Items, n.Fields, n.raw = make([]Node, len(items)), make([]Field, len(fields)), nil
		for i, item := range items {
			changed, err := item.MapStrings(change)
			if err != nil {
				return Node{}, err
			}
			n.Items[i] = changed
		}
		for i, field := range fields {
			changed, err := field.Value.MapStrings(change)
			if err != nil {
				return Node{}, err
			}
			field.Value = changed
			n.Fields[i] = field
		}
	}
	return n, nil
}

// Repeated finds a key that an object, here or further in, has twice.
func (n Node) Repeated() (first, second Field, ok bool) {
	seen := make(map[string]int, len(n.Fields))
	for i, field := range n.Fields {
		if earlier, twice := seen[field.Key]; twice {
			return n.Fields[earlier], field, true
		}
		seen[field.Key] = i
		if first, second, ok = field.Value.Repeated(); ok {
			return first, second, true
		}
	}
	for _, item := range n.Items {
		if first, second, ok = item.Repeated(); ok {
			return first, second, true
		}
	}
	return Field{}, Field{}, false
}

// String is what the kind is called in messages.
func (k Kind) String() string {
	switch k {
	case Scalar:
		return "a single value"
	case List:
		return "a list"
	case Object:
		return "an object"
	default:
		return "empty"
	}
}

// withoutPath drops the path from a file error, for messages that name it already.
func withoutPath(err error) error {
	var pathError *os.PathError
	if errors.As(err, &pathError) {
		return pathError.Err
	}
	return err
}
