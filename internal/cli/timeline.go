package cli

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/output"
)

func (p *program) requestsTimelineCommand() *cobra.Command {
	var each bool
	cmd := &cobra.Command{
		Use:   "timeline REQUEST_ID",
		Short: "Tell what happened to a request or return, step by step",
		Long: `Tells what happened to a request or return: who asked, what was decided, what the cloud was asked and answered, when
machines were launched, named, ready, reported, given back and gone. Refusals have the cloud's own code and the id of
the call, which the cloud's support asks for. It asks no cloud.

The same that happened to several machines within a second is one step, unless --each is given.`,
		Example: `  ohfp requests timeline REQUEST_ID --format table
  ohfp requests timeline REQUEST_ID --each`,
		Args: one("request id"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.with(cmd.Context(), func(s *session) error {
				timeline, err := s.Queries.RequestTimeline(cmd.Context(), ohfp.RequestID(args[0]), each)
				if errors.Is(err, ohfp.ErrNotFound) {
					return noSuchRequest(ohfp.RequestID(args[0]))
				}
				if err != nil {
					return err
				}
				return p.show(timeline, timelineLayout())
			})
		},
	}
	cmd.Flags().BoolVar(&each, "each", false, "a step for each machine")
	return cmd
}

func (p *program) machinesTimelineCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "timeline MACHINE_ID",
		Short: "Tell what happened to a machine, step by step",
		Long: `Tells what happened to a machine, from the request that brought it to its end: see ohfp requests timeline. It asks no
cloud.`,
		Example: "  ohfp machines timeline i-0123456789abcdef0 --format table",
		Args:    one("machine id"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.with(cmd.Context(), func(s *session) error {
				timeline, err := s.Queries.MachineTimeline(cmd.Context(), ohfp.MachineID(args[0]))
				if err != nil {
					return err
				}
				return p.show(timeline, timelineLayout())
			})
		},
	}
}

func timelineLayout() output.Layout {
	return output.Layout{
		Records: "timeline",
		Empty:   "Nothing is recorded.",
		Columns: []output.Column{
			{Key: "after"},
			{Key: "event"},
			{Key: "machineId", Heading: "machine"},
			{Key: "machines", Number: true},
			{Key: "actor"},
			{Key: "message"},
			{Key: "code"},
			{Key: "cloudRequestId", Heading: "cloud request"},
			{Key: "at"},
		},
	}
}
