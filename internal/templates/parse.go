package templates

import (
	"context"
	"slices"

	"github.com/openhostfactory/ohfp"
)

// Written is a template as somebody wrote it: without defaults, and with the place of each field.
type Written struct {
	ohfp.Template

	draft draft
}

// Blame points an error about the template at its file and line, if it came from a file.
func (w Written) Blame(err error) error {
	if err == nil || w.draft.line == 0 {
		return err
	}
	kind := ohfp.KindOf(err)
	if kind == nil {
		kind = ohfp.ErrInvalid
	}
	return ohfp.Errorf(kind, "%s", w.draft.problem(w.draft.blamed(err), err.Error()))
}

// Parse reads templates as a file holds them, in JSON or YAML, for the store. They have what is written and no defaults.
// The name says where problems are and, by its extension, which of the two it is. A problem spoils one template; an error
// spoils all.
func Parse(name string, data []byte) ([]Written, []Problem, error) {
	f, err := understand(name, data)
	if err != nil {
		return nil, nil, err
	}
	written := make([]Written, 0, len(f.drafts))
	for _, d := range f.drafts {
		t, err := d.written()
		if err != nil {
			f.spoilt(d.problem("", err.Error()))
			continue
		}
		if !slices.ContainsFunc(d.own, func(name string) bool { shared, _ := sharedField(name); return shared == fieldMaxNumber }) {
			f.spoilt(d.problem("maxNumber", "there is no maxNumber; write how many machines may be alive at once, -1 for as many as wanted"))
			continue
		}
		t.Source = sourceStore
		written = append(written, Written{t, *d})
	}
	return written, f.problems, nil
}

// Check says whether a template could be used as it is, with all defaults and without any network.
func (c *Catalog) Check(ctx context.Context, t ohfp.Template) (ohfp.Template, error) {
	d, err := draftOf(t)
	if err != nil {
		return t, err
	}
	complete, err := c.complete(d)
	if err == nil && c.Validate != nil {
		err = c.Validate(ctx, complete)
	}
	return complete, err
}

// InFile returns the file that holds a template; empty when none does.
func (c *Catalog) InFile(id ohfp.TemplateID) string {
	for _, path := range c.paths(newFindings()) {
		file, err := c.read(path)
		if err != nil {
			continue // the list tells
		}
		if _, known := file.ids[id]; known {
			return path
		}
	}
	return ""
}
