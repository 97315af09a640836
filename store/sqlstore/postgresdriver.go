package sqlstore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
)

// The piece between database/sql, whose pool and transactions serve both engines, and pgx. It knows the types of the
// schema and no others, and hands texts on without a copy.

// pgConnector makes connections.
type pgConnector struct {
	config   *pgx.ConnConfig
	settings string // statements that each connection begins with
}

var _ driver.Connector = pgConnector{}

func (c pgConnector) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := pgx.ConnectConfig(ctx, c.config)
	if err != nil {
		return nil, err
	}
	made := &pgConn{conn: conn, closing: context.WithoutCancel(ctx)}
	if err := conn.PgConn().Exec(ctx, c.settings).Close(); err != nil {
		_ = made.Close() // the first error is the one that tells
		return nil, err
	}
	return made, nil
}

func (pgConnector) Driver() driver.Driver { return pgDriver{} }

type pgDriver struct{}

func (pgDriver) Open(string) (driver.Conn, error) {
	return nil, errors.New("connections to PostgreSQL are made by a connector only")
}

// closeTimeout bounds the wait for the server's good-bye.
const closeTimeout = 2 * time.Second

type pgConn struct {
	conn    *pgx.Conn
	closing context.Context //nolint:containedctx // database/sql closes without one
}

var (
	_ driver.Conn              = (*pgConn)(nil)
	_ driver.ConnBeginTx       = (*pgConn)(nil)
	_ driver.ExecerContext     = (*pgConn)(nil)
	_ driver.QueryerContext    = (*pgConn)(nil)
	_ driver.NamedValueChecker = (*pgConn)(nil)
	_ driver.SessionResetter   = (*pgConn)(nil)
	_ driver.Validator         = (*pgConn)(nil)
)

func (c *pgConn) Close() error {
	ctx, end := context.WithTimeout(c.closing, closeTimeout)
	defer end()
	return c.conn.Close(ctx)
}

func (c *pgConn) IsValid() bool { return !c.conn.IsClosed() }

func (c *pgConn) ResetSession(context.Context) error {
	if c.conn.IsClosed() || c.idle() != nil {
		return driver.ErrBadConn
	}
	return nil
}

func (c *pgConn) idle() error {
	if status := c.conn.PgConn().TxStatus(); status != 'I' {
		return fmt.Errorf("connection is in a transaction (%c)", status)
	}
	return nil
}

// Prepare is not needed: pgx prepares each statement when it first meets it.
func (c *pgConn) Prepare(string) (driver.Stmt, error) {
	return nil, errors.New("statements for PostgreSQL are prepared by themselves")
}

func (c *pgConn) Begin() (driver.Tx, error) { return nil, errors.New("a transaction needs a context") }

func (c *pgConn) BeginTx(ctx context.Context, o driver.TxOptions) (driver.Tx, error) {
	options := pgx.TxOptions{IsoLevel: pgx.ReadCommitted}
	if o.Isolation == driver.IsolationLevel(sql.LevelRepeatableRead) {
		options.IsoLevel = pgx.RepeatableRead
	}
	if o.ReadOnly {
		options.AccessMode = pgx.ReadOnly
	}
	tx, err := c.conn.BeginTx(ctx, options)
	if err != nil {
		return nil, err
	}
	return pgTx{ctx, tx}, nil
}

type pgTx struct {
	ctx context.Context //nolint:containedctx // database/sql commits without one
	tx  pgx.Tx
}

func (t pgTx) Commit() error { return t.tx.Commit(t.ctx) }

func (t pgTx) Rollback() error { return t.tx.Rollback(t.ctx) }

// CheckNamedValue lets every value pass: pgx knows them.
func (c *pgConn) CheckNamedValue(*driver.NamedValue) error { return nil }

func values(named []driver.NamedValue) []any {
	plain := make([]any, len(named))
	for i, v := range named {
		plain[i] = v.Value
	}
	return plain
}

func (c *pgConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	tag, err := c.conn.Exec(ctx, query, values(args)...)
	if err != nil {
		return nil, err
	}
	return driver.RowsAffected(tag.RowsAffected()), nil
}

// QueryContext finds out that a connection died while it was idle. Outside of a transaction only reading is done here, so
// that it may be done again on another.
func (c *pgConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	alone := c.idle() == nil
	rows, err := c.conn.Query(ctx, query, values(args)...)
	if err == nil {
		r := &pgRows{rows: rows, types: c.conn.TypeMap()}
		if r.more = rows.Next(); r.more || rows.Err() == nil {
			return r, nil
		}
		err = rows.Err()
		rows.Close()
	}
	if alone && ctx.Err() == nil && (postgresEngine{}).lost(err) {
		return nil, driver.ErrBadConn
	}
	return nil, err
}

// pgRows are one row ahead: what is wrong with a statement shows with the first.
type pgRows struct {
	rows  pgx.Rows
	types *pgtype.Map
	begun bool
	more  bool // there is a first row
}

func (r *pgRows) Columns() []string {
	fields := r.rows.FieldDescriptions()
	names := make([]string, len(fields))
	for i, field := range fields {
		names[i] = field.Name
	}
	return names
}

func (r *pgRows) Close() error {
	r.rows.Close()
	return r.rows.Err()
}

func (r *pgRows) Next(dest []driver.Value) error {
	if r.begun {
		r.more = r.rows.Next()
	}
	r.begun = true
	if !r.more {
		if err := r.rows.Err(); err != nil {
			return err
		}
		return io.EOF
	}
	fields := r.rows.FieldDescriptions()
	for i, raw := range r.rows.RawValues() {
		var err error
		if dest[i], err = r.value(fields[i].DataTypeOID, fields[i].Format, raw); err != nil {
			return fmt.Errorf("column %s: %w", fields[i].Name, err)
		}
	}
	return nil
}

func (r *pgRows) value(kind uint32, format int16, raw []byte) (driver.Value, error) {
	if raw == nil {
		return nil, nil //nolint:nilnil // that is how NULL is said
	}
	switch kind {
	case pgtype.TextOID, pgtype.VarcharOID:
		return raw, nil // valid until the next row, as database/sql expects
	case pgtype.BoolOID:
		var v bool
		err := r.types.Scan(kind, format, raw, &v)
		return v, err
	case pgtype.Int2OID, pgtype.Int4OID, pgtype.Int8OID:
		var v int64
		err := r.types.Scan(kind, format, raw, &v)
		return v, err
	case pgtype.ByteaOID:
		var v []byte
		err := r.types.Scan(kind, format, raw, &v)
		return v, err
	default:
		return nil, fmt.Errorf("type %d is none of the store's", kind)
	}
}
