package output

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/openhostfactory/ohfp"
)

// Selection narrows a document before it is shown, in every format alike: which records, which of their fields, and how
// the fields are spelled. The zero Selection changes nothing.
type Selection struct {
	Where  []Condition // a record is kept when all hold
	Limit  int         // records at most; 0: all
	Offset int         // records left out at the beginning
	Fields []string    // paths such as requestId or machines.name, in the order to show; none: all
	Snake  bool        // spell names request_id instead of requestId
}

// Apply returns the document as it is to be shown, and the layout that suits it. Names of fields count as equal however
// they are spelled. A field that neither the document nor its layout knows is an ErrInvalid that lists those that exist.
func (s Selection) Apply(document any, layout Layout) (any, Layout, error) {
	if len(s.Where) == 0 && s.Limit == 0 && s.Offset == 0 && len(s.Fields) == 0 && !s.Snake {
		return document, layout, nil
	}
	encoded, err := encode(document)
	if err != nil {
		return nil, layout, fmt.Errorf("encode the answer: %w", err)
	}
	tree, err := parse(encoded)
	if err != nil {
		return nil, layout, fmt.Errorf("read the answer: %w", err)
	}
	if layout.Records == "" {
		paths := s.paths()
		if err := known(paths, []node{tree}, layout); err != nil {
			return nil, layout, err
		}
		tree, layout = project(tree, paths), arrange(layout, paths)
	} else if at := slices.Index(tree.names, layout.Records); at >= 0 {
		records, arranged, err := s.records(tree.items[at].items, layout)
		if err != nil {
			return nil, layout, err
		}
		tree.items[at].items, layout = records, arranged
	}
	if s.Snake {
		tree, layout = snakeNode(tree, 0), snakeLayout(layout)
	}
	var out bytes.Buffer
	tree.encode(&out)
	return json.RawMessage(out.Bytes()), layout, nil
}

// records filters, then pages, then projects.
func (s Selection) records(records []node, layout Layout) ([]node, Layout, error) {
	var asked [][]string
	for _, c := range s.Where {
		asked = append(asked, c.path)
	}
	paths := s.paths()
	if err := known(append(asked, paths...), records, layout); err != nil {
		return nil, layout, err
	}
	kept := make([]node, 0, len(records))
	for _, record := range records {
		if !slices.ContainsFunc(s.Where, func(c Condition) bool { return !c.holds(record) }) {
			kept = append(kept, record)
		}
	}
	kept = kept[min(s.Offset, len(kept)):]
	if s.Limit > 0 {
		kept = kept[:min(s.Limit, len(kept))]
	}
	for i := range kept {
		kept[i] = project(kept[i], paths)
	}
	return kept, arrange(layout, paths), nil
}

func (s Selection) paths() [][]string {
	var paths [][]string
	for _, field := range s.Fields {
		paths = append(paths, strings.Split(field, "."))
	}
	return paths
}

