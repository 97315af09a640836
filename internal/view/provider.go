package view

import (
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/figures"
	"github.com/openhostfactory/ohfp/internal/query"
	"github.com/openhostfactory/ohfp/internal/telemetry"
)

// ProviderMetrics is what a provider instance has done and holds, by the records.
type ProviderMetrics struct {
	Provider  string              `json:"provider"`
	Since     string              `json:"since"`     // requests made from then on are counted
	Requests  map[ohfp.Status]int `json:"requests"`  // for machines, by status
	Asked     int                 `json:"asked"`     // machines, or units, in these requests
	Delivered int                 `json:"delivered"` // of them
	Now       query.UsageGroup    `json:"now"`       // what is there and on its way, whenever it was asked for

	// Calls to its cloud, of all processes of the work directory since they began to count.
	Calls figures.ProviderCalls `json:"calls"`
}

// ProviderMetricsList is that of several.
type ProviderMetricsList struct {
	Providers []ProviderMetrics `json:"providers"`
}

// NewProviderMetrics counts, for the providers named, requests for machines made since then, beside what they hold now and how calls
// to their clouds went.
func NewProviderMetrics(names []string, requests []ohfp.Request, held query.UsageReport, counted telemetry.Tally, since time.Time) ProviderMetricsList {
	list := ProviderMetricsList{Providers: []ProviderMetrics{}}
	for _, name := range names {
		m := ProviderMetrics{Provider: name, Since: timestamp(since), Requests: map[ohfp.Status]int{}, Now: query.UsageGroup{Name: name, Dollars: "0"}}
		for _, r := range requests {
			if r.Provider == name && !r.CreatedAt.Before(since) {
				m.Requests[r.Status]++
				m.Asked += r.Count
				m.Delivered += Done(r)
			}
		}
		for _, group := range held.Usage {
			if group.Name == name {
				m.Now = group
			}
		}
		m.Calls = figures.CallsOf(counted, name)
		list.Providers = append(list.Providers, m)
	}
	return list
}

// Provider is a provider instance as it is configured.
type Provider struct {
	Name     string `json:"name"`
	Type     string `json:"type"`
	Enabled  bool   `json:"enabled" doc:"Whether new requests may go to it"`
	Priority int    `json:"priority" doc:"Lower comes first"`
	Default  bool   `json:"default" doc:"It launches the templates that name no provider"`
}

// Providers is a list of them.
type Providers struct {
	Providers []Provider `json:"providers"`
}

// ProviderHealth is whether a provider lets us in.
type ProviderHealth struct {
	Name     string `json:"name"`
	Healthy  bool   `json:"healthy"`
	Identity string `json:"identity,omitempty" doc:"Who we are to the cloud"`
	Error    string `json:"error,omitempty"`
}

// ProvidersHealth is that of several.
type ProvidersHealth struct {
	Providers []ProviderHealth `json:"providers"`
}

// ProviderRefresh is what a provider has learnt again.
type ProviderRefresh struct {
	Name         string `json:"name"`
	MachineTypes int    `json:"machineTypes"`
}

// ProvidersRefresh is that of several.
type ProvidersRefresh struct {
	Providers []ProviderRefresh `json:"providers"`
}
