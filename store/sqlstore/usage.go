package sqlstore

import (
	"context"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/store"
)

// usageQuery counts as [store.Units] and [store.CostOf] do, from columns and partial indexes alone. Requests that have ended and hold
// nothing, after some weeks nearly all of them, are not looked at.
const usageQuery = `
WITH held AS (
  SELECT request_id, CAST(SUM(weight) AS BIGINT) AS units, CAST(SUM(vcpus) AS BIGINT) AS vcpus, CAST(SUM(price) AS BIGINT) AS price
    FROM machines WHERE counted GROUP BY request_id
)
SELECT template, provider, CAST(SUM(units) AS BIGINT), CAST(SUM(vcpus) AS BIGINT), CAST(SUM(price) AS BIGINT) FROM (
SELECT r.template, r.provider, CASE WHEN r.asked > COALESCE(held.units, 0) THEN r.asked ELSE held.units END AS units,
    CASE WHEN r.vcpus > COALESCE(held.vcpus, 0) THEN r.vcpus ELSE COALESCE(held.vcpus, 0) END AS vcpus,
    CASE WHEN r.price > COALESCE(held.price, 0) THEN r.price ELSE COALESCE(held.price, 0) END AS price
  FROM requests AS r LEFT JOIN held ON held.request_id = r.id
  WHERE NOT r.ended AND r.type = 'acquire'
UNION ALL
SELECT r.template, r.provider, held.units, held.vcpus, held.price
  FROM held CROSS JOIN requests AS r -- so written, SQLite goes from those who hold something to their requests
  WHERE r.id = held.request_id AND r.ended AND r.type = 'acquire'
) AS each GROUP BY template, provider`

// Usage implements [store.Reader].
func (s *Store) Usage(ctx context.Context) (used store.Usage, err error) {
	used, err = usage(ctx, s.alone())
	return used, s.fault(err)
}

func usage(ctx context.Context, tx session) (store.Usage, error) {
	rows, err := tx.QueryContext(ctx, usageQuery)
	if err != nil {
		return store.Usage{}, err
	}
	defer rows.Close()
	used := store.NewUsage()
	for rows.Next() {
		var template ohfp.TemplateID
		var provider string
		var units int
		var cost ohfp.Cost
		if err := rows.Scan(&template, &provider, &units, &cost.VCPUs, &cost.Price); err != nil {
			return store.Usage{}, err
		}
		used.Add(template, provider, units, cost)
	}
	return used, rows.Err()
}
