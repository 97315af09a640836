package sqlstore

import (
	"context"
	"database/sql"
	"sync"
	"sync/atomic"
	"time"
)

// watchEvery is how late a commit of another process may show, at most. To ask takes some 5 µs, which is much beside an answer
// that was kept.
const watchEvery = time.Millisecond

// watcher is a connection to a file that never writes, so that SQLite tells it of every commit by others.
type watcher struct {
	own atomic.Int64 // commits of this process

	mu   sync.Mutex
	db   *sql.DB
	ask  *sql.Stmt
	last int64
	at   time.Time
}

// snapshotNumber is made of which transactions a statement sees, which changes with every one that is committed on the server and
// with no read, and of which life of the server numbers them. A place in the log would not do: a commit is in there before
// others see it.
const snapshotNumber = "SELECT hashtextextended(txid_current_snapshot()::text || ' ' || pg_postmaster_start_time()::text, 0)"

// Revision is a number that differs from an earlier one of the same open store when anything was committed in between: by
// this process at once, by others within a millisecond in SQLite, and at once in PostgreSQL, for the price of one question to
// the server. No record is read for it.
func (s *Store) Revision(ctx context.Context) (n int64, ok bool, err error) {
	if s.engine.name() != (sqliteEngine{}).name() {
		defer s.prepared.settle(ctx)
		err = s.alone().QueryRowContext(ctx, snapshotNumber).Scan(&n)
		return n, err == nil, s.fault(err)
	}
	others, err := s.watcher.others(ctx, s)
	return others<<32 + s.watcher.own.Load()&(1<<32-1), err == nil, s.fault(err)
}

// others is SQLite's own number, of 32 bits.
func (w *watcher) others(ctx context.Context, s *Store) (int64, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now() //nolint:forbidigo // a pause of the machine, not of the store's clock
	if now.Sub(w.at) < watchEvery {
		return w.last, nil
	}
	if err := w.open(ctx, s); err != nil {
		return 0, err
	}
	if err := w.ask.QueryRowContext(ctx).Scan(&w.last); err != nil {
		return 0, err
	}
	w.at = now
	return w.last, nil
}

func (w *watcher) open(ctx context.Context, s *Store) error {
	if w.ask != nil {
		return nil
	}
	db, err := connect(s.path, s.busy)
	if err != nil {
		return err
	}
	db.SetMaxOpenConns(1) // the number means something on one connection only
	db.SetMaxIdleConns(1)
	ask, err := db.PrepareContext(ctx, "PRAGMA data_version")
	if err != nil {
		_ = db.Close() // the first error is the one that tells
		return err
	}
	w.db, w.ask = db, ask
	return nil
}

func (w *watcher) close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.db == nil {
		return nil
	}
	db := w.db
	w.db, w.ask, w.at = nil, nil, time.Time{}
	return db.Close()
}
