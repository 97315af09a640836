package sqlstore

import (
	"context"
	"database/sql"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/store"
)

// Events implements [store.Reader].
func (s *Store) Events(ctx context.Context, filter store.EventFilter) ([]ohfp.Event, error) {
	var where conditions
	where.and("sequence > ?", filter.After)
	if filter.Request != "" {
		where.and("request_id = ?", filter.Request)
	}
	if filter.Machine != "" {
		where.and("machine_id = ? AND machine_id <> ''", filter.Machine)
	}
	query := where.of("SELECT sequence, doc FROM events", where.page("sequence", filter.Limit, 0))
	rows, err := s.alone().QueryContext(ctx, query, where.args...)
	if err != nil {
		return nil, s.fault(err)
	}
	defer rows.Close()
	var found []ohfp.Event
	for rows.Next() {
		var sequence int64
		var doc sql.RawBytes
		if err := rows.Scan(&sequence, &doc); err != nil {
			return nil, s.fault(err)
		}
		e, err := decode[ohfp.Event](doc)
		if err != nil {
			return nil, s.fault(err)
		}
		e.Sequence = sequence
		found = append(found, e)
	}
	return found, s.fault(rows.Err())
}
