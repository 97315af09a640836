package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/app"
	"github.com/openhostfactory/ohfp/internal/figures"
	"github.com/openhostfactory/ohfp/internal/output"
	"github.com/openhostfactory/ohfp/internal/query"
	"github.com/openhostfactory/ohfp/internal/view"
)

func (p *program) providersMetricsCommand() *cobra.Command {
	within := 24 * time.Hour
	cmd := &cobra.Command{
		Use:   "metrics [NAME]",
		Short: "Count what a provider has done",
		Long: `Counts the requests of a provider, or of each, within a time by their status, what they asked for and got, and what
the provider holds now with its estimated cost; and how all calls of this work directory to its cloud went: errors,
refusals for the cloud's rate, latency. It asks no cloud.`,
		Example: `  ohfp providers metrics --format table
  ohfp providers metrics aws-primary --timeframe 1h`,
		Args: optional("provider"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if within <= 0 {
				return usageErrorf("--timeframe %s makes no sense; use a positive duration such as 24h", ohfp.FormatDuration(within))
			}
			return p.around(cmd.Context(), false, func(a *app.App) error {
				list, err := providerMetrics(cmd.Context(), a, args, time.Now().Add(-within))
				if err != nil {
					return err
				}
				return p.show(list, output.Layout{Records: "providers", Empty: "No providers.", Columns: []output.Column{
					{Key: "provider"},
					{Key: "requests", Text: fieldsText},
					{Key: "asked", Number: true},
					{Key: "delivered", Number: true},
					{Key: "now", Text: nowText},
					{Key: "calls", Text: callsText},
				}})
			})
		},
	}
	cmd.Flags().Var(seconds{&within}, "timeframe", "count the requests of so long, for example 1h, or a number of seconds")
	return cmd
}

// nowText is what a provider has, in a cell.
func nowText(value json.RawMessage) string {
	var now query.UsageGroup
	if err := json.Unmarshal(value, &now); err != nil {
		return string(value)
	}
	text := ohfp.Count(now.Machines, "machine")
	if now.Ending > 0 {
		text += fmt.Sprintf(", %d of them ending", now.Ending)
	}
	if now.Awaited > 0 {
		text += fmt.Sprintf(", %d awaited", now.Awaited)
	}
	if now.VCPUs > 0 {
		text += ", " + ohfp.Count(now.VCPUs, "vCPU")
	}
	if now.Dollars != "" && now.Dollars != "0" {
		text += ", " + now.Dollars + " dollars an hour"
	}
	return text
}

// callsText is how calls to a cloud went, in a cell.
func callsText(value json.RawMessage) string {
	var calls figures.ProviderCalls
	if err := json.Unmarshal(value, &calls); err != nil {
		return string(value)
	}
	return fmt.Sprintf("%d in %g ms, errors %d, throttled %d", calls.Calls, calls.Average, calls.Errors, calls.Throttled)
}

func providerMetrics(ctx context.Context, a *app.App, args []string, since time.Time) (view.ProviderMetricsList, error) {
	names := args
	if len(args) == 0 {
		for _, instance := range a.Providers() {
			names = append(names, instance.Name)
		}
	} else if _, ok := a.Config.Provider(args[0]); !ok {
		return view.ProviderMetricsList{}, unknownProvider(args[0])
	}
	requests, err := a.Queries.Requests(ctx, query.RequestFilter{Type: ohfp.TypeAcquire, Machines: true})
	if err != nil {
		return view.ProviderMetricsList{}, err
	}
	held, err := a.Queries.Usage(ctx, query.UsageByProvider)
	if err != nil {
		return view.ProviderMetricsList{}, err
	}
	counted, err := a.Figures.Counted(ctx)
	if err != nil {
		return view.ProviderMetricsList{}, err
	}
	return view.NewProviderMetrics(names, requests, held, counted, since), nil
}
