package dynamodb

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/store"
)

// Inspect implements [store.Reader]. The size is DynamoDB's own count, which it renews about every six hours.
func (s *Store) Inspect(ctx context.Context) (found store.Inspection, err error) {
	err = s.read(ctx, func(v *view) error {
		found = store.Inspection{Strategy: "dynamodb", Place: "table " + s.table.name, Schema: schema}
		rows, err := v.everything(ctx)
		if err != nil {
			return err
		}
		for _, one := range rows {
			if one.there {
				found.Requests++
			}
			if one.there && !one.settled {
				found.Unsettled++
			}
			for _, group := range v.groups[v.heads[one.id]] {
				found.Machines += len(group)
				for _, m := range group {
					if !m.Gone() {
						found.Live++
					}
				}
			}
		}
		if v.tail == nil {
			return nil
		}
		found.Sequence = v.tail.last
		return v.entries(ctx, 0, func(e *entry) (bool, error) {
			found.Events += int(e.count)
			return true, nil
		})
	})
	if err != nil {
		return found, err
	}
	templates, err := s.Templates(ctx)
	if err != nil {
		return found, err
	}
	found.Templates = len(templates)
	out, err := call(ctx, &s.table, API.DescribeTable, &dynamodb.DescribeTableInput{TableName: &s.table.name})
	if err == nil && out.Table.TableSizeBytes != nil {
		found.Bytes = *out.Table.TableSizeBytes
	}
	return found, s.fault(err)
}

// everything reads all requests with their machines, and returns their rows.
func (v *view) everything(ctx context.Context) ([]row, error) {
	rows, err := v.list(ctx, allPartition, "", 0, func(row) bool { return true })
	if err != nil {
		return nil, err
	}
	ids := idsOf(rows)
	_, err = v.machinesOf(ctx, ids, func(ohfp.Machine) bool { return false })
	return rows, err
}
