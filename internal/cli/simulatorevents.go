package cli

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/awssim"
)

// simulatorInterrupt is what simulator interrupt was asked.
type simulatorInterrupt struct {
	Endpoint string
	Notice   time.Duration
	Kind     string
}

// What the simulator can do to instances.
const (
	kindSpot        = "spot"
	kindRebalance   = "rebalance"
	kindMaintenance = "maintenance"
	kindTerminate   = "terminate"
)

func (p *program) simulatorInterruptCommand() *cobra.Command {
	in := simulatorInterrupt{Notice: 2 * time.Minute}
	cmd := &cobra.Command{
		Use:   "interrupt INSTANCE_ID...",
		Short: "Take instances of a simulated AWS back",
		Long: `Makes a simulated AWS that serves in another process take instances back, as AWS does. --kind says how: spot warns
and ends them --notice later, rebalance only recommends to replace them, maintenance schedules their retirement for
--notice later, terminate ends them at once, as somebody at the console would. It is also told to the queue that the
simulator was started with.`,
		Example: `  ohfp simulator interrupt i-0123456789abcdef0
  ohfp simulator interrupt --kind maintenance --notice 48h --endpoint http://127.0.0.1:5050 i-0123456789abcdef0`,
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case len(args) == 0:
				return usageErrorf("%s takes ids of instances, not none", cmd.CommandPath())
			case in.Notice < 0:
				return usageErrorf("--notice %s makes no sense; use a positive duration such as 2m", ohfp.FormatDuration(in.Notice))
			}
			return in.run(cmd, p, args)
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar(&in.Endpoint, "endpoint", "", "`URL` of the simulator (default: AWS_ENDPOINT_URL, else http://127.0.0.1:5050)")
	flags.StringVar(&in.Kind, "kind", kindSpot, "spot, rebalance, maintenance or terminate")
	flags.Var(seconds{&in.Notice}, "notice", "from the notice until it happens")
	complete(cmd, "kind", kindSpot, kindRebalance, kindMaintenance, kindTerminate)
	return cmd
}

func (in simulatorInterrupt) run(cmd *cobra.Command, p *program, ids []string) error {
	control := awssim.Control{URL: in.Endpoint}
	if control.URL == "" {
		control.URL = "http://127.0.0.1:5050"
		if url, ok := p.lookupEnv("AWS_ENDPOINT_URL"); ok && url != "" {
			control.URL = url
		}
	}
	ctx := cmd.Context()
	var err error
	switch in.Kind {
	case kindSpot:
		err = control.Interrupt(ctx, in.Notice, ids...)
	case kindRebalance:
		err = control.Recommend(ctx, ids...)
	case kindMaintenance:
		var now awssim.Description
		if now, err = control.Describe(ctx); err == nil {
			err = control.Schedule(ctx, "instance-retirement", now.Now.Add(in.Notice), ids...)
		}
	case kindTerminate:
		err = control.Terminate(ctx, ids...)
	default:
		return usageErrorf("kind %q does not exist; use one of spot, rebalance, maintenance, terminate", in.Kind)
	}
	if err != nil {
		return fmt.Errorf("simulator at %s: %w", control.URL, err)
	}
	p.note("%s: %s", ohfp.Count(len(ids), "instance"), in.Kind)
	return nil
}
