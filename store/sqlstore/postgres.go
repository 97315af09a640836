package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/store"
)

// PostgresOptions say which store in a PostgreSQL database to open.
type PostgresOptions struct {
	// URL is postgresql://user:password@host:port/database?sslmode=verify-full, with the parameters of libpq. What it
	// leaves out comes from PGHOST, PGPASSWORD, ~/.pgpass and so on. It never appears in errors.
	URL string
	// Schema holds the tables, "ohfp" when empty. It is made when it does not exist.
	Schema string
	Now    store.Now // stamps what expires
	// ServerClock makes leases lapse by the clock of the server, which is the same for all hosts, and not by Now.
	ServerClock bool

	// BusyTimeout is how long a write waits for other writers, 15 seconds when zero. A context may end it earlier.
	BusyTimeout time.Duration

	// MaxConnections bounds the pool, 8 when zero. One of them writes.
	MaxConnections int
}

const (
	connectTimeout = 10 * time.Second

	// idleInTransaction is when the server ends a writer that says nothing more in the middle of a write: one that was
	// stopped, or whose machine is gone. The others wait for it that long. Nothing here pauses in a transaction for longer
	// than it takes to encode some thousand machines.
	idleInTransaction = 5 * time.Second

	// Servers behind one name change, and a proxy may drop what says nothing.
	connectionLife = 30 * time.Minute
	connectionIdle = 5 * time.Minute
)

// OpenPostgres opens the store in a schema of a database, and makes it or brings it up to date where needed.
func OpenPostgres(ctx context.Context, o PostgresOptions) (*Store, error) {
	schema, err := released("postgres")
	if err != nil {
		return nil, err
	}
	return openPostgres(ctx, o, schema)
}

func openPostgres(ctx context.Context, o PostgresOptions, files fs.FS) (*Store, error) {
	if o.Schema == "" {
		o.Schema = "ohfp"
	}
	if err := checkSchemaName(o.Schema); err != nil {
		return nil, err
	}
	config, err := parseURL(o.URL)
	if err != nil {
		return nil, err
	}
	if o.Now == nil {
		return nil, errors.New("store in PostgreSQL has no clock")
	}
	path := fmt.Sprintf("%s.%s on %s:%d", config.Database, o.Schema, config.Host, config.Port)
	s := newStore(postgresEngine{schema: o.Schema}, path, o.Now, o.BusyTimeout, files)
	if o.ServerClock {
		s.clock = "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT) * 1000"
	}
	// Said in statements, because poolers between here and the server refuse or ignore the same as parameters of a connection.
	settings := fmt.Sprintf(`SET search_path = %s; SET lock_timeout = %d; SET idle_in_transaction_session_timeout = %d;
SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'`,
		pgx.Identifier{o.Schema}.Sanitize(), s.busy.Milliseconds(), idleInTransaction.Milliseconds())
	s.db = sql.OpenDB(pgConnector{config, settings})
	s.db.SetConnMaxLifetime(connectionLife)
	s.db.SetConnMaxIdleTime(connectionIdle)
	return s.ready(ctx, o.MaxConnections)
}

// checkSchemaName keeps to names that mean the same in every tool, quoted or not.
func checkSchemaName(name string) error {
	ok := len(name) <= 63 && len(name) > 0 && (len(name) < 3 || name[:3] != "pg_")
	for i, c := range []byte(name) {
		ok = ok && (c >= 'a' && c <= 'z' || c == '_' || i > 0 && c >= '0' && c <= '9')
	}
	if !ok {
		return ohfp.Errorf(ohfp.ErrInvalid, "schema %q is no name for one; write 1 to 63 of a-z, 0-9 and _, not beginning with a digit or pg_", name)
	}
	return nil
}

// postgresEngine is PostgreSQL, 12 or newer.
//
// Writers take turns, as they do in SQLite: each locks the row of meta that numbers the schema. What they decide on, such
// as limits over all requests, stays so until they commit, and events appear in the order of their sequence. They see what
// the one before them wrote, because at READ COMMITTED each statement looks anew. Readers take no lock.
type postgresEngine struct {
	schema string
}

var _ engine = postgresEngine{}

func (postgresEngine) name() string { return "postgres" }

func (e postgresEngine) size(ctx context.Context, tx session) (bytes int64, err error) {
	err = tx.QueryRowContext(ctx, `SELECT COALESCE(CAST(SUM(pg_total_relation_size(c.oid)) AS BIGINT), 0)
  FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE n.nspname = ? AND c.relkind = 'r'`, e.schema).Scan(&bytes)
	return bytes, err
}

// integrity: the server checks what it reads, and all is read.
func (postgresEngine) integrity(context.Context, session, func(format string, args ...any)) error {
	return nil
}

func (postgresEngine) bind(query string) string {
	return numbered(query, func(parameter string) string {
		// An array, and not a subquery, makes that indexes are used whatever the planner knows of the table.
		return " = ANY(ARRAY(SELECT json_array_elements_text(" + parameter + "::json)))"
	})
}

