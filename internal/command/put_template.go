package command

import (
	"context"
	"fmt"
	"slices"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/store"
)

// PutTemplate stores a template of the store's own.
type PutTemplate struct {
	Template ohfp.Template
	Update   bool  // replace the one that is there, instead of making a new one
	Version  int64 // of an update: only if it is still the one that was read; 0: whatever is there
	DryRun   bool  // check, and store nothing
	Origin   ohfp.Origin
}

// PutTemplate checks the template as a list would, and stores it. It returns it as it is stored. A template that a file
// holds is [ohfp.ErrConflict]: the file would win.
func (c *Commands) PutTemplate(ctx context.Context, in PutTemplate) (ohfp.Template, error) {
	t := in.Template
	t.Source, t.Refused, t.Version = "store", "", 0
	if err := t.Validate(); err != nil {
		return t, err
	}
	if file := c.Catalog.InFile(t.ID); file != "" {
		return t, ohfp.Errorf(ohfp.ErrConflict, "template %s is in %s, which wins; change it there", t.ID, file)
	}
	was, exists, err := c.ownTemplate(ctx, t.ID)
	switch {
	case err != nil:
		return t, err
	case exists && !in.Update:
		return t, ohfp.Errorf(ohfp.ErrConflict, "template %s exists already; update it with ohfp templates update %s", t.ID, t.ID)
	case !exists && in.Update:
		return t, ohfp.Errorf(ohfp.ErrNotFound, "template %s is not in the store; see ohfp templates list, or create it", t.ID)
	case in.Update && in.Version != 0 && in.Version != was.Version:
		return t, ohfp.Errorf(ohfp.ErrConflict, "template %s is in version %d, not %d; read it again", t.ID, was.Version, in.Version)
	}
	if err := c.Catalog.Check(ctx, t); err != nil {
		return t, err
	}
	t.Version = store.UnknownTemplate
	event := ohfp.Event{Kind: ohfp.TemplateCreated, Message: fmt.Sprintf("template %s is new", t.ID)}
	if exists {
		t.Version = was.Version
		event = ohfp.Event{Kind: ohfp.TemplateUpdated, Message: fmt.Sprintf("template %s changed", t.ID)}
	}
	if !in.DryRun {
		if err := c.Store.PutTemplate(ctx, t, c.templateEvents(t.ID, in.Origin, event)...); err != nil {
			return t, fmt.Errorf("store template: %w", err)
		}
	}
	t.Version = was.Version + 1
	return t, nil
}

// DeleteTemplate removes a template of the store's own.
type DeleteTemplate struct {
	ID      ohfp.TemplateID
	Version int64 // only if it is still the one that was read; 0: whatever is there
	DryRun  bool
	Origin  ohfp.Origin
}

// DeleteTemplate removes the template from the store. It stays listed and launches nothing until it is forgotten, since
// Host Factory takes a list that grew shorter amiss. Machines of it are not touched.
func (c *Commands) DeleteTemplate(ctx context.Context, in DeleteTemplate) error {
	was, exists, err := c.ownTemplate(ctx, in.ID)
	switch file := c.Catalog.InFile(in.ID); {
	case err != nil:
		return err
	case !exists && file != "":
		return ohfp.Errorf(ohfp.ErrConflict, "template %s is in %s; remove it there", in.ID, file)
	case !exists:
		return ohfp.Errorf(ohfp.ErrNotFound, "template %s is not in the store; see ohfp templates list", in.ID)
	case in.Version != 0 && in.Version != was.Version:
		return ohfp.Errorf(ohfp.ErrConflict, "template %s is in version %d, not %d; read it again", in.ID, was.Version, in.Version)
	case in.DryRun:
		return nil
	}
	event := ohfp.Event{Kind: ohfp.TemplateDeleted, Message: fmt.Sprintf("template %s is deleted", in.ID)}
	if err := c.Store.DeleteTemplate(ctx, in.ID, c.templateEvents(in.ID, in.Origin, event)...); err != nil {
		return fmt.Errorf("delete template: %w", err)
	}
	return nil
}

// ForgetTemplate ends the listing of a template that is broken or gone.
type ForgetTemplate struct {
	ID ohfp.TemplateID
}

// ForgetTemplate is for templates that stay listed although they launch nothing. One that is in the store or in a file is
// [ohfp.ErrConflict].
func (c *Commands) ForgetTemplate(ctx context.Context, in ForgetTemplate) error {
	return c.Catalog.Forget(ctx, in.ID)
}

func (c *Commands) ownTemplate(ctx context.Context, id ohfp.TemplateID) (ohfp.Template, bool, error) {
	own, err := c.Store.Templates(ctx)
	if err != nil {
		return ohfp.Template{}, false, fmt.Errorf("read the templates of the store: %w", err)
	}
	i := slices.IndexFunc(own, func(t ohfp.Template) bool { return t.ID == id })
	if i < 0 {
		return ohfp.Template{}, false, nil
	}
	return own[i], true, nil
}

// templateEvents are the events of a change, when they are wanted.
func (c *Commands) templateEvents(id ohfp.TemplateID, origin ohfp.Origin, event ohfp.Event) []ohfp.Event {
	if !c.TemplateEvents {
		return nil
	}
	event.At, event.Template, event.Actor = c.Now(), id, origin.String()
	return []ohfp.Event{event}
}
