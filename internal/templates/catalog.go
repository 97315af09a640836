// Package templates is the catalog of what may be asked for: template files, the store's own templates, the defaults of
// providers under them, and a memory of what was listed before, so that a mistake in a file takes nothing away from Host
// Factory.
// It refuses to understand a provider's fields, to ask a cloud, and to change a template file.
package templates

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/config/document"
)

// Catalog finds templates. Files are read at each call, so that an edit shows at the next; what was understood of them is
// kept for as long as their bytes stay the same, and nothing else is between calls but the file of what was listed before.
// It is safe for concurrent use, in any number of processes, and what it returns is the caller's own.
type Catalog struct {
	ConfDir  string   // where files of the usual names are looked for
	Instance string   // the instance's name, for <instance>prov_templates.json; may be empty
	Files    []string // template files instead of those of the usual names
	WorkDir  string   // where what was listed before is remembered; empty: nowhere
	Store    Store    // nil: the store's templates are shown as they were seen last
	Defaults Defaults

	// Choose returns the provider instance and type that a template goes to, whose defaults it gets. nil: those that it names.
	Choose func(t ohfp.Template) (instance, kind string, err error)
	// Validate checks a template with all defaults, without any network. nil: only what all providers share is checked.
	Validate func(ctx context.Context, t ohfp.Template) error

	kept kept
}

// Store is where templates are that no file holds.
type Store interface {
	Templates(ctx context.Context) ([]ohfp.Template, error)
}

// List is what may be shown of the catalog.
type List struct {
	Templates []ohfp.Template
	Problems  []Problem // of templates and files that are not as somebody meant them to be
}

// List returns every template: those of files in their order, then the store's, then those that were listed before and
// now are broken or gone, which launch nothing. It fails when there is none at all, and when something is wrong with those
// of now while what was listed before cannot be read: Host Factory drops a provider for good whose list is empty, and
// templates that the list lacks.
func (c *Catalog) List(ctx context.Context) (List, error) {
	found := c.gather(ctx)
	var good []ohfp.Template
	for _, d := range found.drafts {
		if t, ok := found.resolve(ctx, c, d); ok {
			good = append(good, t)
		}
	}
	list := List{Templates: listed(good)}
	doubts := len(found.problems) > 0
	left, err := c.left(found, good)
	if err != nil && doubts {
		return List{Problems: found.problems}, ohfp.Errorf(ohfp.ErrUnavailable,
			"%s: %w; nothing is listed, since not every template can be used now and one that was listed before might be missing; let this user read the file",
			c.memoryFile(), err)
	}
	for _, t := range left {
		list.Templates = append(list.Templates, found.lastGood(t))
	}
	list.Problems = found.problems
	if len(list.Templates) == 0 {
		return list, c.nothing(found.problems)
	}
	return list, nil
}

// left returns the templates listed before that are not among the good ones now, and remembers what is listed from now on.
// An error says that it is not known what was listed before.
func (c *Catalog) left(found *findings, good []ohfp.Template) ([]ohfp.Template, error) {
	data, err := c.recall()
	if err != nil {
		// It must not be replaced by one that knows less.
		found.problem(Problem{File: c.memoryFile(), Text: err.Error()})
		return nil, err
	}
	if same, err := encode(good); err == nil && bytes.Equal(same, data) {
		return nil, nil
	}
	before, err := decode(data)
	if err != nil {
		found.problem(Problem{File: c.memoryFile(), Text: err.Error()})
	}
	left := slices.DeleteFunc(slices.Clone(before), func(t ohfp.Template) bool {
		return slices.ContainsFunc(good, func(g ohfp.Template) bool { return g.ID == t.ID })
	})
	slices.SortFunc(left, func(a, b ohfp.Template) int { return cmp.Compare(a.ID, b.ID) })
	now := slices.Concat(good, left)
	if unchanged, err := encode(now); err == nil && bytes.Equal(unchanged, data) {
		return left, nil
	}
	if err := c.remember(now); err != nil {
		found.problem(Problem{File: c.memoryFile(), Text: "what is listed cannot be remembered: " + err.Error()})
	}
	return left, nil
}

