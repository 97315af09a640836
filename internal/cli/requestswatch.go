package cli

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/query"
	"github.com/openhostfactory/ohfp/internal/view"
)

func (p *program) requestsWatchCommand() *cobra.Command {
	const usual = 5 * time.Second
	var flagged string
	wait := waiting{On: true, Interval: usual}
	cmd := &cobra.Command{
		Use:   "watch [REQUEST_ID]",
		Short: "Follow a request or return until it has ended",
		Long: `Follows a request or return until it has ended, with a bar on a terminal, and then shows it. Without an id it
follows the newest. Ctrl-C ends the watching, not the request. The exit code is that of ohfp requests create --wait.`,
		Example: `  ohfp requests watch
  ohfp requests watch REQUEST_ID --interval 2s --timeout 10m`,
		RunE: func(cmd *cobra.Command, args []string) error {
			ids := requestIDs(append(args, flagged))
			switch {
			case len(ids) > 1:
				return usageErrorf("%s takes one request id, not %d; see %s --help", cmd.CommandPath(), len(ids), cmd.CommandPath())
			case wait.Interval <= 0:
				return usageErrorf("--interval %s makes no sense; use a positive duration such as 5s", ohfp.FormatDuration(wait.Interval))
			case wait.Timeout < 0:
				return usageErrorf("--timeout %s makes no sense; use a positive duration such as 10m, or 0 for ever", ohfp.FormatDuration(wait.Timeout))
			}
			return p.with(cmd.Context(), func(s *session) error { return p.watchRequest(cmd.Context(), s, ids, wait) })
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVarP(&flagged, "request-id", "r", "", "request or return to follow")
	flags.Var(seconds{&wait.Interval}, "interval", "how long between looks at the cloud, for example 2s, or a number of seconds")
	flags.Var(seconds{&wait.Timeout}, "timeout", "how long to watch, 0 for ever")
	return cmd
}

func (p *program) watchRequest(ctx context.Context, s *session, ids []ohfp.RequestID, wait waiting) error {
	if len(ids) == 0 {
		var err error
		if ids, err = allRequests(ctx, s, query.RequestFilter{Limit: 1}); err != nil {
			return err
		}
		if len(ids) == 0 {
			return ohfp.Errorf(ohfp.ErrNotFound, "there is no request to watch; make one with ohfp requests create")
		}
	}
	found, _, err := p.statusOf(ctx, s, ids)
	switch {
	case err != nil:
		return err
	case len(found) == 0:
		return noSuchRequest(ids[0])
	case !found[0].Status.Terminal():
		return p.follow(ctx, s, found[0], wait)
	}
	if err := p.show(view.NewFullRequest(found[0], time.Now()), requestLayout()); err != nil {
		return err
	}
	return p.judge(found[0])
}
