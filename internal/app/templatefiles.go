package app

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/command"
	"github.com/openhostfactory/ohfp/internal/view"
)

// TemplateExamples are templates to begin with, of an API or of all, with values for fields that they leave empty, such as
// subnetIds. They are checked, so that each can be used as it is.
func (a *App) TemplateExamples(ctx context.Context, provider, api string, fields map[string][]string) (view.TemplateFile, error) {
	list, err := a.ExampleTemplates(ctx, provider, api)
	if err != nil {
		return view.TemplateFile{}, err
	}
	for i, t := range list {
		if list[i].Spec, err = filled(t, fields); err != nil {
			return view.TemplateFile{}, err
		}
		if _, err := a.CheckTemplate(ctx, list[i]); err != nil {
			return view.TemplateFile{}, fmt.Errorf("the examples need more than the configuration says (give subnetIds and securityGroupIds: on the command line pass --subnet-ids and --security-group-ids; or set template_defaults): %w", err)
		}
	}
	return fileOf(list)
}

func filled(t ohfp.Template, fields map[string][]string) (json.RawMessage, error) {
	spec := map[string]json.RawMessage{}
	if err := json.Unmarshal(t.Spec, &spec); err != nil {
		return nil, fmt.Errorf("example template %s: %w", t.ID, err)
	}
	for name, values := range fields {
		if len(values) == 0 {
			continue
		}
		text, err := json.Marshal(values)
		if err != nil {
			return nil, err
		}
		spec[name] = text
	}
	return json.Marshal(spec)
}

// TemplateDocuments are templates as they are written, all or those named, in the form that template files have. User data
// is part of them.
func (a *App) TemplateDocuments(ctx context.Context, ids ...ohfp.TemplateID) (view.TemplateFile, error) {
	written, err := a.WrittenTemplates(ctx, ids...)
	if err != nil {
		return view.TemplateFile{}, err
	}
	list := make([]ohfp.Template, 0, len(written))
	for _, t := range written {
		list = append(list, t.Template)
	}
	return fileOf(list)
}

func fileOf(list []ohfp.Template) (view.TemplateFile, error) {
	file := view.TemplateFile{Templates: []json.RawMessage{}}
	for _, t := range list {
		one, err := TemplateDocument(t)
		if err != nil {
			return file, fmt.Errorf("write template %s: %w", t.ID, err)
		}
		file.Templates = append(file.Templates, one)
	}
	return file, nil
}

// TakeTemplates puts the templates of a file into the store, as how says, which updates those that the store has already when it
// says Update. What cannot be taken is told with its reason, and the rest is taken; left is how many were not.
func (a *App) TakeTemplates(ctx context.Context, name string, data []byte, how command.PutTemplate) (changes []view.TemplateChange, left int, err error) {
	list, problems, err := ParseTemplates(name, data)
	if err != nil {
		return nil, 0, err
	}
	for _, problem := range problems {
		changes = append(changes, view.TemplateChange{ID: problem.Template, Result: "not taken", Message: problem.String()})
	}
	left = len(problems)
	for _, t := range list {
		change, err := a.takeTemplate(ctx, t, how)
		if err != nil && (ctx.Err() != nil || ohfp.KindOf(err) == nil) {
			return changes, left, err
		}
		if err != nil {
			left++
			change = view.TemplateChange{ID: t.ID, Result: "not taken", Message: t.Blame(err).Error()}
		}
		changes = append(changes, change)
	}
	return changes, left, nil
}

func (a *App) takeTemplate(ctx context.Context, t WrittenTemplate, how command.PutTemplate) (change view.TemplateChange, err error) {
	how.Template = t.Template
	if how.Update {
		own, err := a.Commands.Store.Templates(ctx)
		if err != nil {
			return change, err
		}
		how.Update = slices.ContainsFunc(own, func(known ohfp.Template) bool { return known.ID == t.ID })
	}
	stored, err := a.Commands.PutTemplate(ctx, how)
	if err != nil {
		return change, err
	}
	change = view.TemplateChange{ID: t.ID, Result: "created", Version: stored.Version}
	if how.Update {
		change.Result = "updated"
	}
	if how.DryRun {
		change.Result, change.Version = "would be "+change.Result, 0
	}
	return change, nil
}
