package sqlstore

import (
	"context"
	"database/sql"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/store"
)

// Templates implements [store.Reader].
func (s *Store) Templates(ctx context.Context) ([]ohfp.Template, error) {
	rows, err := s.alone().QueryContext(ctx, "SELECT doc FROM templates ORDER BY id")
	if err != nil {
		return nil, s.fault(err)
	}
	defer rows.Close()
	var found []ohfp.Template
	for rows.Next() {
		var doc sql.RawBytes
		if err := rows.Scan(&doc); err != nil {
			return nil, s.fault(err)
		}
		t, err := decode[ohfp.Template](doc)
		if err != nil {
			return nil, s.fault(err)
		}
		found = append(found, t)
	}
	return found, s.fault(rows.Err())
}

// PutTemplate implements [store.Store].
func (s *Store) PutTemplate(ctx context.Context, t ohfp.Template, events ...ohfp.Event) error {
	doc, err := encode(store.CopyTemplate(t))
	if err != nil {
		return s.fault(err)
	}
	return s.write(ctx, func(tx session) error {
		_, err := tx.ExecContext(ctx, "INSERT INTO templates (id, doc) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET doc = excluded.doc", t.ID, doc)
		if err != nil {
			return err
		}
		return saveEvents(ctx, tx, events)
	})
}

// DeleteTemplate implements [store.Store].
func (s *Store) DeleteTemplate(ctx context.Context, id ohfp.TemplateID, events ...ohfp.Event) error {
	return s.write(ctx, func(tx session) error {
		result, err := tx.ExecContext(ctx, "DELETE FROM templates WHERE id = ?", id)
		if err != nil {
			return err
		}
		if n, err := result.RowsAffected(); err != nil {
			return err
		} else if n == 0 {
			return ohfp.Errorf(ohfp.ErrNotFound, "template %s is not in the store", id)
		}
		return saveEvents(ctx, tx, events)
	})
}
