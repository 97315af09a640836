package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"strconv"
	"strings"
)

// engine is a database: all that cannot be said to each of them in the same words. The statements elsewhere are standard
// SQL; their parameters are question marks, and [oneOf] stands for a list.
type engine interface {
	// name is what people call the database.
	name() string
	// size is what the store takes on disk, in bytes.
	size(ctx context.Context, tx session) (int64, error)
	// integrity lets the database look for damage in its own files, and tell it.
	integrity(ctx context.Context, tx session, tell func(format string, args ...any)) error

	// bind puts a statement into the words of the database.
	bind(query string) string
	// look and change are what reading and writing transactions start with. One that reads sees one state from end to end.
	look() *sql.TxOptions
	change() *sql.TxOptions
	// hold keeps all other writers of the store out until the transaction ends, and returns the number of the schema.
	// Readers do not notice.
	hold(ctx context.Context, tx session) (schema int, err error)
	// each runs a statement n times.
	each(ctx context.Context, tx session, query string, n int, args func(i int) ([]any, error)) error

	// schemaNumber is 0 for a store that was just made or does not exist.
	schemaNumber(ctx context.Context, q queryer) (int, error)
	setSchemaNumber(ctx context.Context, tx session, number int) error
	// beforeUpgrade gets a connection ready for the transaction that changes the schema, holdUpgrade keeps all others who
	// want to change it, too, out of that.
	beforeUpgrade(ctx context.Context, conn *sql.Conn) error
	holdUpgrade(ctx context.Context, tx session) error

	// busy errors pass when one waits, and the database does not wait by itself.
	busy(err error) bool
	// lost errors mean that the connection was gone before anything was asked of it.
	lost(err error) bool
	// fault gives an error of the driver its kind and says what to do.
	fault(s *Store, err error) error
	// outcome says whether the transaction whose commit failed with err is in the store after all.
	outcome(ctx context.Context, tx session, err error) error
}

// oneOf is a condition with one parameter, made by [list], for any number of values.
const oneOf = " IN (?*)"

// queryer is what connections and transactions have in common.
type queryer interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// statements is what databases and transactions have in common.
type statements interface {
	queryer
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// session runs statements: in a transaction, or each by itself.
type session struct {
	store *Store
	on    statements
	tx    *sql.Tx   // nil when each statement is by itself
	conn  *sql.Conn // of the transaction
	mark  *string   // what the engine needs to ask for the transaction's outcome
}

func (s session) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	query = s.store.engine.bind(query)
	if statement := s.statement(ctx, query); statement != nil {
		return statement.QueryRowContext(ctx, args...)
	}
	return s.on.QueryRowContext(ctx, query, args...)
}

func (s session) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	query = s.store.engine.bind(query)
	if statement := s.statement(ctx, query); statement != nil {
		return statement.ExecContext(ctx, args...)
	}
	return s.on.ExecContext(ctx, query, args...)
}

func (s session) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	query = s.store.engine.bind(query)
	if statement := s.statement(ctx, query); statement != nil {
		return statement.QueryContext(ctx, args...)
	}
	return s.on.QueryContext(ctx, query, args...)
}

// statement is the prepared form of a text, nil when there is none.
func (s session) statement(ctx context.Context, query string) *sql.Stmt {
	statement := s.store.prepared.statement(query)
	if statement != nil && s.tx != nil {
		return s.tx.StmtContext(ctx, statement)
	}
	return statement
}

// each runs a statement n times, in the way that costs least.
func (s session) each(ctx context.Context, query string, n int, args func(i int) ([]any, error)) error {
	if n == 0 {
		return nil
	}
	return s.store.engine.each(ctx, s, s.store.engine.bind(query), n, args)
}

// alone runs statements each by itself.
func (s *Store) alone() session { return session{store: s, on: s.db} }

// beginAttempts bounds how many dead connections are found before the error is told.
const beginAttempts = 3

// begin starts a transaction, which end must follow. A connection that died while it was idle is replaced: nothing was
// asked of it yet.
func (s *Store) begin(ctx context.Context, o *sql.TxOptions) (session, error) {
	for attempt := 1; ; attempt++ {
		conn, err := s.db.Conn(ctx)
		if err != nil {
			return session{}, err
		}
		tx, err := conn.BeginTx(ctx, o)
		if err == nil {
			return session{store: s, on: tx, tx: tx, conn: conn, mark: new(string)}, nil
		}
		_ = conn.Close() // the first error is the one that tells
		if attempt == beginAttempts || ctx.Err() != nil || !s.engine.lost(err) {
			return session{}, err
		}
	}
}

// end releases a transaction, and undoes it unless it was committed.
func (s session) end() {
	_ = s.tx.Rollback() // after a commit there is nothing to undo, before one its error is told
	_ = s.conn.Close()
}

// commit ends the transaction. An error means that it is not in the store, or says that nobody knows.
func (s session) commit(ctx context.Context) error {
	err := s.tx.Commit()
	if err == nil {
		return nil
	}
	if errors.Is(err, sql.ErrTxDone) && ctx.Err() != nil {
		return ctx.Err() // it was undone because of that
	}
	return s.store.engine.outcome(ctx, s, err)
}

// numbered writes the parameters of a statement as $1, $2 and so on, and every list as the text made for its number.
func numbered(query string, list func(parameter string) string) string {
	var b strings.Builder
	b.Grow(len(query) + len(query)/4)
	for number := 1; ; number++ {
		before, rest, more := strings.Cut(query, "?")
		if !more {
			b.WriteString(query)
			return b.String()
		}
		parameter := "$" + strconv.Itoa(number)
		if after, ok := strings.CutPrefix(rest, "*)"); ok {
			b.WriteString(strings.TrimSuffix(before, " IN ("))
			b.WriteString(list(parameter))
			rest = after
		} else {
			b.WriteString(before)
			b.WriteString(parameter)
		}
		query = rest
	}
}
