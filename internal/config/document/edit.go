package document

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/openhostfactory/ohfp"
)

// Edit returns the text with the value at a path set, or removed when value is nil. The path has the keys of objects and
// the indexes of lists; the index behind the last one appends. Objects on the way are made. Order and comments stay; of
// YAML also the layout, wherever the change can be made on lines of its own.
func Edit(name string, data []byte, path []string, value json.RawMessage) ([]byte, error) {
	root, err := Parse(name, data)
	if err != nil {
		return nil, err
	}
	wanted, err := root.with(path, value)
	if err != nil {
		return nil, ohfp.Errorf(ohfp.ErrInvalid, "%s: %s %w", name, strings.Join(path, "."), err)
	}
	extension := strings.ToLower(filepath.Ext(name))
	if extension == ".json" || len(bytes.TrimSpace(data)) > 0 && startsLikeJSON(data) {
		return wanted.pretty()
	}
	for _, edit := range []func([]byte, []string, json.RawMessage) ([]byte, bool){patchYAML, rewriteYAML} {
		if text, ok := edit(data, path, value); ok && same(name, text, wanted) {
			return text, nil
		}
	}
	return nil, ohfp.Errorf(ohfp.ErrInvalid, "%s: %s cannot be changed without changing something else; edit the file by hand", name, strings.Join(path, "."))
}

// same says whether a text means what is wanted.
func same(name string, text []byte, wanted Node) bool {
	got, err := Parse(name, text)
	if err != nil {
		return false
	}
	var a, b any
	if json.Unmarshal(got.JSON(), &a) != nil || json.Unmarshal(wanted.JSON(), &b) != nil {
		return false
	}
	return reflect.DeepEqual(a, b) || wanted.Kind == Object && len(wanted.Fields) == 0 && got.Null()
}

// with is a copy in which the value at a path is another.
func (n Node) with(path []string, value json.RawMessage) (Node, error) {
	if len(path) == 0 {
		return parseJSON("the value", value)
	}
	last := len(path) == 1
	switch n.Kind {
	case Object, Null:
		n.Kind, n.raw, n.Fields = Object, nil, slices.Clone(n.Fields)
		i := slices.IndexFunc(n.Fields, func(f Field) bool { return f.Key == path[0] })
		switch {
		case i < 0 && value == nil:
			return n, nil
		case i < 0:
			n.Fields = append(n.Fields, Field{Key: path[0]})
			i = len(n.Fields) - 1
		case last && value == nil:
			n.Fields = slices.Delete(n.Fields, i, i+1)
			return n, nil
		}
		changed, err := n.Fields[i].Value.with(path[1:], value)
		n.Fields[i].Value = changed
		return n, err
	case List:
		i, err := strconv.Atoi(path[0])
		if err != nil || i < 0 || i > len(n.Items) || i == len(n.Items) && value == nil {
			return n, ohfp.Errorf(ohfp.ErrInvalid, "is in a list of %d that has no %s", len(n.Items), path[0])
		}
		n.raw, n.Items = nil, slices.Clone(n.Items)
		switch {
		case last && value == nil:
			n.Items = slices.Delete(n.Items, i, i+1)
			return n, nil
		case i == len(n.Items):
			n.Items = append(n.Items, Node{})
		}
		n.Items[i], err = n.Items[i].with(path[1:], value)
		return n, err
	default:
		return n, ohfp.Errorf(ohfp.ErrInvalid, "is below %s, which is a single value", path[0])
	}
}

// pretty is the value as JSON for people.
func (n Node) pretty() ([]byte, error) {
	var out bytes.Buffer
	if err := json.Indent(&out, n.JSON(), "", "  "); err != nil {
		return nil, err
	}
	out.WriteByte('\n')
	return out.Bytes(), nil
}
