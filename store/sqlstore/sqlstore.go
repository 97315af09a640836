// Package sqlstore is the store of the strategy "sql": one SQLite file that any number of processes of one machine share,
// or a schema in a PostgreSQL database that those of any number of machines share, each for as short or as long as it likes.
// It refuses to keep a file on a network file system, where the locks and the shared memory that SQLite relies on do not
// hold, and to use a store that a newer version of the program has written.
//
// Records are documents in JSON beside the columns that they are looked for by. Readers see one state of the store for
// as long as a call takes and never wait for writers. Every write is one short transaction that has the store to itself
// from its first statement (a transaction that reads first and asks for the store later fails, or decides on what is no
// longer so, as soon as another process writes in between), and is synced to disk when it returns.
//
// The statements are the same for both databases; what differs is behind the type engine: sqlite.go is the one, postgres….go the
// other.
package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/store"
)

const (
	busyTimeout = 15 * time.Second
	connections = 8 // readers and one writer
)

// Store is an open store. Its methods may be called by many goroutines at once.
type Store struct {
	db       *sql.DB
	engine   engine
	path     string // what messages call it
	now      store.Now
	busy     time.Duration
	schema   fs.FS         // the migrations
	known    int           // the number of the schema that they lead to
	clock    string        // the statement that asks the database for the time which leases lapse by; empty: now
	fences   []store.Lease // that must be held when it writes
	prepared *prepared     // nil: the driver keeps them itself
	watcher  *watcher      // of changes; shared with what holds a lease
	decoded  *decoded      // what was read lately; shared likewise
	writer   chan struct{} // held by the one goroutine of this process that writes: in here waiting is fair and without polling
}

var _ store.Store = (*Store)(nil)

func newStore(e engine, path string, now store.Now, busy time.Duration, schema fs.FS) *Store {
	if busy <= 0 {
		busy = busyTimeout
	}
	return &Store{engine: e, path: path, now: now, busy: busy, schema: schema, watcher: &watcher{}, decoded: &decoded{}, writer: make(chan struct{}, 1)}
}

// ready finishes the opening of a store.
func (s *Store) ready(ctx context.Context, maxConnections int) (*Store, error) {
	if maxConnections <= 0 {
		maxConnections = connections
	}
	s.db.SetMaxOpenConns(maxConnections)
	s.db.SetMaxIdleConns(maxConnections)
	if err := s.prepare(ctx); err != nil {
		_ = s.db.Close() // the first error is the one that tells
		return nil, s.fault(err)
	}
	return s, nil
}

// Close releases the store. It may be called twice.
func (s *Store) Close() error { return s.fault(errors.Join(s.watcher.close(), s.db.Close())) }

// read runs look on one unchanging state of the store.
func (s *Store) read(ctx context.Context, look func(tx session) error) error {
	defer s.prepared.settle(ctx)
	tx, err := s.begin(ctx, s.engine.look())
	if err != nil {
		return s.fault(err)
	}
	defer tx.end()
	return s.fault(look(tx))
}

// write runs change with the store to itself and commits what it wrote, unless it returns an error.
func (s *Store) write(ctx context.Context, change func(tx session) error) error {
	defer s.prepared.settle(ctx)
	select {
	case s.writer <- struct{}{}:
		defer func() { <-s.writer }()
	case <-ctx.Done():
		return s.fault(ctx.Err())
	}
	tx, err := s.begin(ctx, s.engine.change())
	if err != nil {
		return s.fault(err)
	}
	defer tx.end()
	schema, err := s.engine.hold(ctx, tx)
	if err != nil {
		return s.fault(err)
	}
	// Somebody may have upgraded the store since it was opened here.
	if err := s.refuseOther(schema); err != nil {
		return err
	}
	if err := s.fenced(ctx, tx); err != nil {
		return s.fault(err)
	}
	if err := change(tx); err != nil {
		return s.fault(err)
	}
	defer s.watcher.own.Add(1) // also when it failed: some failures leave open whether it was committed
	return s.fault(tx.commit(ctx))
}

// Installation implements [store.Store].
func (s *Store) Installation(ctx context.Context, suggested ohfp.InstallationID) (ohfp.InstallationID, error) {
	const find = "SELECT value FROM meta WHERE name = 'installation'"
	var id ohfp.InstallationID
	err := s.alone().QueryRowContext(ctx, find).Scan(&id)
	switch {
	case err == nil:
		return id, nil
	case !errors.Is(err, sql.ErrNoRows):
		return "", s.fault(err)
	case suggested == "":
		return "", ohfp.Errorf(ohfp.ErrNotFound, "store %s has no installation id yet; the first request makes one", s.path)
	}
	err = s.write(ctx, func(tx session) error {
		_, err := tx.ExecContext(ctx, "INSERT INTO meta (name, value) VALUES ('installation', ?) ON CONFLICT DO NOTHING", suggested)
		if err != nil {
			return err
		}
		return tx.QueryRowContext(ctx, find).Scan(&id)
	})
	return id, err
}

// fault gives an error its kind and says what to do. Errors that have a kind pass.
func (s *Store) fault(err error) error {
	switch {
	case err == nil || ohfp.KindOf(err) != nil:
		return err
	case errors.Is(err, context.DeadlineExceeded):
		return ohfp.Errorf(ohfp.ErrTimeout, "store %s did not answer in time: %w", s.path, err)
	case errors.Is(err, context.Canceled):
		return fmt.Errorf("store %s: %w", s.path, err)
	default:
		return s.engine.fault(s, err)
	}
}
