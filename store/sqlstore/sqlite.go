package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/store"
	"github.com/openhostfactory/ohfp/store/internal/localdisk"
)

// Options say which store in a file to open.
type Options struct {
	Path string    // the file; it and its directory are made when they do not exist, readable by their owner only
	Now  store.Now // stamps what expires

	// BusyTimeout is how long a write waits for other processes, 15 seconds when zero. A context may end it earlier.
	BusyTimeout time.Duration

	// MaxConnections bounds the readers and the one writer at work at once, 8 when zero.
	MaxConnections int
}

// surroundings are what tests replace.
type surroundings struct {
	fileSystem func(path string) (string, error) // names the network file system that path is on
	schema     fs.FS                             // the migrations
}

// Open opens the store in a file, and makes it or brings it up to date where needed.
func Open(ctx context.Context, o Options) (*Store, error) {
	schema, err := released("sqlite")
	if err != nil {
		return nil, err
	}
	return open(ctx, o, surroundings{fileSystem: localdisk.NetworkFileSystem, schema: schema})
}

func open(ctx context.Context, o Options, around surroundings) (*Store, error) {
	if o.Now == nil {
		return nil, fmt.Errorf("store %s has no clock", o.Path)
	}
	path, err := place(o.Path, around.fileSystem)
	if err != nil {
		return nil, err
	}
	s := newStore(sqliteEngine{}, path, o.Now, o.BusyTimeout, around.schema)
	if s.db, err = connect(path, s.busy); err != nil {
		return nil, err
	}
	s.prepared = newPrepared(s.db)
	return s.ready(ctx, o.MaxConnections)
}

// sqliteEngine is SQLite. It numbers the schema in the file's header.
type sqliteEngine struct{}

var _ engine = sqliteEngine{}

// connect prepares connections to the file, which must exist. It does not open any yet.
func connect(path string, busy time.Duration) (*sql.DB, error) {
	options := url.Values{
		"mode":          {"rw"},        // never make a file here, with whatever mode it would get
		"_txlock":       {"immediate"}, // of writing transactions; those that only read stay deferred
		"_busy_timeout": {strconv.FormatInt(busy.Milliseconds(), 10)},
		// With the write-ahead log, NORMAL may lose the last transactions in a power cut, and with them machines that
		// somebody pays for. FULL adds one sync of the log to each write.
		"_synchronous": {"FULL"},
		"_dqs":         {"0"}, // a misspelt "column" is an error, not a string
		"_error_rc":    {"1"}, // no stale words in errors
	}
	connector, err := sqlite.NewConnector(address(filepath.ToSlash(path), options))
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	return sql.OpenDB(connector), nil
}

// address is what SQLite takes for a file, whose path has slashes. Before a drive's letter it wants one more: it would take
// the drive for the name of a machine.
func address(path string, options url.Values) string {
	if !strings.HasPrefix(path, "/") {
		path = "/" + path
	}
	name := url.URL{Scheme: "file", Path: path, RawQuery: options.Encode()}
	return name.String()
}

func (sqliteEngine) name() string { return "sqlite" }

func (sqliteEngine) size(ctx context.Context, tx session) (bytes int64, err error) {
	err = tx.QueryRowContext(ctx, "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size").Scan(&bytes)
	return bytes, err
}

func (sqliteEngine) integrity(ctx context.Context, tx session, tell func(format string, args ...any)) error {
	return eachRow(ctx, tx, "PRAGMA integrity_check(10)", func(rows *sql.Rows) error {
		var found string
		if err := rows.Scan(&found); err != nil {
			return err
		}
		if found != "ok" {
			tell("%s", found)
		}
		return nil
	})
}

// list is a text of JSON, which SQLite takes apart.
func (sqliteEngine) bind(query string) string {
	return strings.ReplaceAll(query, oneOf, " IN (SELECT value FROM json_each(?))")
}

func (sqliteEngine) look() *sql.TxOptions { return &sql.TxOptions{ReadOnly: true} }

