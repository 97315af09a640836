package sqlstore

import (
	"context"
	"database/sql"
	"errors"

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
	return s.write(ctx, func(tx session) error {
		was, doc, err := template(ctx, tx, t.ID)
		if err != nil {
			return err
		}
		next, err := store.NextTemplate(t, was, doc != "")
		if err != nil {
			return err
		}
		encoded, err := encode(next)
		if err != nil {
			return err
		}
		if err := swapTemplate(ctx, tx, t.ID, doc, encoded); err != nil {
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

// template reads a template and its document as it is stored, which is empty when there is none.
func template(ctx context.Context, tx session, id ohfp.TemplateID) (t ohfp.Template, doc string, err error) {
	err = tx.QueryRowContext(ctx, "SELECT doc FROM templates WHERE id = ?", id).Scan(&doc)
	if errors.Is(err, sql.ErrNoRows) {
		return t, "", nil
	}
	if err != nil {
		return t, "", err
	}
	t, err = decode[ohfp.Template]([]byte(doc))
	return t, doc, err
}

// swapTemplate writes a document in place of the one that was read, empty where there was none. PostgreSQL lets others
// write between the two.
func swapTemplate(ctx context.Context, tx session, id ohfp.TemplateID, was string, doc any) error {
	var result sql.Result
	var err error
	if was == "" {
		result, err = tx.ExecContext(ctx, "INSERT INTO templates (id, doc) VALUES (?, ?) ON CONFLICT (id) DO NOTHING", id, doc)
	} else {
		result, err = tx.ExecContext(ctx, "UPDATE templates SET doc = ? WHERE id = ? AND doc = ?", doc, id, was)
	}
	if err != nil {
		return err
	}
	n, err := result.RowsAffected()
	if err == nil && n == 0 {
		err = ohfp.Errorf(ohfp.ErrConflict, "template %s was changed by somebody else; read it again", id)
	}
	return err
}
