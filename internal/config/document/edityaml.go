package document

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// target is where a path leads in a YAML text.
type target struct {
	root   *yaml.Node
	nodes  []*yaml.Node // from the outermost value inwards, as far as the path exists
	key    *yaml.Node   // of the innermost, when it is in an object
	behind []string     // what of the path does not exist
}

// find follows a path. It gives up where aliases are in the way.
func find(root *yaml.Node, path []string) (target, bool) {
	t := target{root: root, behind: path}
	if root.Kind != yaml.DocumentNode || len(root.Content) == 0 {
		return t, false
	}
	at := root.Content[0]
	t.nodes = []*yaml.Node{at}
	for len(t.behind) > 0 {
		var next, key *yaml.Node
		switch at.Kind {
		case yaml.MappingNode:
			for i := 0; i+1 < len(at.Content); i += 2 {
				if at.Content[i].Value == t.behind[0] {
					key, next = at.Content[i], at.Content[i+1]
				}
			}
		case yaml.SequenceNode:
			if i, err := strconv.Atoi(t.behind[0]); err == nil && i >= 0 && i < len(at.Content) {
				next = at.Content[i]
			}
		case yaml.AliasNode:
			return t, false
		default: // a scalar has nothing below it
		}
		if next == nil {
			return t, true
		}
		at, t.key, t.behind = next, key, t.behind[1:]
		t.nodes = append(t.nodes, at)
	}
	return t, true
}

func (t target) last() *yaml.Node { return t.nodes[len(t.nodes)-1] }

// rewriteYAML changes the tree and writes it out anew: comments and order stay, empty lines may go.
func rewriteYAML(data []byte, path []string, value json.RawMessage) ([]byte, bool) {
	var root yaml.Node
	if yaml.Load(data, &root) != nil {
		return nil, false
	}
	t, ok := find(&root, path)
	if !ok {
		return nil, false
	}
	switch {
	case value == nil && len(t.behind) > 0:
		return data, true
	case value == nil:
		remove(t.nodes[len(t.nodes)-2], t.last(), t.key)
	default:
		added, err := block(wrap(t.behind[min(1, len(t.behind)):], value))
		if err != nil {
			return nil, false
		}
		switch at := t.last(); {
		case len(t.behind) == 0 || at.ShortTag() == "!!null":
			if len(t.behind) > 0 {
				if added, err = block(wrap(t.behind, value)); err != nil {
					return nil, false
				}
			}
			added.HeadComment, added.LineComment, added.FootComment = at.HeadComment, at.LineComment, at.FootComment
			*at = *added
		case at.Kind == yaml.MappingNode:
			at.Content = append(at.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: t.behind[0]}, added)
		default:
			at.Content = append(at.Content, added)
		}
	}
	text, err := yaml.Dump(&root, yaml.WithIndent(2))
	return text, err == nil
}

// remove takes a value out of the object or list that holds it.
func remove(parent, value, key *yaml.Node) {
	i := slices.Index(parent.Content, value)
	from := i
	if key != nil {
		from--
	}
	parent.Content = slices.Delete(parent.Content, from, i+1)
}

// wrap puts a value into an object for each key of a path, the first outermost.
func wrap(path []string, value json.RawMessage) json.RawMessage {
	for _, key := range slices.Backward(path) {
		value = slices.Concat(json.RawMessage("{"), quote(key), json.RawMessage(":"), value, json.RawMessage("}"))
	}
	return value
}

// block is a JSON value as a YAML tree in block style, with text plain where it can be.
func block(value json.RawMessage) (*yaml.Node, error) {
	var root yaml.Node
	if err := yaml.Load(value, &root); err != nil {
		return nil, err
	}
	node := root.Content[0]
	plainStyle(node)
	return node, nil
}

func plainStyle(n *yaml.Node) {
	if n.Kind == yaml.ScalarNode {
		n.Tag = n.ShortTag() // so that text which looks like a number stays text
	}
	if len(n.Content) > 0 || n.Kind == yaml.ScalarNode {
		n.Style = 0
	}
	for _, child := range n.Content {
		plainStyle(child)
	}
}