// change starts transactions with BEGIN IMMEDIATE, see connect.
func (sqliteEngine) change() *sql.TxOptions { return nil }

func (e sqliteEngine) hold(ctx context.Context, tx session) (int, error) {
	return e.schemaNumber(ctx, tx)
}

func (sqliteEngine) each(ctx context.Context, tx session, query string, n int, args func(i int) ([]any, error)) error {
	statement, err := tx.tx.PrepareContext(ctx, query)
	if err != nil {
		return err
	}
	defer statement.Close()
	for i := range n {
		values, err := args(i)
		if err != nil {
			return err
		}
		if _, err := statement.ExecContext(ctx, values...); err != nil {
			return err
		}
	}
	return nil
}

func (sqliteEngine) schemaNumber(ctx context.Context, q queryer) (number int, err error) {
	err = q.QueryRowContext(ctx, "PRAGMA user_version").Scan(&number)
	return number, err
}

func (sqliteEngine) setSchemaNumber(ctx context.Context, tx session, number int) error {
	_, err := tx.ExecContext(ctx, fmt.Sprintf("PRAGMA user_version = %d", number))
	return err
}

// beforeUpgrade switches the file to the write-ahead log, which it then stays with. Readers and a writer do not wait for
// each other there, and a write costs one sync.
func (sqliteEngine) beforeUpgrade(ctx context.Context, conn *sql.Conn) error {
	var mode string
	if err := conn.QueryRowContext(ctx, "PRAGMA journal_mode = WAL").Scan(&mode); err != nil {
		return err
	}
	if mode != "wal" {
		return fmt.Errorf("journal mode is %s, not wal; the file system may lack shared memory maps, use another directory", mode)
	}
	return nil
}

// holdUpgrade has nothing to do: writing transactions have the file to themselves.
func (sqliteEngine) holdUpgrade(context.Context, session) error { return nil }

// busy is what SQLite says at once, without the wait that it has for everything else, to one of two processes that switch
// a new file to its log.
func (sqliteEngine) busy(err error) bool {
	var refused *sqlite.Error
	return errors.As(err, &refused) && refused.Code()&0xff == lib.SQLITE_BUSY
}

func (sqliteEngine) lost(error) bool { return false }

func (sqliteEngine) outcome(_ context.Context, _ session, err error) error { return err }

func (sqliteEngine) fault(s *Store, err error) error {
	var refused *sqlite.Error
	if !errors.As(err, &refused) {
		return fmt.Errorf("store %s: %w", s.path, err)
	}
	switch refused.Code() & 0xff { // the rest of the code is detail
	case lib.SQLITE_BUSY, lib.SQLITE_LOCKED, lib.SQLITE_PROTOCOL:
		return ohfp.Errorf(ohfp.ErrUnavailable,
			"store %s stayed locked by another process for %s; find out which (a backup, a database tool, a stopped ohfp) or try again: %w",
			s.path, s.busy, err)
	case lib.SQLITE_FULL:
		return ohfp.Errorf(ohfp.ErrUnavailable, "store %s cannot grow; free some space on its disk: %w", s.path, err)
	case lib.SQLITE_READONLY, lib.SQLITE_PERM, lib.SQLITE_CANTOPEN, lib.SQLITE_AUTH:
		return ohfp.Errorf(ohfp.ErrUnavailable,
			"store %s cannot be written; give this user the file and its directory, on a file system that is not read-only: %w", s.path, err)
	case lib.SQLITE_CORRUPT, lib.SQLITE_NOTADB:
		return ohfp.Errorf(ohfp.ErrUnavailable, "store %s is damaged or no store at all; restore it from a backup or move it away: %w", s.path, err)
	case lib.SQLITE_IOERR:
		return ohfp.Errorf(ohfp.ErrUnavailable, "store %s cannot be read or written; check its disk: %w", s.path, err)
	default:
		return fmt.Errorf("store %s: %w", s.path, err)
	}
}
