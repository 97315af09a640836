package cli

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/openhostfactory/ohfp/awssim"
)

func (p *program) simulatorCommand() *cobra.Command {
	cmd := group(&cobra.Command{
		Use:     "simulator",
		Short:   "A simulated AWS to try things on",
		Long:    "A simulated AWS account in memory, with which ohfp, the AWS CLI and the AWS SDKs work unchanged.",
		Example: "  ohfp simulator serve --port 5050",
		GroupID: groupTools,
	})
	cmd.AddCommand(p.simulatorServeCommand(), p.simulatorInterruptCommand())
	return cmd
}

// simulatorServe is what simulator serve was asked.
type simulatorServe struct {
	Host     string
	Port     int
	Capacity []string
	Options  awssim.Options
}

func (p *program) simulatorServeCommand() *cobra.Command {
	in := simulatorServe{}
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Serve the simulated AWS until interrupted",
		Long: `Serves a simulated AWS account until it is interrupted: EC2, Auto Scaling, SSM, SQS and STS of one region, all in
memory. Anybody who reaches the port may use it, so it listens on this machine only unless --host says otherwise.`,
		Example: `  ohfp simulator serve --port 5050
  ohfp simulator serve --interruption-queue taken
  ohfp simulator serve --launch-delay 30s --capacity t3.medium=2 --capacity m5.xlarge@us-east-1a/spot=0
  aws --endpoint-url http://127.0.0.1:5050 ec2 describe-instances`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if in.Port < 0 || in.Port > 65535 {
				return usageErrorf("--port %d is no port; use 1 to 65535, or 0 for a free one", in.Port)
			}
			capacity, err := parseCapacity(in.Capacity)
			if err != nil {
				return err
			}
			in.Options.Capacity = capacity
			return p.serveSimulator(cmd.Context(), in)
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.IntVar(&in.Port, "port", 5050, "port to listen on, 0 for a free one")
	flags.StringVar(&in.Host, "host", "127.0.0.1", "address to listen on")
	flags.StringVar(&in.Options.Region, "region", "us-east-1", "the region that it plays")
	flags.StringVar(&in.Options.Account, "account", "123456789012", "the account that it plays")
	flags.Var(seconds{&in.Options.LaunchDelay}, "launch-delay", "from pending to running")
	flags.Var(seconds{&in.Options.AddressDelay}, "address-delay", "from launch until addresses and names show")
	flags.Var(seconds{&in.Options.TerminateDelay}, "terminate-delay", "from shutting-down to terminated")
	flags.Var(seconds{&in.Options.DescribeLag}, "describe-lag", "how long new instances stay invisible")
	flags.Var(seconds{&in.Options.Latency}, "latency", "how much later every call is answered")
	flags.BoolVar(&in.Options.Throttle, "throttle", false, "limit the rate of calls as EC2 does")
	flags.StringSliceVar(&in.Capacity, "capacity", nil, "`TYPE[@ZONE][/spot]=N`: only N instances of a pool (several: repeat or separate by commas)")
	flags.StringVar(&in.Options.InterruptionQueue, "interruption-queue", "", "`NAME` of an SQS queue that is told of instances that are taken back")
	flags.Uint64Var(&in.Options.Seed, "seed", 0, "repeat ids and prices, 0 for new ones")
	return cmd
}

func (p *program) serveSimulator(ctx context.Context, in simulatorServe) error {
	cloud, err := awssim.New(in.Options)
	if err != nil {
		return usageError{err}
	}
	return cloud.ListenAndServe(ctx, net.JoinHostPort(in.Host, strconv.Itoa(in.Port)), func(url string) {
		fmt.Fprintf(p.out, `Simulated AWS account %s in %s at %s
Any program that uses an AWS SDK works with it after:

  export AWS_ENDPOINT_URL=%s AWS_REGION=%s
  export AWS_ACCESS_KEY_ID=simulator AWS_SECRET_ACCESS_KEY=simulator
`, in.Options.Account, in.Options.Region, url, url, in.Options.Region)
		p.note("serving until interrupted")
	})
}

// parseCapacity reads TYPE[@ZONE][/LIFECYCLE]=N.
func parseCapacity(words []string) (map[awssim.Pool]int, error) {
	capacity := map[awssim.Pool]int{}
	for _, word := range words {
		name, number, ok := strings.Cut(word, "=")
		n, err := strconv.Atoi(number)
		if !ok || err != nil || n < 0 {
			return nil, usageErrorf("--capacity %q is not understood; write TYPE[@ZONE][/spot]=N, for example m5.xlarge@us-east-1a=3", word)
		}
		pool := awssim.Pool{}
		name, pool.Lifecycle, _ = strings.Cut(name, "/")
		pool.InstanceType, pool.Zone, _ = strings.Cut(name, "@")
		capacity[pool] = n
	}
	return capacity, nil
}