func (postgresEngine) look() *sql.TxOptions {
	return &sql.TxOptions{ReadOnly: true, Isolation: sql.LevelRepeatableRead}
}

func (postgresEngine) change() *sql.TxOptions {
	return &sql.TxOptions{Isolation: sql.LevelReadCommitted}
}

func (postgresEngine) hold(ctx context.Context, tx session) (number int, err error) {
	err = tx.QueryRowContext(ctx, "SELECT value::integer, txid_current()::text FROM meta WHERE name = 'schema' FOR UPDATE").
		Scan(&number, tx.mark)
	return number, err
}

// eachTogether is how many statements are sent before their answers are awaited.
const eachTogether = 2500

func (postgresEngine) each(ctx context.Context, tx session, query string, n int, args func(i int) ([]any, error)) error {
	for first := 0; first < n; first += eachTogether {
		batch := &pgx.Batch{}
		for i := first; i < min(n, first+eachTogether); i++ {
			values, err := args(i)
			if err != nil {
				return err
			}
			batch.Queue(query, values...)
		}
		if err := tx.conn.Raw(func(driver any) error {
			conn, ok := driver.(*pgConn)
			if !ok {
				return fmt.Errorf("connection is a %T", driver)
			}
			return conn.conn.SendBatch(ctx, batch).Close()
		}); err != nil {
			return err
		}
	}
	return nil
}

func (postgresEngine) schemaNumber(ctx context.Context, q queryer) (number int, err error) {
	err = q.QueryRowContext(ctx, "SELECT value::integer FROM meta WHERE name = 'schema'").Scan(&number)
	if errors.Is(err, sql.ErrNoRows) || sqlState(err) == undefinedTable {
		return 0, nil
	}
	return number, err
}

func (postgresEngine) setSchemaNumber(ctx context.Context, tx session, number int) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO meta (name, value) VALUES ('schema', ?)
  ON CONFLICT (name) DO UPDATE SET value = excluded.value`, strconv.Itoa(number))
	return err
}

func (postgresEngine) beforeUpgrade(context.Context, *sql.Conn) error { return nil }

// upgradeLock tells locks of this program apart from those of others in the same database.
const upgradeLock = 0x6f686670 // "ohfp"

// holdUpgrade makes what the number of the schema needs. Before there is a row to lock, a lock without one keeps those who
// make the same store at once from each other.
func (e postgresEngine) holdUpgrade(ctx context.Context, tx session) error {
	name := fnv.New32a()
	_, _ = name.Write([]byte(e.schema)) // never fails
	if _, err := tx.ExecContext(ctx, "SELECT pg_advisory_xact_lock(?, ?)", upgradeLock, int32(name.Sum32())); err != nil {
		return err
	}
	var missing bool
	if err := tx.QueryRowContext(ctx, "SELECT to_regnamespace(?) IS NULL", e.schema).Scan(&missing); err != nil {
		return err
	}
	if missing { // asked, because IF NOT EXISTS also needs the right to make one
		if _, err := tx.ExecContext(ctx, "CREATE SCHEMA "+pgx.Identifier{e.schema}.Sanitize()); err != nil {
			return err
		}
	}
	if _, err := tx.ExecContext(ctx, "CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL)"); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, "SELECT 1 FROM meta WHERE name = 'schema' FOR UPDATE")
	return err
}

// outcome asks for what became of a transaction, when the connection broke after the commit was sent.
func (e postgresEngine) outcome(ctx context.Context, tx session, err error) error {
	if sqlState(err) != "" && !e.lost(err) || *tx.mark == "" {
		return err
	}
	ctx, end := context.WithTimeout(context.WithoutCancel(ctx), connectTimeout)
	defer end()
	for pause := time.Millisecond; ; pause = min(2*pause, maxPause) {
		var status sql.NullString
		asked := tx.store.db.QueryRowContext(ctx, "SELECT txid_status($1::text::bigint)", *tx.mark).Scan(&status)
		switch {
		case asked == nil && status.String == "committed":
			return nil
		case asked == nil && status.String == "aborted":
			return err
		case asked == nil && status.String != "in progress":
			return doubt(tx.store, err)
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return doubt(tx.store, err)
		}
	}
}

func doubt(s *Store, err error) error {
	return ohfp.Errorf(ohfp.ErrUnavailable,
		"store %s lost its connection while it wrote, and nobody can say whether the change is in it; look before you try again: %w", s.path, oneLine{err})
}

// busy errors come while a server starts, or has no connection left for a moment.
func (postgresEngine) busy(err error) bool {
	state := sqlState(err)
	return state == cannotConnectNow || state == tooManyConnections
}

// sqlState is the code of an error that the server told, see appendix A of its manual.
func sqlState(err error) string {
	var told *pgconn.PgError
	if errors.As(err, &told) {
		return told.Code
	}
	return ""
}
