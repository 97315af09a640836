package sqlstore

import (
	"context"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/store"
)

const insertRequest = `INSERT INTO requests
  (type, template, provider, status, ended, settled, asked, vcpus, price, used_units, used_vcpus, used_price, created_at, version, doc, id)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`

const updateRequest = `UPDATE requests SET
  type = ?, template = ?, provider = ?, status = ?, ended = ?, settled = ?, asked = ?, vcpus = ?, price = ?,
  used_units = ?, used_vcpus = ?, used_price = ?, created_at = ?, version = ?, doc = ? WHERE id = ?`

const touchRequests = "UPDATE requests SET version = version + 1, (used_units, used_vcpus, used_price) = " + counted + " WHERE id" + oneOf

const insertMachine = `INSERT INTO machines
  (request_id, return_id, template, state, name, resource, weight, vcpus, price, counted, noticed, launched_at, version, doc, provider, machine_id)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`

const updateMachine = `UPDATE machines SET
  request_id = ?, return_id = ?, template = ?, state = ?, name = ?, resource = ?, weight = ?, vcpus = ?, price = ?,
  counted = ?, noticed = ?, launched_at = ?,
  version = ?, doc = ? WHERE provider = ? AND machine_id = ?`

const insertEvent = "INSERT INTO events (request_id, machine_id, doc) VALUES (?, ?, ?)"

// save writes a change: the request, the machines that differ, the events, and what follows for other requests.
func save(ctx context.Context, tx session, c store.Change) error {
	if err := checkMachines(ctx, tx, &c); err != nil {
		return err
	}
	if err := saveRequest(ctx, tx, c.Request); err != nil {
		return err
	}
	if err := saveMachines(ctx, tx, c.Machines); err != nil {
		return err
	}
	if err := saveEvents(ctx, tx, c.Events); err != nil {
		return err
	}
	return touch(ctx, tx, c.Others)
}

func saveRequest(ctx context.Context, tx session, r ohfp.Request) error {
	settled, units, cost := r.Settled(), store.Units(r), store.CostOf(r)
	r.Machines = nil // they are rows of their own
	r = store.CopyRequest(r)
	doc, err := encode(r)
	if err != nil {
		return err
	}
	query := updateRequest
	if r.Version == 0 {
		query = insertRequest
	}
	_, err = tx.ExecContext(ctx, query, r.Type, r.Template.ID, r.Provider, r.Status, r.Status.Terminal(), settled, r.Count,
		r.Estimate.VCPUs, r.Estimate.Price, units, cost.VCPUs, cost.Price, stamp(r.CreatedAt), r.Version+1, doc, r.ID)
	return err
}

// checkMachines makes sure that the machines of a change that did not come with its request are as the change has them.
func checkMachines(ctx context.Context, tx session, c *store.Change) error {
	if len(c.Unread) == 0 {
		return nil
	}
	ids := make([]ohfp.MachineID, len(c.Unread))
	for i, m := range c.Unread {
		ids[i] = m.ID
	}
	rows, err := tx.QueryContext(ctx, "SELECT provider, machine_id, request_id, return_id, version FROM machines WHERE machine_id"+oneOf, list(ids))
	if err != nil {
		return err
	}
	defer rows.Close()
	type key struct {
		provider string
		id       ohfp.MachineID
	}
	stored := make(map[key]ohfp.Machine, len(ids))
	for rows.Next() {
		var m ohfp.Machine
		if err := rows.Scan(&m.Provider, &m.ID, &m.Request, &m.Return, &m.Version); err != nil {
			return err
		}
		stored[key{m.Provider, m.ID}] = m
	}
	if err := rows.Err(); err != nil {
		return err
	}
	for _, m := range c.Unread {
		was, exists := stored[key{m.Provider, m.ID}]
		if err := c.Over(m, was, exists); err != nil {
			return err
		}
	}
	return nil
}

func saveMachines(ctx context.Context, tx session, machines []ohfp.Machine) error {
	var known, fresh []ohfp.Machine
	for _, m := range machines {
		if m.Version > 0 {
			known = append(known, m)
		} else {
			fresh = append(fresh, m)
		}
	}
	write := func(query string, machines []ohfp.Machine) error {
		return tx.each(ctx, query, len(machines), func(i int) ([]any, error) {
			m := store.CopyMachine(machines[i])
			doc, err := encode(m)
			return []any{
				m.Request, m.Return, m.Template, m.State, m.Name, m.Resource, m.Units(), m.Cost.VCPUs, m.Cost.Price,
				store.Counted(m), m.Noticed(), stamp(m.LaunchedAt), m.Version + 1, doc, m.Provider, m.ID,
			}, err
		})
	}
	if err := write(updateMachine, known); err != nil {
		return err
	}
	return write(insertMachine, fresh)
}

func saveEvents(ctx context.Context, tx session, events []ohfp.Event) error {
	return tx.each(ctx, insertEvent, len(events), func(i int) ([]any, error) {
		e := store.CopyEvent(events[i])
		e.Sequence = 0 // the column has it
		doc, err := encode(e)
		return []any{e.Request, e.Machine, doc}, err
	})
}

// touch tells other requests that a machine of theirs has changed: whoever decides on what they were has to look again,
// and one that had ended may be settled now, or no longer be.
func touch(ctx context.Context, tx session, ids []ohfp.RequestID) error {
	if len(ids) == 0 {
		return nil
	}
	if _, err := tx.ExecContext(ctx, touchRequests, list(ids)); err != nil {
		return err
	}
	ended, err := requests(ctx, tx, "SELECT version, doc FROM requests WHERE ended AND id"+oneOf, list(ids))
	if err != nil {
		return err
	}
	if err := withMachines(ctx, tx, ended); err != nil {
		return err
	}
	for _, r := range ended {
		settled := r.Settled()
		if _, err := tx.ExecContext(ctx, "UPDATE requests SET settled = ? WHERE id = ? AND settled <> ?", settled, r.ID, settled); err != nil {
			return err
		}
	}
	return nil
}
