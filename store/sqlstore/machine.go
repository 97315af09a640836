package sqlstore

import (
	"context"
	"database/sql"
	"runtime"
	"sync"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/store"
)

// Machines implements [store.Reader].
func (s *Store) Machines(ctx context.Context, filter store.MachineFilter) (found []ohfp.Machine, err error) {
	var where conditions
	if len(filter.IDs) > 0 {
		where.and("machine_id"+oneOf, list(filter.IDs))
	}
	if len(filter.Names) > 0 {
		where.and("name"+oneOf, list(filter.Names))
	}
	if filter.Request != "" {
		where.and("request_id = ?", filter.Request)
	}
	if filter.Return != "" {
		where.and("return_id = ? AND return_id <> ''", filter.Return)
	}
	if filter.Template != "" {
		where.and("template = ?", filter.Template)
	}
	if len(filter.States) > 0 {
		where.and("state"+oneOf, list(filter.States))
	}
	if filter.Resource != "" {
		where.and("resource = ?", filter.Resource)
	}
	if filter.After != "" {
		if err := where.later(filter.After); err != nil {
			return nil, err
		}
	}
	if filter.Noticed {
		where.and("noticed")
	}
	query := where.of("SELECT version, doc FROM machines", where.page("launched_at, machine_id, provider", filter.Limit, filter.Offset))
	found, err = machines(ctx, s.alone(), max(filter.Limit, len(filter.IDs)), query, where.args...)
	return found, s.fault(err)
}

// decodeTogether is how many documents make a portion for one processor.
const decodeTogether = 256

// machines reads what a query for version and doc finds. A request may have ten thousand machines, and decoding them
// takes longer than reading them; so it is done beside the reading, on all processors. Expected is about how many there will be, 0
// when nobody knows: a machine is large, and to make room for more again and again takes longer than to find those that are known.
func machines(ctx context.Context, tx session, expected int, query string, args ...any) ([]ohfp.Machine, error) {
	rows, err := tx.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()

	kept := tx.store.decoded.begin()
	var decoders sync.WaitGroup
	var portions []*portion
	turns := make(chan struct{}, runtime.GOMAXPROCS(0))
	hand := func(p *portion) {
		turns <- struct{}{}
		decoders.Go(func() {
			p.decode()
			<-turns
		})
	}
	var last *portion
	total := 0
	for rows.Next() {
		if last == nil || len(last.machines) == decodeTogether {
			if last != nil {
				hand(last)
			}
			last = &portion{kept: kept, machines: make([]ohfp.Machine, 0, min(max(expected-total, 0), decodeTogether))}
			portions = append(portions, last)
		}
		var version int64
		var doc sql.RawBytes
		if err = rows.Scan(&version, &doc); err != nil {
			break
		}
		last.add(doc, version)
		total++
	}
	if last != nil {
		last.decode()
	}
	decoders.Wait()
	if err == nil {
		err = rows.Err()
	}
	if err != nil || total == 0 {
		return nil, err
	}
	for _, p := range portions {
		if p.err != nil {
			return nil, p.err
		}
	}
	if len(portions) == 1 {
		return last.machines, nil
	}
	found := make([]ohfp.Machine, 0, total)
	for _, p := range portions {
		found = append(found, p.machines...)
	}
	return found, nil
}

type portion struct {
	kept     *decoded // what is known already; nil: nothing, and nothing is to be kept
	machines []ohfp.Machine
	unknown  []int  // which of them are still to be decoded
	docs     []byte // of those, one after the other
	ends     []int
	err      error
}

func (p *portion) add(doc []byte, version int64) {
	m, known := p.kept.find(doc)
	m.Version = version
	p.machines = append(p.machines, m)
	if !known {
		p.docs = append(p.docs, doc...)
		p.unknown, p.ends = append(p.unknown, len(p.machines)-1), append(p.ends, len(p.docs))
	}
}

func (p *portion) decode() {
	begin := 0
	for i, place := range p.unknown {
		doc, m := p.docs[begin:p.ends[i]], &p.machines[place]
		version := m.Version
		if *m, p.err = decode[ohfp.Machine](doc); p.err != nil {
			return
		}
		p.kept.keep(doc, *m)
		m.Version, begin = version, p.ends[i]
	}
}
