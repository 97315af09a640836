package dynamodb

import (
	"context"
	"maps"
	"slices"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/store"
)

const templatePartition = "template"

// A template that was deleted leaves its key behind, so that nobody who is late brings it back.
func templateKey(id ohfp.TemplateID) key { return key{templatePartition, "#" + string(id)} }

// Templates implements [store.Reader].
func (s *Store) Templates(ctx context.Context) (found []ohfp.Template, err error) {
	err = s.read(ctx, func(v *view) error {
		found = nil
		newest := v.number()
		all := map[ohfp.TemplateID]template{}
		if err := s.table.query(ctx, span{partition: templatePartition}, func(page []item, _ bool) (bool, error) {
			for _, i := range page {
				t := templateOf(i)
				all[t.id] = t
				newest = max(newest, t.number)
			}
			return true, nil
		}); err != nil {
			return err
		}
		if err := v.reach(ctx, newest); err != nil {
			return err
		}
		maps.Copy(all, v.kept)
		for _, id := range slices.Sorted(maps.Keys(all)) {
			if len(all[id].doc) == 0 {
				continue
			}
			t, err := unpack[ohfp.Template](all[id].doc)
			if err != nil {
				return err
			}
			found = append(found, t)
		}
		return nil
	})
	return found, err
}

// PutTemplate implements [store.Store].
func (s *Store) PutTemplate(ctx context.Context, t ohfp.Template, events ...ohfp.Event) error {
	return s.write(ctx, func(v *view) (*draft, error) {
		known, err := s.template(ctx, v, t.ID)
		if err != nil {
			return nil, err
		}
		var was ohfp.Template
		if len(known.doc) > 0 {
			if was, err = unpack[ohfp.Template](known.doc); err != nil {
				return nil, err
			}
		}
		next, err := store.NextTemplate(t, was, len(known.doc) > 0)
		if err != nil {
			return nil, err
		}
		doc, err := pack(next)
		if err != nil {
			return nil, err
		}
		if len(doc) > inEntry {
			return nil, ohfp.Errorf(ohfp.ErrInvalid, "template %s takes %d KB, of which the store takes %d; make it smaller", t.ID, len(doc)>>10, inEntry>>10)
		}
		return s.templateDraft(template{id: t.ID, doc: doc}, events), nil
	})
}

// DeleteTemplate implements [store.Store].
func (s *Store) DeleteTemplate(ctx context.Context, id ohfp.TemplateID, events ...ohfp.Event) error {
	return s.write(ctx, func(v *view) (*draft, error) {
		known, err := s.template(ctx, v, id)
		if err != nil {
			return nil, err
		}
		if len(known.doc) == 0 {
			return nil, ohfp.Errorf(ohfp.ErrNotFound, "template %s is not in the store", id)
		}
		return s.templateDraft(template{id: id}, events), nil
	})
}

// template reads a template as the view has it; its document is empty when there is none.
func (s *Store) template(ctx context.Context, v *view, id ohfp.TemplateID) (template, error) {
	if known, changed := v.kept[id]; changed {
		return known, nil
	}
	i, err := s.table.get(ctx, templateKey(id))
	if err != nil {
		return template{}, err
	}
	known := templateOf(i)
	return known, v.reach(ctx, known.number)
}

func (s *Store) templateDraft(t template, events []ohfp.Event) *draft {
	d := s.newDraft(events)
	d.templates = []template{t}
	d.about[t.id] = true
	for _, e := range events {
		if e.Machine != "" {
			d.strays = append(d.strays, e.Machine)
		}
	}
	return d
}
