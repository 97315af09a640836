package templates

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/config/document"
)

// sourceStore is the source of templates that no file holds.
const sourceStore = "store"

// findings is what one look at the files and the store brought.
type findings struct {
	drafts   []*draft // each id once; of files they are shared with other looks, and never changed
	ids      map[ohfp.TemplateID]*draft
	problems []Problem
	bad      map[ohfp.TemplateID]Problem // why a template cannot be used
	broken   map[string]Problem          // why a file cannot be read
	asSeen   bool                        // the store was not looked at: what it held last time counts
}

func newFindings() *findings {
	return &findings{ids: map[ohfp.TemplateID]*draft{}, bad: map[ohfp.TemplateID]Problem{}, broken: map[string]Problem{}}
}

func (f *findings) problem(p Problem) { f.problems = append(f.problems, p) }

// spoilt reports a template that cannot be used.
func (f *findings) spoilt(p Problem) {
	f.problem(p)
	if _, known := f.bad[p.Template]; !known && p.Template != "" {
		f.bad[p.Template] = p
	}
}

// gather reads the files and the store.
func (c *Catalog) gather(ctx context.Context) *findings {
	f := newFindings()
	for _, path := range c.paths(f) {
		file, err := c.read(path)
		if err != nil {
			f.broken[path] = Problem{File: path, Index: -1, Text: err.Error()}
			f.problem(f.broken[path])
			continue
		}
		f.take(file)
	}
	if f.asSeen = c.Store == nil; f.asSeen {
		return f
	}
	own, err := c.Store.Templates(ctx)
	if err != nil {
		f.asSeen = true
		f.problem(Problem{Index: -1, Text: "the store's templates are shown as they were seen last: " + err.Error()})
		return f
	}
	for _, t := range own {
		t.Source = sourceStore
		d, err := draftOf(t)
		if err != nil {
			f.spoilt(Problem{Template: t.ID, Text: err.Error()})
			continue
		}
		f.add(&d)
	}
	return f
}

// take adds what a file says.
func (f *findings) take(file *findings) {
	f.problems = append(f.problems, file.problems...)
	for id, problem := range file.bad {
		if _, known := f.bad[id]; !known {
			f.bad[id] = problem
		}
	}
	for _, d := range file.drafts {
		f.add(d)
	}
}

// add takes in a draft unless its id is taken: files come before the store, and earlier files before later ones.
func (f *findings) add(d *draft) {
	id := d.template.ID
	earlier, taken := f.ids[id]
	if !taken {
		f.drafts = append(f.drafts, d)
		f.ids[id] = d
		return
	}
	first := earlier.template.Source
	if first == d.template.Source {
		f.problem(d.problem("templateId", "template "+string(id)+" is there twice; the first is used, give the other its own id"))
		return
	}
	f.problem(d.problem("templateId", "template "+string(id)+" is in "+first+" too, which is used; remove one"))
}

// read takes in the templates of a file: {"templates": […]}, a bare list, or a single template.
func (f *findings) read(path string, root document.Node) error {
	items := root.Items
	switch root.Kind {
	case document.List:
	case document.Object:
		list, rest, single := topLevel(root)
		if single {
			items = []document.Node{root}
			break
		}
		if list == nil || list.Value.Kind != document.List && !list.Value.Null() {
			return ohfp.Errorf(ohfp.ErrInvalid, `%s:%d: there is no list of templates; write {"templates": [ … ]}`, path, root.Line)
		}
		items = list.Value.Items
		for _, field := range rest {
			f.problem(Problem{File: path, Line: field.Line, Index: -1, Key: field.Key, Text: field.Key + " has no meaning beside templates; remove it"})
		}
	case document.Null:
		return ohfp.Errorf(ohfp.ErrInvalid, `%s is empty; write {"templates": [ … ]}`, path)
	default:
		return ohfp.Errorf(ohfp.ErrInvalid, `%s:%d: there is %s; write {"templates": [ … ]}`, path, root.Line, root.Kind)
	}
	if len(items) == 0 {
		f.problem(Problem{File: path, Index: -1, Text: "there are no templates in it"})
	}
	for i, item := range items {
		d, problem := parse(path, i, item)
		if problem != nil {
			f.spoilt(*problem)
			continue
		}
		f.add(&d)
	}
	return nil
}

// topLevel looks into an object: does it hold the list of templates, or is it itself one?
func topLevel(root document.Node) (list *document.Field, rest []document.Field, single bool) {
	for i, field := range root.Fields {
		switch fold(field.Key) {
		case "templates":
			list = &root.Fields[i]
		case fieldID:
			single = true
		default:
			rest = append(rest, field)
		}
	}
	return list, rest, single && list == nil
}

// resolve gives a draft the defaults of its provider and checks the whole.
func (f *findings) resolve(ctx context.Context, c *Catalog, d *draft) (ohfp.Template, bool) {
	t, err := c.complete(*d)
	if err == nil && c.Validate != nil {
		err = c.Validate(ctx, t)
	}
	if err != nil {
		f.spoilt(d.problem(d.blamed(err), err.Error()))
		return ohfp.Template{}, false
	}
	return t, true
}

// lastGood is how a template is listed whose current version is broken or gone.
func (f *findings) lastGood(t ohfp.Template) ohfp.Template {
	problem, isBad := f.bad[t.ID]
	broken, isBroken := f.broken[t.Source]
	switch {
	case isBad:
		return refused(t, problem.String())
	case isBroken:
		return refused(t, broken.String())
	case t.Source == sourceStore && f.asSeen:
		return listed([]ohfp.Template{t})[0]
	}
	why := "it is no longer in " + t.Source
	if t.Source == sourceStore {
		why = "it was deleted from the store"
	}
	f.problem(Problem{Template: t.ID, Index: -1, Text: "it stays listed and launches nothing: " + why})
	return refused(t, why)
}

// names are where template files are looked for when none are configured.
func (c *Catalog) names() []string {
	var names []string
	if c.Instance != "" && c.Instance != "aws" {
		names = append(names, c.Instance+"prov_templates.json")
	}
	names = append(names, "awsprov_templates.json", "aws_templates.json", "templates.json", "templates.yaml", "templates.yml")
	for i, name := range names {
		names[i] = filepath.Join(c.ConfDir, name)
	}
	return names
}

// paths are the files to read: the configured ones, else the first of the usual names that exists.
func (c *Catalog) paths(f *findings) []string {
	if len(c.Files) > 0 {
		return c.Files
	}
	var first string
	for _, path := range c.names() {
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if first != "" {
			f.problem(Problem{File: path, Index: -1, Text: "it is not read, since " + filepath.Base(first) + " is there; list both in templates.files to read both"})
			continue
		}
		first = path
	}
	if first == "" {
		if c.Store == nil {
			f.problem(Problem{Index: -1, Text: "there is no template file; write one of " + strings.Join(c.names(), ", ")})
		}
		return nil
	}
	return []string{first}
}
