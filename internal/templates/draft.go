package templates

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/config/document"
)

// draft is a template as somebody wrote it: it may still take defaults.
type draft struct {
	template ohfp.Template // the shared fields; Spec is made when it is complete
	spec     []specField   // the provider's, in the order written
	own      []string      // the names of all fields that it sets, as written, null too: null keeps a default out

	line  int            // 0: it does not come from a file
	lines map[string]int // where each field stands
	index int
}

// specField is a field that only the provider understands.
type specField struct {
	name  string
	value json.RawMessage
}

// parse reads one template of a file. Its problem names the template when that much can be read.
func parse(path string, index int, object document.Node) (draft, *Problem) {
	d := draft{line: object.Line, index: index, lines: map[string]int{}}
	d.template.Source = path
	fail := func(key string, line int, format string, args ...any) (draft, *Problem) {
		return d, &Problem{File: path, Line: line, Index: index, Template: d.template.ID, Key: key, Text: fmt.Sprintf(format, args...)}
	}
	if object.Kind != document.Object {
		return fail("", object.Line, "a template is an object, this is %s", object.Kind)
	}
	// The id comes first, whatever the order, so that a problem with another field can name the template.
	for _, field := range object.Fields {
		if fold(field.Key) == fieldID && field.Value.IsString() {
			d.template.ID = ohfp.TemplateID(field.Value.Text())
		}
	}
	if first, second, ok := object.Repeated(); ok {
		return fail(second.Key, second.Line, "%s is there twice, first on line %d; keep one", second.Key, first.Line)
	}
	written := map[string]string{}
	for _, field := range object.Fields {
		d.lines[field.Key] = field.Line
		shared, isShared := sharedField(field.Key)
		if !isShared {
			d.own = append(d.own, field.Key)
			d.spec = append(d.spec, specField{field.Key, field.Value.JSON()})
			continue
		}
		if other, twice := written[shared]; twice {
			return fail(field.Key, field.Line, "%s and %s are the same; keep one", other, field.Key)
		}
		written[shared] = field.Key
		if field.Value.Null() {
			continue // a shared field without a value is one that is not there
		}
		d.own = append(d.own, field.Key)
		if err := d.set(field.Key, field.Value.JSON()); err != nil {
			return fail(field.Key, field.Line, "%s", err)
		}
	}
	if d.template.ID == "" || !d.template.ID.WellFormed() {
		return fail("templateId", max(d.lines[written[fieldID]], object.Line), "%s", d.template.Validate())
	}
	return d, nil
}

// draftOf takes apart a template of the store.
func draftOf(t ohfp.Template) (draft, error) {
	d := draft{template: t, own: sharedOf(t)}
	d.template.Spec = nil
	if len(t.Spec) == 0 {
		return d, nil
	}
	root, err := document.Parse("spec.json", t.Spec)
	if err != nil || root.Kind != document.Object && !root.Null() {
		return d, ohfp.Errorf(ohfp.ErrInvalid, "template %s has a spec that is not a JSON object; write it anew", t.ID)
	}
	for _, field := range root.Fields {
		d.own = append(d.own, field.Key)
		d.spec = append(d.spec, specField{field.Key, field.Value.JSON()})
	}
	return d, nil
}

// written is the template as it stands in the draft, for the caller to keep.
func (d draft) written() (ohfp.Template, error) {
	t := d.template
	t.Attributes = maps.Clone(t.Attributes)
	var err error
	t.Spec, err = assemble(d.spec)
	return t, err
}

// problem is a problem of the draft; key may be empty.
func (d draft) problem(key, text string) Problem {
	p := Problem{Template: d.template.ID, Key: key, Text: text}
	if d.line > 0 {
		p.File, p.Line, p.Index = d.template.Source, d.line, d.index
		if line, ok := d.lines[key]; ok {
			p.Line = line
		}
	}
	return p
}

// blamed is the field that the message names, so that the problem can point at its line; empty when it names none.
func (d draft) blamed(err error) string {
	words := strings.FieldsFunc(err.Error(), func(r rune) bool {
		return r != '_' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	})
	for _, word := range words {
		if _, ok := d.lines[word]; ok {
			return word
		}
	}
	return ""
}
