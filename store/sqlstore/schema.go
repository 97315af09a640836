package sqlstore

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"time"

	"github.com/openhostfactory/ohfp"
)

// The schema is the files of this directory, applied in the order of their names. A file that was released never changes;
// the next change is the next file.
//
// They are applied here and not by a migration library, because dozens of processes may find the store missing in the
// same moment: all pending files and the number of the schema go into one transaction, so that one process does the work
// and the others find it done, and a process that dies in the middle leaves nothing behind. A store that is up to date
// costs one look at the number.
//
//go:embed migrations/*/*.sql
var migrations embed.FS

// released is the schema of an engine.
func released(engine string) (fs.FS, error) {
	files, err := fs.Sub(migrations, "migrations/"+engine)
	if err != nil {
		return nil, fmt.Errorf("find migrations: %w", err)
	}
	return files, nil
}

// refuseOther refuses a store whose schema is not the one that this program knows.
func (s *Store) refuseOther(version int) error {
	switch {
	case version > s.known:
		return ohfp.Errorf(ohfp.ErrConflict, "store %s was written by a newer ohfp (schema %d, this one knows %d); upgrade ohfp", s.path, version, s.known)
	case version < s.known:
		return ohfp.Errorf(ohfp.ErrConflict, "store %s was replaced by an older one while it was open (schema %d, not %d); start again", s.path, version, s.known)
	default:
		return nil
	}
}

// prepare makes the store ready for use, and waits where the database does not.
func (s *Store) prepare(ctx context.Context) error {
	patience, end := context.WithTimeout(ctx, s.busy)
	defer end()
	for pause := time.Millisecond; ; pause = min(2*pause, maxPause) {
		err := s.upgrade(ctx)
		if err == nil || !s.engine.busy(err) {
			return err
		}
		select {
		case <-time.After(pause):
		case <-patience.Done():
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return err
		}
	}
}

const maxPause = 50 * time.Millisecond

// upgrade brings the schema up to date. It refuses a store that a newer program has written.
func (s *Store) upgrade(ctx context.Context) error {
	files, err := fs.ReadDir(s.schema, ".")
	if err != nil {
		return fmt.Errorf("list migrations: %w", err)
	}
	s.known = len(files)
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close() // again, where it was not needed to the end
	version, err := s.engine.schemaNumber(ctx, conn)
	if err != nil {
		return err
	}
	if version >= s.known {
		return s.refuseOther(version)
	}
	if err := s.engine.beforeUpgrade(ctx, conn); err != nil {
		return err
	}
	if err := conn.Close(); err != nil {
		return err
	}
	tx, err := s.begin(ctx, s.engine.change())
	if err != nil {
		return err
	}
	defer tx.end()
	if err := s.engine.holdUpgrade(ctx, tx); err != nil {
		return err
	}
	// Another process may have been faster.
	if version, err = s.engine.schemaNumber(ctx, tx); err != nil {
		return err
	}
	if version >= s.known {
		return s.refuseOther(version)
	}
	for _, file := range files[version:] {
		statements, err := fs.ReadFile(s.schema, file.Name())
		if err != nil {
			return fmt.Errorf("read migration: %w", err)
		}
		if _, err := tx.on.ExecContext(ctx, string(statements)); err != nil {
			return fmt.Errorf("apply %s: %w", file.Name(), err)
		}
	}
	if err := s.engine.setSchemaNumber(ctx, tx, s.known); err != nil {
		return err
	}
	return tx.commit(ctx)
}
