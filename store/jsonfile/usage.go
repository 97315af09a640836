package jsonfile

import (
	"context"
	"maps"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/store"
)

// live is how many files of the directory the head counts, of one.
func live(dir string) int {
	if dir == openDir || dir == heldDir {
		return 1
	}
	return 0
}

// count adds units to what is used. The maps may be those of another head and are not changed.
func (h *head) count(template ohfp.TemplateID, provider string, units int) {
	if units == 0 {
		return
	}
	usage := maps.Clone(h.Usage)
	if usage == nil {
		usage = map[ohfp.TemplateID]map[string]int{}
	}
	providers := maps.Clone(usage[template])
	if providers == nil {
		providers = map[string]int{}
	}
	if providers[provider] += units; providers[provider] == 0 {
		delete(providers, provider)
	}
	if usage[template] = providers; len(providers) == 0 {
		delete(usage, template)
	}
	h.Usage = usage
}

// charge adds to what a provider's machines cost. The map may be that of another head and is not changed.
func (h *head) charge(provider string, cost ohfp.Cost) {
	if cost == (ohfp.Cost{}) {
		return
	}
	costs := maps.Clone(h.Costs)
	if costs == nil {
		costs = map[string]ohfp.Cost{}
	}
	if costs[provider] = costs[provider].Plus(cost); costs[provider] == (ohfp.Cost{}) {
		delete(costs, provider)
	}
	h.Costs = costs
}

// Usage implements [store.Reader].
func (s *Store) Usage(ctx context.Context) (used store.Usage, err error) {
	err = s.look(ctx, func(v *view) error {
		h, err := v.counted(ctx)
		used = h.used()
		return err
	})
	return used, err
}

func (h head) used() store.Usage {
	used := store.NewUsage()
	for template, providers := range h.Usage {
		for provider, units := range providers {
			used.Add(template, provider, units, ohfp.Cost{})
		}
	}
	maps.Copy(used.Costs, h.Costs)
	return used
}

// counted is the head with what is used. That is what it says, unless there are other files than were written here.
func (v *view) counted(ctx context.Context) (head, error) {
	h := v.head
	files := map[string][]string{}
	for _, dir := range []string{openDir, heldDir} {
		names, err := v.files(dir)
		if err != nil {
			return head{}, err
		}
		files[dir] = names
	}
	if len(files[openDir])+len(files[heldDir]) == h.Live {
		return h, nil
	}
	h.Live, h.Usage, h.Costs = 0, nil, nil
	for dir, names := range files {
		for _, name := range names {
			if err := ctx.Err(); err != nil {
				return head{}, err
			}
			r, err := v.recordAt(dir, name, true)
			if err != nil {
				return head{}, err
			}
			if err := v.decodeMachines(ctx, r); err != nil {
				return head{}, err
			}
			h.Live++
			if r.request != nil {
				units, cost := r.counts()
				h.count(r.request.Template.ID, r.request.Provider, units)
				h.charge(r.request.Provider, cost)
			}
		}
	}
	return h, nil
}