// patchYAML changes only the lines that the change is about, and gives up where it takes more than that.
func patchYAML(data []byte, path []string, value json.RawMessage) ([]byte, bool) {
	lines := strings.SplitAfter(string(data), "\n")
	if lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	} else {
		lines[len(lines)-1] += "\n"
	}
	var root yaml.Node
	if isEmptyYAML(data) {
		text, ok := entry("", path, value)
		return append(bytes.Clone(data), text...), ok && value != nil
	}
	if yaml.Load(data, &root) != nil {
		return nil, false
	}
	t, ok := find(&root, path)
	if !ok {
		return nil, false
	}
	at := t.last()
	switch {
	case len(t.behind) > 0 && value == nil:
		return data, true
	case len(t.behind) > 0 && at.Kind == yaml.MappingNode && at.Style&yaml.FlowStyle == 0 && len(at.Content) > 0:
		text, ok := entry(strings.Repeat(" ", at.Column-1), t.behind, value)
		end := t.end(at, lines)
		return splice(lines, end, end, text), ok
	case len(t.behind) == 1 && at.Kind == yaml.SequenceNode && at.Style&yaml.FlowStyle == 0 && len(at.Content) > 0:
		text, ok := item(strings.Repeat(" ", at.Column-1), value)
		end := t.end(at, lines)
		return splice(lines, end, end, text), ok
	case len(t.behind) > 0:
		return nil, false
	case value != nil && value[0] != '{' && value[0] != '[' && at.Kind == yaml.ScalarNode:
		if text, ok := inline(lines[at.Line-1], at, value); ok {
			return splice(lines, at.Line-1, at.Line, text), true
		}
	}
	first := at.Line
	if t.key != nil {
		first = t.key.Line
	}
	end, line := t.end(at, lines), lines[first-1]
	if value == nil {
		start := strings.TrimSpace(line)
		alone := t.key != nil && strings.TrimSpace(line[:t.key.Column-1]) == "" || t.key == nil && strings.HasPrefix(start, "-")
		return splice(lines, first-1, end, ""), alone
	}
	if t.key == nil {
		return nil, false
	}
	text, ok := entry(strings.Repeat(" ", t.key.Column-1), path[len(path)-1:], value)
	return splice(lines, first-1, end, line[:t.key.Column-1]+strings.TrimLeft(text, " ")), ok
}

// end is how many lines there are up to the last one of a value.
func (t target) end(value *yaml.Node, lines []string) int {
	end := len(lines)
	if next := after(t.root, value); next != nil {
		end = next.Line - 1
	}
	for end > 0 {
		if line := strings.TrimSpace(lines[end-1]); line != "" && line[0] != '#' && line != "..." {
			break
		}
		end--
	}
	return end
}

// after is the node that follows a value, and all in it, in a text.
func after(root, value *yaml.Node) *yaml.Node {
	var next *yaml.Node
	passed := false
	var walk func(n *yaml.Node)
	walk = func(n *yaml.Node) {
		if next != nil {
			return
		}
		if passed && n.Line > 0 {
			next = n
			return
		}
		for _, child := range n.Content {
			walk(child)
			if child == value {
				passed = true
			}
		}
	}
	walk(root)
	return next
}

func splice(lines []string, from, to int, text string) []byte {
	if from > to || to > len(lines) {
		return nil
	}
	return []byte(strings.Join(lines[:from], "") + text + strings.Join(lines[to:], ""))
}

// inline replaces a value that is on one line with others.
func inline(line string, old *yaml.Node, value json.RawMessage) (string, bool) {
	runes := []rune(line)
	if old.Column < 1 || old.Column > len(runes) {
		return "", false
	}
	before, rest := string(runes[:old.Column-1]), string(runes[old.Column-1:])
	length := len(old.Value)
	switch {
	case old.Value == "" && old.Style == 0:
		return "", false
	case strings.HasPrefix(rest, `"`):
		var text json.RawMessage
		if json.NewDecoder(strings.NewReader(rest)).Decode(&text) != nil {
			return "", false
		}
		length = len(text)
	case strings.HasPrefix(rest, "'"):
		length += 2 + strings.Count(old.Value, "'")
	}
	if length > len(rest) {
		return "", false
	}
	text, ok := dump(value)
	return before + strings.TrimSuffix(text, "\n") + rest[length:], ok
}

// entry is a key with a value, below objects of the keys before it, in block style.
func entry(indent string, path []string, value json.RawMessage) (string, bool) {
	text, ok := dump(wrap(path, value))
	return indented(indent, indent, text), ok
}

// item is a value of a list in block style.
func item(indent string, value json.RawMessage) (string, bool) {
	text, ok := dump(value)
	return indented(indent+"- ", indent+"  ", text), ok
}

func dump(value json.RawMessage) (string, bool) {
	node, err := block(value)
	if err != nil {
		return "", false
	}
	text, err := yaml.Dump(node, yaml.WithIndent(2))
	return string(text), err == nil
}

func indented(first, others, text string) string {
	var out strings.Builder
	prefix := first
	for line := range strings.Lines(text) {
		if strings.TrimSpace(line) != "" {
			out.WriteString(prefix)
		}
		out.WriteString(line)
		prefix = others
	}
	return out.String()
}
