package cli

import (
	"github.com/spf13/cobra"

	"github.com/openhostfactory/ohfp/internal/demo"
)

func (p *program) demoCommand() *cobra.Command {
	in := demo.Demo{}
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Watch the Host Factory scripts work on a simulated AWS",
		Long: `Starts a simulated AWS in this process and plays Host Factory: runs the five real scripts as it does, to request
machines, follow the request and give the machines back, and checks after each step that the cloud agrees.

Nothing outside a temporary directory is touched, and no account is needed.`,
		Example: `  ohfp demo
  ohfp demo --machines 20
  ohfp demo --keep /tmp/ohfp-demo     # look at its files afterwards`,
		GroupID: groupTools,
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if in.Machines < 1 || in.Machines > demo.MostMachines {
				return usageErrorf("--machines %d makes no sense here; use 1 to %d", in.Machines, demo.MostMachines)
			}
			in.Out, in.LookupEnv = p.out, p.lookupEnv
			return in.Run(cmd.Context())
		},
	}
	cmd.Flags().IntVar(&in.Machines, "machines", 3, "how many machines to request")
	cmd.Flags().StringVar(&in.Keep, "keep", "", "work in this `DIRECTORY` and leave it behind")
	return cmd
}
