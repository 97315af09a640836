package jsonfile

import (
	"context"
	"errors"
	"io/fs"
	"slices"
	"strings"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/store"
)

// templateList is templates.json. There are few, so they are one file.
type templateList struct {
	Templates []ohfp.Template `json:"templates"` // by id
}

func (v *view) templates() ([]ohfp.Template, error) {
	data, err := v.file(templateFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	list, err := decode[templateList](data)
	if err != nil {
		return nil, v.damaged(templateFile, err)
	}
	return list.Templates, nil
}

// Templates implements [store.Reader].
func (s *Store) Templates(ctx context.Context) (found []ohfp.Template, err error) {
	err = s.look(ctx, func(v *view) error {
		found, err = v.templates()
		return err
	})
	return found, err
}

// PutTemplate implements [store.Store].
func (s *Store) PutTemplate(ctx context.Context, t ohfp.Template, events ...ohfp.Event) error {
	return s.changeTemplates(ctx, events, func(all []ohfp.Template) ([]ohfp.Template, error) {
		i, exists := findTemplate(all, t.ID)
		var was ohfp.Template
		if exists {
			was = all[i]
		}
		next, err := store.NextTemplate(t, was, exists)
		switch {
		case err != nil:
			return nil, err
		case exists:
			all[i] = next
			return all, nil
		default:
			return slices.Insert(all, i, next), nil
		}
	})
}

// DeleteTemplate implements [store.Store].
func (s *Store) DeleteTemplate(ctx context.Context, id ohfp.TemplateID, events ...ohfp.Event) error {
	return s.changeTemplates(ctx, events, func(all []ohfp.Template) ([]ohfp.Template, error) {
		i, exists := findTemplate(all, id)
		if !exists {
			return nil, ohfp.Errorf(ohfp.ErrNotFound, "template %s is not in the store", id)
		}
		return slices.Delete(all, i, i+1), nil
	})
}

func findTemplate(all []ohfp.Template, id ohfp.TemplateID) (int, bool) {
	return slices.BinarySearchFunc(all, id, func(t ohfp.Template, id ohfp.TemplateID) int {
		return strings.Compare(string(t.ID), string(id))
	})
}

func (s *Store) changeTemplates(ctx context.Context, events []ohfp.Event, change func([]ohfp.Template) ([]ohfp.Template, error)) error {
	return s.write(ctx, func(tx *transaction) error {
		all, err := tx.templates()
		if err != nil {
			return err
		}
		if all, err = change(all); err != nil {
			return err
		}
		data, err := encodeIndented(templateList{all})
		if err != nil {
			return err
		}
		tx.place(templateFile, data)
		tx.events = append(tx.events, events...)
		return nil
	})
}
