// Package storage is what operators do with the store as a whole: see that it works, measure it, copy it to another place or
// to a file, and clear old records away.
// It refuses to replace records that are in the way unless told to, and to move a store that a daemon serves.
package storage

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/config"
	"github.com/openhostfactory/ohfp/internal/shard"
	"github.com/openhostfactory/ohfp/store"
)

// Keeper does it. All fields are required, but Exclude by those only that move records.
type Keeper struct {
	Storage config.Storage // the one in use
	Open    func(ctx context.Context, s config.Storage) (store.Store, error)
	Exclude func(stores ...config.Storage) (release func() error, err error) // keeps daemons away, or says which one serves
	Now     func() time.Time
}

// with opens a store for the time of do.
func (k Keeper) with(ctx context.Context, at config.Storage, do func(s store.Store) error) (err error) {
	s, err := k.Open(ctx, at)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	return do(s)
}

// unserved refuses a store that daemons share now.
func unserved(ctx context.Context, at config.Storage, s store.Store) error {
	if !at.Shared() {
		return nil // see Exclude
	}
	daemons, err := shard.Serving(ctx, s)
	if err == nil && len(daemons) > 0 {
		err = ohfp.Errorf(ohfp.ErrConflict, "store %s is served by %s; stop them first", Describe(at), strings.Join(daemons, ", "))
	}
	return err
}

// Describe says where a store is, without secrets.
func Describe(s config.Storage) string {
	switch {
	case s.Strategy == config.StrategyJSON:
		return "json:" + s.JSON.Path
	case s.Strategy == config.StrategyDynamoDB:
		return "dynamodb:" + s.DynamoDB.TablePrefix
	case s.SQL.Type == config.PostgreSQL:
		return "postgresql, schema " + s.SQL.Schema
	default:
		return "sql:" + s.SQL.Path
	}
}

// ParsePlace reads a store as it is written on the command line: a strategy, or one with its place behind a colon. What is
// not said is as in base. Relative paths start in dir.
func ParsePlace(base config.Storage, text string, absolute func(path string) (string, error)) (config.Storage, error) {
	strategy, place, named := strings.Cut(text, ":")
	s := base
	s.Strategy = strategy
	file := func(field *string) (config.Storage, error) {
		if !named {
			return s, nil
		}
		path, err := absolute(place)
		if err != nil || place == "" {
			return s, ohfp.Errorf(ohfp.ErrInvalid, "store %q has no place that can be found; write a path behind the colon", text)
		}
		*field = path
		return s, nil
	}
	switch strategy {
	case config.StrategyJSON:
		return file(&s.JSON.Path)
	case config.StrategySQL:
		if strings.HasPrefix(place, "postgresql://") || strings.HasPrefix(place, "postgres://") {
			s.SQL.Type, s.SQL.URL = config.PostgreSQL, config.Secret(place)
			return s, nil
		}
		if named {
			s.SQL.Type = config.SQLite
		}
		return file(&s.SQL.Path)
	case config.SQLite:
		s.Strategy, s.SQL.Type = config.StrategySQL, config.SQLite
		return file(&s.SQL.Path)
	case config.PostgreSQL:
		s.Strategy, s.SQL.Type = config.StrategySQL, config.PostgreSQL
		if named {
			s.SQL.URL = config.Secret(text)
		}
		if s.SQL.URL == "" {
			return s, ohfp.Errorf(ohfp.ErrInvalid, "store postgresql has no address; set storage.sql.url, for example in the environment as OHFP_STORAGE_SQL_URL")
		}
		return s, nil
	case config.StrategyDynamoDB:
		if named {
			s.DynamoDB.TablePrefix = place
		}
		return s, nil
	default:
		return s, ohfp.Errorf(ohfp.ErrInvalid, "store %q is of no strategy; write json:DIRECTORY, sql:FILE, postgresql or dynamodb:PREFIX", text)
	}
}

// same says whether two places are one.
func same(a, b config.Storage) bool {
	if a.Strategy != b.Strategy {
		return false
	}
	switch a.Strategy {
	case config.StrategyJSON:
		return a.JSON.Path == b.JSON.Path
	case config.StrategyDynamoDB:
		return a.DynamoDB == b.DynamoDB
	default:
		return a.SQL.Type == b.SQL.Type && (a.SQL.Type == config.SQLite && a.SQL.Path == b.SQL.Path ||
			a.SQL.Type == config.PostgreSQL && a.SQL.URL == b.SQL.URL && a.SQL.Schema == b.SQL.Schema)
	}
}

// Init makes the store where there is none. It says what the store holds.
func (k Keeper) Init(ctx context.Context) (found store.Inspection, err error) {
	err = k.with(ctx, k.Storage, func(s store.Store) error {
		if maker, ok := s.(interface {
			Init(ctx context.Context) error
		}); ok {
			if err := maker.Init(ctx); err != nil {
				return err
			}
		}
		found, err = s.Inspect(ctx)
		return err
	})
	if err != nil {
		err = fmt.Errorf("make store %s: %w", Describe(k.Storage), err)
	}
	return found, err
}
