package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/store"
)

// Inspect implements [store.Reader].
func (s *Store) Inspect(ctx context.Context) (found store.Inspection, err error) {
	found = store.Inspection{Strategy: "sql", Engine: s.engine.name(), Place: s.path}
	err = s.read(ctx, func(tx session) error {
		if found.Schema, err = s.engine.schemaNumber(ctx, tx); err != nil {
			return err
		}
		if found.Bytes, err = s.engine.size(ctx, tx); err != nil {
			return err
		}
		for _, count := range []struct {
			of    any
			query string
		}{
			{&found.Requests, "SELECT COUNT(*) FROM requests"},
			{&found.Unsettled, "SELECT COUNT(*) FROM requests WHERE NOT settled"},
			{&found.Machines, "SELECT COUNT(*) FROM machines"},
			{&found.Live, "SELECT COUNT(*) FROM machines WHERE state <> 'terminated'"},
			{&found.Templates, "SELECT COUNT(*) FROM templates"},
			{&found.Events, "SELECT COUNT(*) FROM events"},
			{&found.Sequence, "SELECT COALESCE(MAX(sequence), 0) FROM events"},
		} {
			if err := tx.QueryRowContext(ctx, count.query).Scan(count.of); err != nil {
				return err
			}
		}
		return nil
	})
	return found, err
}

// Check implements [store.Reader].
func (s *Store) Check(ctx context.Context) error {
	var damage findings
	err := s.read(ctx, func(tx session) error {
		schema, err := s.engine.schemaNumber(ctx, tx)
		if err != nil {
			return err
		}
		if err := s.refuseOther(schema); err != nil {
			return err
		}
		if err := s.engine.integrity(ctx, tx, damage.add); err != nil {
			return err
		}
		for _, look := range []func(context.Context, session, *findings) error{checkRequests, checkUsed, checkMachineRows, checkEvents, checkTemplates} {
			if err := look(ctx, tx, &damage); err != nil {
				return err
			}
		}
		return nil
	})
	return s.fault(errors.Join(err, damage.error(s.path)))
}

// findings are what is damaged.
type findings struct {
	count int
	told  error
}

func (f *findings) add(format string, args ...any) {
	const tell = 10
	if f.count++; f.count <= tell {
		f.told = errors.Join(f.told, fmt.Errorf(format, args...)) //nolint:err113 // parts of one error of a kind
	}
}

func (f *findings) error(path string) error {
	if f.count == 0 {
		return nil
	}
	return ohfp.Errorf(ohfp.ErrUnavailable, "store %s is damaged in %s; restore it from a backup: %w", path, ohfp.Count(f.count, "place"), oneLine{f.told})
}

// checkRequests reads all requests, and compares the columns that decide what is done about them with the documents.
func checkRequests(ctx context.Context, tx session, damage *findings) error {
	return eachRow(ctx, tx, "SELECT id, type, status, ended, created_at, version, doc FROM requests", func(rows *sql.Rows) error {
		var id, kind, status string
		var ended bool
		var created, version int64
		var doc sql.RawBytes
		if err := rows.Scan(&id, &kind, &status, &ended, &created, &version, &doc); err != nil {
			return err
		}
		r, err := decode[ohfp.Request](doc)
		switch {
		case err != nil:
			damage.add("request %s: %w", id, err)
		case string(r.ID) != id || string(r.Type) != kind || string(r.Status) != status || r.Status.Terminal() != ended ||
			stamp(r.CreatedAt) != created || version < 1:
			damage.add("request %s has columns that are not those of its document", id)
		}
		return nil
	})
}

// checkUsed compares what requests are said to count against limits with what their machines count.
func checkUsed(ctx context.Context, tx session, damage *findings) error {
	return eachRow(ctx, tx, "SELECT id FROM requests WHERE (used_units, used_vcpus, used_price) <> "+counted, func(rows *sql.Rows) error {
		var id string
		if err := rows.Scan(&id); err != nil {
			return err
		}
		damage.add("request %s counts something else against limits than its machines do", id)
		return nil
	})
}

func checkMachineRows(ctx context.Context, tx session, damage *findings) error {
	query := "SELECT machine_id, provider, request_id, return_id, state, name, counted, launched_at, version, doc FROM machines"
	return eachRow(ctx, tx, query, func(rows *sql.Rows) error {
		var id, provider, request, back, state, name string
		var counted bool
		var launched, version int64
		var doc sql.RawBytes
		if err := rows.Scan(&id, &provider, &request, &back, &state, &name, &counted, &launched, &version, &doc); err != nil {
			return err
		}
		m, err := decode[ohfp.Machine](doc)
		switch {
		case err != nil:
			damage.add("machine %s: %w", id, err)
		case string(m.ID) != id || m.Provider != provider || string(m.Request) != request || string(m.Return) != back || string(m.State) != state ||
			m.Name != name || store.Counted(m) != counted || stamp(m.LaunchedAt) != launched || version < 1:
			damage.add("machine %s has columns that are not those of its document", id)
		}
		return nil
	})
}

func checkEvents(ctx context.Context, tx session, damage *findings) error {
	return eachRow(ctx, tx, "SELECT sequence, request_id, doc FROM events", func(rows *sql.Rows) error {
		var sequence int64
		var request string
		var doc sql.RawBytes
		if err := rows.Scan(&sequence, &request, &doc); err != nil {
			return err
		}
		e, err := decode[ohfp.Event](doc)
		switch {
		case err != nil:
			damage.add("event %d: %w", sequence, err)
		case string(e.Request) != request:
			damage.add("event %d has columns that are not those of its document", sequence)
		}
		return nil
	})
}

func checkTemplates(ctx context.Context, tx session, damage *findings) error {
	return eachRow(ctx, tx, "SELECT id, doc FROM templates", func(rows *sql.Rows) error {
		var id string
		var doc sql.RawBytes
		if err := rows.Scan(&id, &doc); err != nil {
			return err
		}
		t, err := decode[ohfp.Template](doc)
		switch {
		case err != nil:
			damage.add("template %s: %w", id, err)
		case string(t.ID) != id:
			damage.add("template %s has a document of template %s", id, t.ID)
		}
		return nil
	})
}

func eachRow(ctx context.Context, tx session, query string, do func(rows *sql.Rows) error) error {
	rows, err := tx.QueryContext(ctx, query)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := do(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}
