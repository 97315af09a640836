package dynamodb

import (
	"context"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/openhostfactory/ohfp"
)

// Machines are found by id and by name through items that name the requests to look into. They are written before the
// commit that they are for, so that no machine of a commit is without; one whose commit never came names a request in
// which nothing is found.

func machineKey(id ohfp.MachineID) key { return key{"machine#" + string(id), single} }
func nameKey(name string) key          { return key{"name#" + name, single} }

const ownersAttribute = "owners"

func ownersOf(i item) []ohfp.RequestID {
	set, ok := i[ownersAttribute].(*types.AttributeValueMemberSS)
	if !ok {
		return nil
	}
	ids := make([]ohfp.RequestID, len(set.Value))
	for at, id := range set.Value {
		ids[at] = ohfp.RequestID(id)
	}
	return ids
}

// find reads the machines with the given ids. There may be one per provider of each.
func (v *view) find(ctx context.Context, ids []ohfp.MachineID) ([]ohfp.Machine, error) {
	wanted := make(map[ohfp.MachineID]bool, len(ids))
	keys := make([]key, 0, len(ids))
	for _, id := range ids {
		if id != "" && !wanted[id] {
			wanted[id] = true
			keys = append(keys, machineKey(id))
		}
	}
	hints, err := v.s.table.getAll(ctx, keys)
	if err != nil {
		return nil, err
	}
	owners := map[ohfp.RequestID]bool{}
	for _, i := range hints {
		for _, id := range ownersOf(i) {
			owners[id] = true
		}
	}
	match := func(m ohfp.Machine) bool { return wanted[m.ID] }
	found, err := v.machinesOf(ctx, slices.Collect(maps.Keys(owners)), match)
	if err != nil {
		return nil, err
	}
	seen := make(map[ohfp.MachineID]bool, len(found))
	for _, m := range found {
		seen[m.ID] = true
	}
	for id := range wanted {
		if hint := hints[machineKey(id)]; len(ownersOf(hint)) > 0 && !seen[id] {
			return v.search(ctx, match)
		}
	}
	return found, nil
}

// search looks into every request. It is for a machine whose hint leads nowhere: the commit never came, or two writers
// claimed a machine at the same moment and the hint is the loser's.
func (v *view) search(ctx context.Context, match func(ohfp.Machine) bool) ([]ohfp.Machine, error) {
	rows, err := v.list(ctx, allPartition, "", 0, func(r row) bool { return r.states != "" })
	if err != nil {
		return nil, err
	}
	return v.machinesOf(ctx, idsOf(rows), match)
}

func idsOf(rows []row) []ohfp.RequestID {
	ids := make([]ohfp.RequestID, len(rows))
	for at, r := range rows {
		ids[at] = r.id
	}
	return ids
}

// hint writes what machines are found by, unless it is there: from keys to the requests that launched them.
func (s *Store) hint(ctx context.Context, wanted map[key]map[ohfp.RequestID]bool) error {
	there, err := s.table.getAll(ctx, slices.Collect(maps.Keys(wanted)))
	if err != nil {
		return err
	}
	var missing []item
	var more []func(ctx context.Context) error
	for k, owners := range wanted {
		for _, id := range ownersOf(there[k]) {
			delete(owners, id)
		}
		if len(owners) == 0 {
			continue
		}
		set := &types.AttributeValueMemberSS{}
		for id := range owners {
			set.Value = append(set.Value, string(id))
		}
		if _, exists := there[k]; exists {
			more = append(more, func(ctx context.Context) error {
				_, err := s.table.update(ctx, k, addOwners, always, item{":owners": set})
				return err
			})
			continue
		}
		i := k.item()
		i[ownersAttribute] = set
		missing = append(missing, i)
	}
	if err := s.table.putAll(ctx, missing); err != nil {
		return err
	}
	return together(ctx, more)
}

const addOwners = "ADD owners :owners"
