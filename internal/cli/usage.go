package cli

import (
	"slices"

	"github.com/spf13/cobra"

	"github.com/openhostfactory/ohfp/internal/output"
	"github.com/openhostfactory/ohfp/internal/query"
)

func (p *program) usageCommand() *cobra.Command {
	by := string(query.UsageByTemplate)
	var names []string
	for _, name := range query.UsageBys() {
		names = append(names, string(name))
	}
	cmd := &cobra.Command{
		Use:   "usage [--by template|provider|caller]",
		Short: "Tell what is running, for whom and at what cost",
		Long: `Adds up the machines that exist and those that are on their way, by template, by provider or by caller (the face and
who used it), with their vCPUs and what they are estimated to cost. It asks no cloud: prices are those that were known
when the machines were asked for, and the answer says where they are from and what is not known.`,
		Example: `  ohfp usage --format table
  ohfp usage --by caller`,
		GroupID: groupMachines,
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !slices.Contains(names, by) {
				return usageErrorf("--by %q makes no sense; use template, provider or caller", by)
			}
			return p.with(cmd.Context(), func(s *session) error {
				report, err := s.Queries.Usage(cmd.Context(), query.UsageBy(by))
				if err != nil {
					return err
				}
				return p.show(report, output.Layout{
					Records: "usage",
					Empty:   "No machines.",
					Columns: []output.Column{
						{Key: "name", Heading: by},
						{Key: "machines", Number: true},
						{Key: "ending", Number: true},
						{Key: "awaited", Number: true},
						{Key: "vcpus", Heading: "vCPUs", Number: true},
						{Key: "dollarsPerHour", Heading: "dollars an hour", Number: true},
						{Key: "vcpusUnknown", Heading: "vCPUs unknown", Number: true},
						{Key: "priceUnknown", Heading: "price unknown", Number: true},
					},
				})
			})
		},
	}
	cmd.Flags().StringVar(&by, "by", by, "what to add up by: template, provider or caller")
	complete(cmd, "by", names...)
	return cmd
}