// known refuses paths that begin with no field of the records. Without records only the layout can tell, which need not
// know every field, so that anything goes.
func known(paths [][]string, records []node, layout Layout) error {
	var names []string
	for _, c := range layout.Columns {
		names = append(names, c.Key)
	}
	for _, record := range records {
		for _, name := range record.names {
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	for _, path := range paths {
		if len(records) > 0 && !slices.ContainsFunc(names, func(name string) bool { return SameName(name, path[0]) }) {
			return ohfp.Errorf(ohfp.ErrInvalid, "field %q does not exist here; the fields are %s", path[0], strings.Join(names, ", "))
		}
	}
	return nil
}

// SameName says whether two spellings mean the same field: requestId, request_id and request-id do.
func SameName(a, b string) bool { return foldName(a) == foldName(b) }

func foldName(name string) string {
	return strings.ToLower(strings.NewReplacer("_", "", "-", "").Replace(name))
}

// project keeps the members that paths lead to, in the order of the paths; no paths keep everything. Lists are projected
// element by element.
func project(n node, paths [][]string) node {
	if len(paths) == 0 {
		return n
	}
	switch n.kind {
	case kindArray:
		out := node{kind: kindArray}
		for _, item := range n.items {
			out.items = append(out.items, project(item, paths))
		}
		return out
	case kindObject:
	default:
		return n
	}
	out := node{kind: kindObject}
	for i, path := range paths {
		at := slices.IndexFunc(n.names, func(name string) bool { return SameName(name, path[0]) })
		if at < 0 || slices.ContainsFunc(paths[:i], func(earlier []string) bool { return SameName(earlier[0], path[0]) }) {
			continue
		}
		out.names = append(out.names, n.names[at])
		out.items = append(out.items, project(n.items[at], below(paths, path[0])))
	}
	return out
}

// below are the rests of the paths that begin with a name; none when one of them ends there, which means all of it.
func below(paths [][]string, name string) [][]string {
	var rests [][]string
	for _, path := range paths {
		if !SameName(path[0], name) {
			continue
		}
		if len(path) == 1 {
			return nil
		}
		rests = append(rests, path[1:])
	}
	return rests
}

// arrange puts the columns into the order of the paths.
func arrange(layout Layout, paths [][]string) Layout {
	if len(paths) == 0 {
		return layout
	}
	var columns []Column
	for _, path := range paths {
		for _, c := range layout.Columns {
			if SameName(c.Key, path[0]) {
				columns = append(columns, c)
			}
		}
		for name, inner := range layout.Within {
			if SameName(name, path[0]) {
				within := map[string]Layout{}
				for other, own := range layout.Within {
					within[other] = own
				}
				within[name] = arrange(inner, below(paths, path[0]))
				layout.Within = within
			}
		}
	}
	layout.Columns = columns
	return layout
}

// verbatim are members whose own members are named by operators and clouds, not by us.
func verbatim(name string) bool {
	switch foldName(name) {
	case "attributes", "tags", "instancetags", "vmtypes", "vmtypesondemand", "vmtypespriority":
		return true
	}
	return false
}

const deepest = 64 // levels that are renamed; answers have five

func snakeNode(n node, depth int) node {
	if depth > deepest {
		return n
	}
	out := node{kind: n.kind, text: n.text, raw: n.raw}
	for i, item := range n.items {
		if n.kind == kindObject {
			out.names = append(out.names, snake(n.names[i]))
			if verbatim(n.names[i]) {
				out.items = append(out.items, item)
				continue
			}
		}
		out.items = append(out.items, snakeNode(item, depth+1))
	}
	return out
}

func snakeLayout(layout Layout) Layout {
	out := Layout{Records: snake(layout.Records), Empty: layout.Empty, Within: map[string]Layout{}}
	for _, c := range layout.Columns {
		c.Heading = c.heading()
		c.Key = snake(c.Key)
		out.Columns = append(out.Columns, c)
	}
	for name, inner := range layout.Within {
		out.Within[snake(name)] = snakeLayout(inner)
	}
	return out
}

// snake spells requestId as request_id.
func snake(name string) string {
	var out strings.Builder
	before := ' '
	for _, r := range name {
		if unicode.IsUpper(r) && (unicode.IsLower(before) || unicode.IsDigit(before)) {
			out.WriteByte('_')
		}
		out.WriteRune(unicode.ToLower(r))
		before = r
	}
	return out.String()
}

// encode writes the node as JSON.
func (n node) encode(out *bytes.Buffer) {
	switch n.kind {
	case kindObject:
		out.WriteByte('{')
		for i, item := range n.items {
			if i > 0 {
				out.WriteByte(',')
			}
			name, err := encode(n.names[i])
			if err != nil { // a string always encodes
				continue
			}
			out.Write(bytes.TrimSpace(name))
			out.WriteByte(':')
			item.encode(out)
		}
		out.WriteByte('}')
	case kindArray:
		out.WriteByte('[')
		for i, item := range n.items {
			if i > 0 {
				out.WriteByte(',')
			}
			item.encode(out)
		}
		out.WriteByte(']')
	case kindNull:
		out.WriteString("null")
	case kindText, kindNumber, kindBoolean:
		out.Write(n.raw)
	}
}
