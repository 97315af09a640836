package sqlstore

import (
	"context"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/store"
)

// usageQuery sums what each request counts, from an index alone. Requests that have ended and hold nothing, after some weeks
// nearly all of them, are not looked at.
const usageQuery = `
SELECT template, provider, CAST(SUM(used_units) AS BIGINT), CAST(SUM(used_vcpus) AS BIGINT), CAST(SUM(used_price) AS BIGINT)
  FROM requests WHERE used_units > 0 OR used_vcpus > 0 OR used_price > 0 GROUP BY template, provider`

// counted is what a row of requests counts, as [store.Units] and [store.CostOf] have it, from the rows of its machines. A
// return has none of its own, and waits for none.
const counted = `(
  SELECT CASE WHEN held.waiting AND requests.asked > held.units THEN requests.asked ELSE held.units END,
      CASE WHEN held.waiting AND requests.vcpus > held.vcpus THEN requests.vcpus ELSE held.vcpus END,
      CASE WHEN held.waiting AND requests.price > held.price THEN requests.price ELSE held.price END
    FROM (
      SELECT requests.type = 'acquire' AND NOT requests.ended AS waiting, CAST(COALESCE(SUM(weight), 0) AS BIGINT) AS units, CAST(COALESCE(SUM(vcpus), 0) AS BIGINT) AS vcpus,
          CAST(COALESCE(SUM(price), 0) AS BIGINT) AS price
        FROM machines WHERE request_id = requests.id AND counted
    ) AS held
  )`

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