// Template returns one template as List would. A template that is broken, and was never listed in a good version, is
// ErrInvalid; one that nobody knows is ErrNotFound.
func (c *Catalog) Template(ctx context.Context, id ohfp.TemplateID) (ohfp.Template, error) {
	found := c.gather(ctx)
	if d, known := found.ids[id]; known {
		if t, ok := found.resolve(ctx, c, d); ok {
			return listed([]ohfp.Template{t})[0], nil
		}
	}
	data, err := c.recall()
	if err == nil {
		var before []ohfp.Template
		if before, err = decode(data); err == nil {
			return found.one(id, before)
		}
	}
	found.problem(Problem{File: c.memoryFile(), Text: err.Error()})
	return found.one(id, nil)
}

// one returns a template that no good version is found of: as it was listed before, or an error that says why not.
func (f *findings) one(id ohfp.TemplateID, before []ohfp.Template) (ohfp.Template, error) {
	ids := make([]string, 0, len(f.drafts)+len(before))
	for _, t := range before {
		if t.ID == id {
			return f.lastGood(t), nil
		}
		ids = append(ids, string(t.ID))
	}
	if problem, ok := f.bad[id]; ok {
		return ohfp.Template{}, ohfp.Errorf(ohfp.ErrInvalid, "%s", problem)
	}
	for _, d := range f.drafts {
		ids = append(ids, string(d.template.ID))
	}
	return ohfp.Template{}, notFound(id, ids, f.problems)
}

// Forget ends the memory of a template that is broken or gone, so that it is listed no more.
func (c *Catalog) Forget(ctx context.Context, id ohfp.TemplateID) error {
	found := c.gather(ctx)
	if d, known := found.ids[id]; known {
		return ohfp.Errorf(ohfp.ErrConflict, "template %s is still in %s; remove it there first", id, d.template.Source)
	}
	data, err := c.recall()
	if err != nil {
		return ohfp.Errorf(ohfp.ErrUnavailable, "%s: %w", c.memoryFile(), err)
	}
	before, err := decode(data)
	if err != nil {
		return ohfp.Errorf(ohfp.ErrUnavailable, "%s: %w", c.memoryFile(), err)
	}
	after := slices.DeleteFunc(slices.Clone(before), func(t ohfp.Template) bool { return t.ID == id })
	if len(after) == len(before) {
		return notFound(id, nil, nil)
	}
	if err := c.remember(after); err != nil {
		return fmt.Errorf("forget template %s: %w", id, err)
	}
	return nil
}

// listed makes templates safe to show: Host Factory takes a maxNumber below 1 as the end of the provider.
func listed(templates []ohfp.Template) []ohfp.Template {
	shown := slices.Clone(templates)
	for i, t := range shown {
		if t.MaxNumber == 0 {
			t.MaxNumber = 1
			shown[i] = refused(t, "its maxNumber is 0; raise it to launch")
		}
	}
	return shown
}

// refused makes the template one that launches nothing and that Host Factory likes least.
func refused(t ohfp.Template, why string) ohfp.Template {
	attributes := map[string]ohfp.Attribute{}
	for name, value := range t.Attributes {
		attributes[name] = value
	}
	attributes["rank"] = ohfp.Numeric(0)
	t.Attributes, t.Refused = attributes, why
	t.MaxNumber = max(t.MaxNumber, 1)
	return t
}

func (c *Catalog) nothing(problems []Problem) error {
	const most = 3 // sentences that a person reads at once
	if len(problems) == 0 {
		return ohfp.Errorf(ohfp.ErrNotFound, "there is no template; run ohfp init, or write some into %s", filepath.Join(c.ConfDir, "templates.json"))
	}
	var texts []string
	for _, p := range problems[:min(most, len(problems))] {
		texts = append(texts, p.String())
	}
	if more := len(problems) - most; more > 0 {
		texts = append(texts, fmt.Sprintf("and %d more", more))
	}
	return ohfp.Errorf(ohfp.ErrInvalid, "no template can be listed: %s", strings.Join(texts, "; "))
}

func notFound(id ohfp.TemplateID, ids []string, problems []Problem) error {
	text := fmt.Sprintf("template %s does not exist", id)
	if near := document.Nearest(string(id), ids); near != "" {
		text += "; did you mean " + near + "?"
	}
	for _, p := range problems {
		if p.Template == "" {
			text += "; " + p.String()
		}
	}
	return ohfp.Errorf(ohfp.ErrNotFound, "%s", text)
}
