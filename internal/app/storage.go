package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/openhostfactory/ohfp/internal/config"
	"github.com/openhostfactory/ohfp/internal/guard"
	"github.com/openhostfactory/ohfp/store"
	"github.com/openhostfactory/ohfp/store/dynamodb"
	"github.com/openhostfactory/ohfp/store/jsonfile"
	"github.com/openhostfactory/ohfp/store/sqlstore"
)

// records opens the store, which Close closes.
func (a *App) records(ctx context.Context, o Options) (*guard.MeasuredStore, error) {
	if o.Running != nil {
		return o.Running.store, nil
	}
	records := o.Records
	if records == nil {
		var err error
		if records, err = OpenStore(ctx, a.Config.Storage, o); err != nil {
			return nil, err
		}
		a.closers = append(a.closers, records)
	}
	return &guard.MeasuredStore{Store: records, With: a.Telemetry}, nil
}

// notMade says whether the store's place on this machine's disk is empty. Elsewhere it takes a look to know.
func notMade(s config.Storage) bool {
	place := s.SQL.Path
	switch {
	case s.Strategy == config.StrategyJSON:
		place = s.JSON.Path
	case s.Strategy != config.StrategySQL || s.SQL.Type != config.SQLite:
		return false
	}
	_, err := os.Stat(place)
	return errors.Is(err, fs.ErrNotExist)
}

// OpenStore opens the store of the strategy. The one in DynamoDB makes no call before it is used.
func OpenStore(ctx context.Context, at config.Storage, o Options) (records store.Store, err error) {
	switch at.Strategy {
	case config.StrategyJSON:
		records, err = jsonfile.Open(ctx, jsonfile.Options{Path: at.JSON.Path, Now: o.Now})
	case config.StrategyDynamoDB:
		place := at.DynamoDB
		records, err = dynamodb.Open(dynamodb.Options{
			Prefix: place.TablePrefix, Region: place.Region, Profile: place.Profile, Endpoint: place.Endpoint,
			Now: o.Now, LookupEnv: o.LookupEnv,
		})
	default:
		records, err = openDatabase(ctx, at.SQL, o.Now)
	}
	if err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	return records, nil
}

func openDatabase(ctx context.Context, place config.SQL, now func() time.Time) (store.Store, error) {
	if place.Type == config.PostgreSQL {
		return sqlstore.OpenPostgres(ctx, sqlstore.PostgresOptions{
			URL: string(place.URL), Schema: place.Schema, Now: now, ServerClock: true, MaxConnections: place.MaxConnections,
		})
	}
	return sqlstore.Open(ctx, sqlstore.Options{Path: place.Path, Now: now, MaxConnections: place.MaxConnections})
}
