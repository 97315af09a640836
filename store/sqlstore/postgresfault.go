package sqlstore

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/openhostfactory/ohfp"
)

// Codes of errors, from appendix A of PostgreSQL's manual.
const (
	readOnlyTransaction  = "25006"
	untranslatable       = "22P05"
	notInRepertoire      = "22021"
	noSuchDatabase       = "3D000"
	serializationFailure = "40001"
	deadlock             = "40P01"
	insufficientRights   = "42501"
	undefinedTable       = "42P01"
	diskFull             = "53100"
	tooManyConnections   = "53300"
	lockNotAvailable     = "55P03"
	queryCanceled        = "57014"
	adminShutdown        = "57P01"
	crashShutdown        = "57P02"
	cannotConnectNow     = "57P03"
	idleSession          = "57P05"
	idleTransaction      = "25P03"
)

// parseURL reads the address of a database. No error shows any of it: a password that is not encoded as it should be may
// end up in any part.
func parseURL(text string) (*pgx.ConnConfig, error) {
	const write = "write postgresql://user:password@host:5432/database, with everything but letters and digits in the password percent-encoded"
	if text == "" {
		return nil, ohfp.Errorf(ohfp.ErrInvalid, "store in PostgreSQL has no URL; "+write)
	}
	u, err := url.Parse(text)
	if err != nil {
		return nil, ohfp.Errorf(ohfp.ErrInvalid, "the URL of the store in PostgreSQL cannot be read; "+write)
	}
	if u.Scheme != "postgres" && u.Scheme != "postgresql" {
		return nil, ohfp.Errorf(ohfp.ErrInvalid, "the URL of the store in PostgreSQL does not begin with postgresql://; "+write)
	}
	config, err := pgx.ParseConfig(text)
	if err != nil {
		return nil, ohfp.Errorf(ohfp.ErrInvalid, "the URL of the store in PostgreSQL has a port or a parameter that the driver refuses "+
			"(sslmode, sslrootcert, connect_timeout …), or PGSERVICE and the like do; "+write)
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = connectTimeout
	}
	config.DialFunc = hearing(config.DialFunc)
	if _, named := config.RuntimeParams["application_name"]; !named {
		config.RuntimeParams["application_name"] = "ohfp"
	}
	return config, nil
}

// oneLine is an error whose text may have several lines: one for each address that was tried.
type oneLine struct{ error }

func (e oneLine) Error() string { return strings.Join(strings.Fields(e.error.Error()), " ") }

func (e oneLine) Unwrap() error { return e.error }

func (postgresEngine) lost(err error) bool {
	switch sqlState(err) {
	case "":
		var network net.Error
		var refused *pgconn.ConnectError
		return errors.Is(err, driver.ErrBadConn) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
			errors.Is(err, pgconn.ErrConnClosed) || errors.As(err, &network) || errors.As(err, &refused)
	case adminShutdown, crashShutdown, cannotConnectNow, idleSession, idleTransaction:
		return true
	default:
		return false
	}
}

func (e postgresEngine) fault(s *Store, err error) error {
	state := sqlState(err)
	unavailable := func(what string) error {
		return ohfp.Errorf(ohfp.ErrUnavailable, "store %s "+what+": %w", s.path, oneLine{err})
	}
	switch state {
	case lockNotAvailable:
		return unavailable(fmt.Sprintf("stayed locked by another writer for %s; find out which (pg_stat_activity shows it) or try again", s.busy))
	case diskFull:
		return unavailable("cannot grow; free some space on the disk of its server")
	case tooManyConnections:
		return unavailable("has no connection left; raise max_connections of its server, or lower storage.sql.max_connections")
	case readOnlyTransaction:
		return unavailable("is a copy that cannot be written; name the primary server, or several with target_session_attrs=read-write")
	case noSuchDatabase:
		return unavailable("is in a database that does not exist; make it, with a name that the URL has")
	case insufficientRights:
		return unavailable(fmt.Sprintf("is closed to this user; let its owner run CREATE SCHEMA %s AUTHORIZATION <user>", e.schema))
	case serializationFailure, deadlock, queryCanceled:
		return unavailable("was disturbed by another user of the database; try again")
	case idleTransaction:
		return unavailable(fmt.Sprintf("gave up on this process, which was silent for %s in the middle of a write; nothing was written, try again", idleInTransaction))
	case untranslatable, notInRepertoire:
		return ohfp.Errorf(ohfp.ErrInvalid, "store %s cannot keep a text with a zero byte or not in UTF-8; leave it out: %w", s.path, oneLine{err})
	}
	switch {
	case strings.HasPrefix(state, "28"):
		return unavailable("refuses this user; check the user and the password in the URL, and pg_hba.conf of its server")
	case strings.HasPrefix(state, "53"), strings.HasPrefix(state, "58"), strings.HasPrefix(state, "XX"):
		return unavailable("has a problem of its own; look into the log of its server")
	case e.lost(err), strings.HasPrefix(state, "08"):
		return unavailable("cannot be reached; check that its server runs and that the host, the port and sslmode in the URL are right")
	default:
		return fmt.Errorf("store %s: %w", s.path, oneLine{err})
	}
}
