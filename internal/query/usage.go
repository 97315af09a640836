package query

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/store"
)

// UsageBy is what usage is added up by.
type UsageBy string

// What usage can be added up by.
const (
	UsageByTemplate UsageBy = "template"
	UsageByProvider UsageBy = "provider"
	UsageByCaller   UsageBy = "caller" // the face and who used it
)

// UsageBys lists what usage can be added up by, the usual one first.
func UsageBys() []UsageBy { return []UsageBy{UsageByTemplate, UsageByProvider, UsageByCaller} }

// UsageReport is what is there and on its way, for whom and at what cost, as it was last recorded.
type UsageReport struct {
	By      UsageBy      `json:"by"`
	Usage   []UsageGroup `json:"usage"` // the most expensive first
	Total   UsageGroup   `json:"total"`
	Sources []string     `json:"priceSources,omitempty"` // where the prices are from
	Unknown []string     `json:"unknown,omitempty"`      // sentences about what is not in the sums
}

// UsageGroup is what machines with something in common come to.
type UsageGroup struct {
	Name     string     `json:"name,omitempty"` // of the template, provider or caller; empty for all together
	Machines int        `json:"machines"`       // that are there, those that are being ended too
	Ending   int        `json:"ending"`         // of them, those that are being ended
	Awaited  int        `json:"awaited"`        // machines, or units, that were asked for and are not there yet
	VCPUs    int        `json:"vcpus"`          // of the machines that are there
	Price    ohfp.Price `json:"-"`              //
	Dollars  string     `json:"dollarsPerHour"` // Price as an amount
	Unsized  int        `json:"vcpusUnknown"`   // machines whose vCPUs are not in the sum
	Unpriced int        `json:"priceUnknown"`   // machines whose price is not in the sum
}

// Usage adds up the machines that exist and what is on its way.
func (q *Queries) Usage(ctx context.Context, by UsageBy) (UsageReport, error) {
	if !slices.Contains(UsageBys(), by) {
		return UsageReport{}, ohfp.Errorf(ohfp.ErrInvalid, "usage cannot be added up by %q; use template, provider or caller", by)
	}
	machines, requests, err := q.present(ctx)
	if err != nil {
		return UsageReport{}, err
	}
	groups := map[string]*UsageGroup{}
	total := UsageGroup{}
	at := func(template ohfp.TemplateID, provider string, request ohfp.RequestID) *UsageGroup {
		name := map[UsageBy]string{UsageByTemplate: string(template), UsageByProvider: provider}[by]
		if r, ok := requests[request]; ok && by == UsageByCaller {
			name = r.Origin.String()
		}
		name = cmp.Or(name, "unknown")
		if groups[name] == nil {
			groups[name] = &UsageGroup{Name: name}
		}
		return groups[name]
	}
	held := map[ohfp.RequestID]int{}
	sources := map[string]bool{}
	for _, m := range machines {
		if store.Counted(m) {
			held[m.Request] += m.Units()
		}
		if m.Cost.Price > 0 {
			sources[cmp.Or(m.Cost.Source, "unknown")] = true
		}
		at(m.Template, m.Provider, m.Request).add(m)
		total.add(m)
	}
	for id, r := range requests {
		if r.Status != ohfp.StatusPending && r.Status != ohfp.StatusInProgress {
			continue
		}
		awaited := max(r.Count-held[id], 0)
		at(r.Template.ID, r.Provider, id).Awaited += awaited
		total.Awaited += awaited
	}
	report := UsageReport{By: by, Usage: []UsageGroup{}, Total: total.told(), Sources: slices.Sorted(maps.Keys(sources))}
	for _, group := range groups {
		report.Usage = append(report.Usage, group.told())
	}
	slices.SortFunc(report.Usage, func(a, b UsageGroup) int {
		return cmp.Or(cmp.Compare(b.Price, a.Price), cmp.Compare(b.Machines, a.Machines), strings.Compare(a.Name, b.Name))
	})
	report.Unknown = unknown(total)
	return report, nil
}

// present reads the machines that exist, and the requests that they belong to or that more are awaited for.
func (q *Queries) present(ctx context.Context) ([]ohfp.Machine, map[ohfp.RequestID]ohfp.Request, error) {
	machines, err := q.Store.Machines(ctx, store.MachineFilter{States: []ohfp.MachineState{
		ohfp.MachinePending, ohfp.MachineRunning, ohfp.MachineStopping, ohfp.MachineStopped, ohfp.MachineShuttingDown,
	}})
	if err != nil {
		return nil, nil, fmt.Errorf("list machines that exist: %w", err)
	}
	filters := []store.RequestFilter{{Type: ohfp.TypeAcquire, Statuses: []ohfp.Status{ohfp.StatusPending, ohfp.StatusInProgress}}}
	seen := map[ohfp.RequestID]bool{}
	var ids []ohfp.RequestID
	for _, m := range machines {
		if !seen[m.Request] {
			seen[m.Request] = true
			ids = append(ids, m.Request)
		}
	}
	if len(ids) > 0 {
		filters = append(filters, store.RequestFilter{IDs: ids})
	}
	requests := map[ohfp.RequestID]ohfp.Request{}
	for _, filter := range filters {
		found, err := q.Store.Requests(ctx, filter)
		if err != nil {
			return nil, nil, fmt.Errorf("list requests that hold machines: %w", err)
		}
		for _, r := range found {
			requests[r.ID] = r
		}
	}
	return machines, requests, nil
}

func (g *UsageGroup) add(m ohfp.Machine) {
	g.Machines++
	if m.Ending != "" || !m.Alive() {
		g.Ending++
	}
	g.VCPUs += m.Cost.VCPUs
	g.Price += m.Cost.Price
	if m.Cost.VCPUs == 0 {
		g.Unsized++
	}
	if m.Cost.Price == 0 {
		g.Unpriced++
	}
}

func (g UsageGroup) told() UsageGroup {
	g.Dollars = g.Price.String()
	return g
}

func unknown(total UsageGroup) []string {
	var sentences []string
	if total.Unpriced > 0 {
		sentences = append(sentences, fmt.Sprintf("The price of %d of %s is not known and not in the sums.", total.Unpriced, ohfp.Count(total.Machines, "machine")))
	}
	if total.Unsized > 0 {
		sentences = append(sentences, fmt.Sprintf("The vCPUs of %d of %s are not known and not in the sums.", total.Unsized, ohfp.Count(total.Machines, "machine")))
	}
	return sentences
}
