package pool

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"sync"
	"time"

	"modernc.org/sqlite"

	"github.com/openhostfactory/ohfp"
)

// lease is who has a host, or had it.
type lease struct {
	ID           ohfp.MachineID
	Token        string // of the order that took it
	Installation ohfp.InstallationID
	Request      ohfp.RequestID
	Template     ohfp.TemplateID
	Host         string
	Address      string
	Group        string
	Zone         string
	Since, Ended time.Time // Ended is zero while it holds
}

// ledger is the file of leases. It is what a cloud is elsewhere: the one place that decides who has what, for all
// processes that ask at once.
type ledger struct {
	path string
	mu   sync.Mutex
	db   *sql.DB
}

func newLedger(path string) *ledger { return &ledger{path: path} }

// The index makes it impossible to lease a host twice, whatever the code above it does.
const schema = `
CREATE TABLE IF NOT EXISTS lease (
	id INTEGER PRIMARY KEY AUTOINCREMENT, token TEXT NOT NULL, installation TEXT NOT NULL, request TEXT NOT NULL, template TEXT NOT NULL,
	host TEXT NOT NULL, address TEXT NOT NULL, class TEXT NOT NULL, zone TEXT NOT NULL, since INTEGER NOT NULL, ended INTEGER
);
CREATE UNIQUE INDEX IF NOT EXISTS one_holder ON lease (host) WHERE ended IS NULL;`

// open opens the file at its first use and makes it if it is not there.
func (l *ledger) open(ctx context.Context) (*sql.DB, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.db != nil {
		return l.db, nil
	}
	// SQLite does not wait for other writers by itself: that could not be interrupted. See patiently.
	options := url.Values{"_txlock": {"immediate"}, "_busy_timeout": {"0"}, "_synchronous": {"FULL"}, "_journal_mode": {"WAL"}}
	file := url.URL{Scheme: "file", OmitHost: true, Path: filepath.ToSlash(l.path), RawQuery: options.Encode()}
	db, err := sql.Open("sqlite", file.String())
	if err != nil {
		return nil, fmt.Errorf("open ledger %s: %w", l.path, err)
	}
	if err := patiently(ctx, func() error { _, err := db.ExecContext(ctx, schema); return err }); err != nil {
		return nil, errors.Join(l.unavailable(ctx, err), db.Close())
	}
	l.db = db
	return db, nil
}

func (l *ledger) close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.db == nil {
		return nil
	}
	db := l.db
	l.db = nil
	return db.Close()
}

func (l *ledger) read(ctx context.Context, do func(*transaction) error) error {
	return l.run(ctx, &sql.TxOptions{ReadOnly: true}, do)
}

// write runs do while nobody else writes, and again when somebody did.
func (l *ledger) write(ctx context.Context, do func(*transaction) error) error {
	return l.run(ctx, nil, do)
}

func (l *ledger) run(ctx context.Context, options *sql.TxOptions, do func(*transaction) error) error {
	db, err := l.open(ctx)
	if err != nil {
		return err
	}
	err = patiently(ctx, func() error {
		tx, err := db.BeginTx(ctx, options)
		if err != nil {
			return err
		}
		if err := do(&transaction{ctx: ctx, tx: tx}); err != nil {
			return errors.Join(err, tx.Rollback())
		}
		return tx.Commit()
	})
	return l.unavailable(ctx, err)
}

// patiently repeats what failed because somebody else was writing, as long as the caller waits.
func patiently(ctx context.Context, do func() error) error {
	for {
		err := do()
		if !busy(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// busy says whether an error passes: 5 is SQLITE_BUSY and 6 SQLITE_LOCKED, in the lower byte of the code.
func busy(err error) bool {
	var refused *sqlite.Error
	return errors.As(err, &refused) && (refused.Code()&0xff == 5 || refused.Code()&0xff == 6)
}

// unavailable gives errors their kind. Whether a write has happened is not known then, so that it is asked for again.
func (l *ledger) unavailable(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ohfp.Errorf(ohfp.ErrTimeout, "ledger %s: %w; try again", l.path, ctx.Err())
	default:
		return ohfp.Errorf(ohfp.ErrUnavailable, "ledger %s cannot be used: %w; look at the file and its directory", l.path, err)
	}
}

// transaction is one look at the ledger, or one change of it.
type transaction struct {
	ctx context.Context //nolint:containedctx // it lives no longer than the call
	tx  *sql.Tx
}

func (t *transaction) leases() ([]lease, error) {
	rows, err := t.tx.QueryContext(t.ctx, "SELECT id, token, installation, request, template, host, address, class, zone, since, ended FROM lease ORDER BY id")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []lease
	for rows.Next() {
		var l lease
		var id, since int64
		var ended sql.NullInt64
		if err := rows.Scan(&id, &l.Token, &l.Installation, &l.Request, &l.Template, &l.Host, &l.Address, &l.Group, &l.Zone, &since, &ended); err != nil {
			return nil, err
		}
		l.ID, l.Since = machineID(id), time.UnixMilli(since).UTC()
		if ended.Valid {
			l.Ended = time.UnixMilli(ended.Int64).UTC()
		}
		all = append(all, l)
	}
	return all, rows.Err()
}

func (t *transaction) add(l lease) (lease, error) {
	done, err := t.tx.ExecContext(t.ctx,
		"INSERT INTO lease (token, installation, request, template, host, address, class, zone, since) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
		l.Token, l.Installation, l.Request, l.Template, l.Host, l.Address, l.Group, l.Zone, l.Since.UnixMilli())
	if err != nil {
		return l, err
	}
	id, err := done.LastInsertId()
	l.ID, l.Since = machineID(id), time.UnixMilli(l.Since.UnixMilli()).UTC()
	return l, err
}

// end ends a lease of the installation, unless it has ended, and says whether the ledger knows it.
func (t *transaction) end(id ohfp.MachineID, installation ohfp.InstallationID, now time.Time) (known bool, err error) {
	done, err := t.tx.ExecContext(t.ctx, "UPDATE lease SET ended = coalesce(ended, ?) WHERE 'lease-' || id = ? AND installation = ?",
		now.UnixMilli(), id, installation)
	if err != nil {
		return false, err
	}
	rows, err := done.RowsAffected()
	return rows > 0, err
}

// forget removes leases that ended before a time.
func (t *transaction) forget(before time.Time) error {
	_, err := t.tx.ExecContext(t.ctx, "DELETE FROM lease WHERE ended < ?", before.UnixMilli())
	return err
}

func machineID(id int64) ohfp.MachineID { return ohfp.MachineID(fmt.Sprintf("lease-%d", id)) }
