package document

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/openhostfactory/ohfp"
)

// maxNodes and maxDepth bound what references may blow a small YAML text up to.
const (
	maxNodes = 1_000_000
	maxDepth = 100
)

// parseYAML parses a YAML text and turns it into what the same content is in JSON.
func parseYAML(name string, data []byte) (Node, error) {
	var root yaml.Node
	if err := yaml.Load(data, &root); err != nil {
		if isEmptyYAML(data) {
			return Node{Line: 1}, nil
		}
		return Node{}, explain(name, err)
	}
	c := converter{name: name}
	return c.node(&root, 0)
}

// isEmptyYAML says whether the text holds comments and blank lines only.
func isEmptyYAML(data []byte) bool {
	for line := range bytes.Lines(data) {
		line = bytes.TrimSpace(line)
		if len(line) > 0 && line[0] != '#' && string(line) != "---" {
			return false
		}
	}
	return true
}

// explain turns the library's error into one that says where.
func explain(name string, err error) error {
	var one *yaml.LoadError
	var several *yaml.LoadErrors
	if errors.As(err, &several) && len(several.Errors) > 0 {
		one = several.Errors[0]
	} else if !errors.As(err, &one) {
		return ohfp.Errorf(ohfp.ErrInvalid, "%s is not YAML: %w", name, err)
	}
	message := strings.TrimPrefix(one.Message, "yaml: ")
	if one.Mark.Line == 0 {
		return ohfp.Errorf(ohfp.ErrInvalid, "%s: %s", name, message)
	}
	return ohfp.Errorf(ohfp.ErrInvalid, "%s:%d:%d: %s", name, one.Mark.Line, one.Mark.Column, message)
}

// converter turns YAML nodes into nodes with JSON values.
type converter struct {
	name  string
	nodes int
	bytes int
}

func (c *converter) fail(n *yaml.Node, format string, args ...any) error {
	return ohfp.Errorf(ohfp.ErrInvalid, "%s:%d: "+format, append([]any{c.name, n.Line}, args...)...)
}

func (c *converter) node(n *yaml.Node, depth int) (Node, error) {
	c.nodes++
	c.bytes += len(n.Value)
	if depth > maxDepth || c.nodes > maxNodes || c.bytes > MaxBytes {
		return Node{}, c.fail(n, "the value is nested too deeply, refers to itself or grows without bound through its aliases; write it out")
	}
	switch n.Kind {
	case yaml.DocumentNode:
		if len(n.Content) == 0 {
			return Node{Line: 1}, nil
		}
		return c.node(n.Content[0], depth+1)
	case yaml.AliasNode:
		node, err := c.node(n.Alias, depth+1)
		node.Line = n.Line
		return node, err
	case yaml.MappingNode:
		return c.mapping(n, depth)
	case yaml.SequenceNode:
		return c.sequence(n, depth)
	default:
		return c.scalar(n)
	}
}

func (c *converter) sequence(n *yaml.Node, depth int) (Node, error) {
	out := Node{Kind: List, Line: n.Line, Items: make([]Node, 0, len(n.Content))}
	for _, content := range n.Content {
		item, err := c.node(content, depth+1)
		if err != nil {
			return Node{}, err
		}
		out.Items = append(out.Items, item)
	}
	return out, nil
}

func (c *converter) mapping(n *yaml.Node, depth int) (Node, error) {
	out := Node{Kind: Object, Line: n.Line, Fields: make([]Field, 0, len(n.Content)/2)}
	var merged []Field
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, line := n.Content[i], n.Content[i].Line
		if key.Kind == yaml.AliasNode {
			key = key.Alias
		}
		if key.Kind != yaml.ScalarNode {
			return Node{}, c.fail(n.Content[i], "a key is a list or an object; write a plain word")
		}
		value, err := c.node(n.Content[i+1], depth+1)
		if err != nil {
			return Node{}, err
		}
		if key.ShortTag() == "!!merge" {
			fields, ok := mergeable(value)
			if !ok {
				return Node{}, c.fail(key, "<< merges objects only; give it an alias of one or a list of such")
			}
			merged = append(merged, fields...)
			continue
		}
		out.Fields = append(out.Fields, Field{Key: key.Value, Line: line, Value: value})
	}
	out.merge(merged)
	return out, nil
}

// mergeable returns the fields that << brings in, the earlier ones first.
func mergeable(value Node) ([]Field, bool) {
	switch value.Kind {
	case Object:
		return value.Fields, true
	case List:
		var fields []Field
		for _, item := range value.Items {
			if item.Kind != Object {
				return nil, false
			}
			fields = append(fields, item.Fields...)
		}
		return fields, true
	default:
		return nil, false
	}
}

// merge adds the fields that the object does not have itself.
func (n *Node) merge(fields []Field) {
	has := map[string]bool{}
	for _, field := range n.Fields {
		has[field.Key] = true
	}
	for _, field := range fields {
		if !has[field.Key] {
			has[field.Key] = true
			n.Fields = append(n.Fields, field)
		}
	}
}

func (c *converter) scalar(n *yaml.Node) (Node, error) {
	out := Node{Kind: Scalar, Line: n.Line}
	switch tag := n.ShortTag(); tag {
	case "!!null":
		out.Kind = Null
	case "!!bool", "!!int", "!!float":
		raw, ok := plain(tag, n)
		if !ok {
			return Node{}, c.fail(n, "%s is not a number that can be used here; write it in quotes to make it text", n.Value)
		}
		out.raw = raw
	case "!!str", "!!timestamp":
		out.raw = quote(n.Value)
	default:
		return Node{}, c.fail(n, "the tag %s is not supported; write plain text, numbers, true or false", n.Tag)
	}
	return out, nil
}

// plain is a truth value or number in JSON: as written when that is JSON too, else by its value (0x1F, 1_000, 012).
func plain(tag string, n *yaml.Node) (json.RawMessage, bool) {
	if json.Valid([]byte(n.Value)) {
		return json.RawMessage(n.Value), true
	}
	switch tag {
	case "!!bool":
		var truth bool
		err := n.Decode(&truth)
		return strconv.AppendBool(nil, truth), err == nil
	case "!!int":
		var number int64
		err := n.Decode(&number)
		return strconv.AppendInt(nil, number, 10), err == nil
	default:
		var number float64
		if err := n.Decode(&number); err != nil {
			return nil, false
		}
		raw, err := json.Marshal(number) // fails for infinities, which JSON has no word for
		return raw, err == nil
	}
}
