package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/app"
	"github.com/openhostfactory/ohfp/internal/config"
	"github.com/openhostfactory/ohfp/internal/output"
	"github.com/openhostfactory/ohfp/internal/setup"
)

// providerEntry is a provider as the configuration file has it.
type providerEntry struct {
	Name             string            `json:"name"`
	Type             string            `json:"type"`
	Enabled          *bool             `json:"enabled,omitempty"`
	Priority         *int              `json:"priority,omitempty"`
	Weight           *int              `json:"weight,omitempty"`
	Config           json.RawMessage   `json:"config,omitempty"`
	TemplateDefaults config.FieldTable `json:"template_defaults,omitempty"`
}

func (p *program) providersShowCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "show NAME",
		Aliases: []string{"get"},
		Short:   "Show the settings of a provider",
		Long:    "Shows the settings of a provider as they are, secrets as ***. It asks no cloud.",
		Example: "  ohfp providers show aws-primary --format table",
		Args:    one("provider"),
		RunE: func(_ *cobra.Command, args []string) error {
			cfg, err := p.config(wish{Global: p.global})
			if err != nil {
				return err
			}
			if _, ok := cfg.Provider(args[0]); !ok {
				return unknownProvider(args[0])
			}
			shown, err := cfg.Show(app.SecretSetting(p.providers), "providers["+args[0]+"]")
			if err != nil {
				return err
			}
			return p.show(shown, output.Layout{
				Records: "settings", Columns: []output.Column{{Key: "key", Heading: "setting"}, {Key: "value"}, {Key: "origin"}},
			})
		},
	}
}

func unknownProvider(name string) error {
	return ohfp.Errorf(ohfp.ErrNotFound, "provider %s does not exist; see ohfp providers list", name)
}

// providerFlags are the settings of a provider that have flags of their own; config set reaches the others.
type providerFlags struct {
	region, profile  string
	priority, weight int
	enabled          bool
}

func (f *providerFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.region, "region", "", "the `REGION` of the cloud")
	flags.StringVar(&f.profile, "profile", "", "the `PROFILE` whose credentials are used")
	flags.IntVar(&f.priority, "priority", 0, "lower comes first")
	flags.IntVar(&f.weight, "weight", 0, "its share where placement goes by weight")
	flags.BoolVar(&f.enabled, "enabled", true, "whether new requests may go to it")
}

// changes are the settings whose flags were given.
func (f *providerFlags) changes(cmd *cobra.Command, name string) []config.Change {
	var list []config.Change
	for flag, key := range map[string]string{
		"region": "config.region", "profile": "config.profile", "priority": "priority", "weight": "weight", "enabled": "enabled",
	} {
		if given := cmd.Flags().Lookup(flag); given.Changed {
			key = "providers[" + name + "]." + key
			list = append(list, config.Change{Key: key, Value: config.Text(key, given.Value.String())})
		}
	}
	slices.SortFunc(list, func(a, b config.Change) int { return strings.Compare(a.Key, b.Key) })
	return list
}

func (p *program) providersAddCommand() *cobra.Command {
	var flags providerFlags
	var discover bool
	entry := providerEntry{}
	cmd := &cobra.Command{
		Use:   "add [NAME]",
		Short: "Add a provider to the configuration file",
		Long: `Adds a provider to the configuration file. One that came from the environment or IBM's file until now is written
beside it, so that it stays. ohfp config set reaches the settings that have no flag here.

With --discover it asks the account first, and writes the region and, as template defaults, a subnet per zone of the
default network and its default security group, as ohfp init does.`,
		Example: `  ohfp providers add aws-west --region us-west-2 --profile default
  ohfp providers add --name aws-west --region us-west-2 --discover`,
		Args: optional("name"),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case len(args) == 1 && entry.Name != "" && args[0] != entry.Name:
				return usageErrorf("%s is told two names, %s and --name %s; leave one out", cmd.CommandPath(), args[0], entry.Name)
			case len(args) == 1:
				entry.Name = args[0]
			case entry.Name == "":
				return usageErrorf("%s needs a name; see %s --help", cmd.CommandPath(), cmd.CommandPath())
			}
			if discover {
				if err := p.discovered(cmd.Context(), &entry, flags); err != nil {
					return err
				}
			}
			changes, err := p.addition(entry)
			if err != nil {
				return err
			}
			return p.changeProviders(cmd.Context(), entry.Name, append(changes, flags.changes(cmd, entry.Name)...)...)
		},
	}
	cmd.Flags().StringVar(&entry.Name, "name", "", "its `NAME`, which must not change later, as an argument or here")
	cmd.Flags().StringVar(&entry.Type, "type", "aws", "the kind of provider")
	cmd.Flags().SetNormalizeFunc(asThePythonSystem)
	cmd.Flags().BoolVar(&discover, "discover", false, "ask the account for the region, subnets and security groups of its templates")
	flags.add(cmd)
	return cmd
}

// asThePythonSystem takes its names for flags, too.
func asThePythonSystem(_ *pflag.FlagSet, name string) pflag.NormalizedName {
	switch name {
	case "provider-type":
		name = "type"
	case "aws-region":
		name = "region"
	case "aws-profile":
		name = "profile"
	}
	return pflag.NormalizedName(name)
}

// discovered completes an entry with what the account has.
func (p *program) discovered(ctx context.Context, entry *providerEntry, flags providerFlags) error {
	in := setup.Init{
		Answers: setup.Answers{Type: entry.Type, Name: entry.Name, Region: flags.region, Profile: flags.profile},
		Environ: os.Environ(), LookupEnv: p.lookupEnv, Now: time.Now,
	}
	found, err := in.Discover(ctx)
	if err != nil {
		return fmt.Errorf("ask the account of provider %s: %w", entry.Name, err)
	}
	in.Choose(found)
	if len(in.Subnets) == 0 {
		return ohfp.Errorf(ohfp.ErrNotFound, "the account of provider %s has no subnet in %s; make one, or add the provider without --discover", entry.Name, found.Region)
	}
	entry.TemplateDefaults = config.FieldTable{}
	for field, ids := range map[string][]string{"subnetIds": in.Subnets, "securityGroupIds": in.SecurityGroups} {
		if len(ids) > 0 {
			if entry.TemplateDefaults[field], err = json.Marshal(ids); err != nil {
				return err
			}
		}
	}
	entry.Config, err = json.Marshal(map[string]string{"region": found.Region})
	return err
}

// addition makes the list of providers one longer.
func (p *program) addition(entry providerEntry) ([]config.Change, error) {
	cfg, err := p.config(wish{Global: p.global})
	if err != nil {
		return nil, err
	}
	if _, there := cfg.Provider(entry.Name); there {
		return nil, ohfp.Errorf(ohfp.ErrConflict, "provider %s exists already; use ohfp providers update", entry.Name)
	}
	if listed(cfg) {
		raw, err := json.Marshal(entry)
		return []config.Change{{Key: "providers[]", Value: raw}}, err
	}
	list := []providerEntry{}
	for _, old := range cfg.Providers {
		list = append(list, providerEntry{Name: old.Name, Type: old.Type, Config: old.Config, TemplateDefaults: old.TemplateDefaults})
	}
	raw, err := json.Marshal(append(list, entry))
	return []config.Change{{Key: "providers", Value: raw}}, err
}

// listed says whether a file of ours lists the providers: its origin has a line, that of IBM's file and of the environment none.
func listed(cfg config.Config) bool {
	return slices.Contains(cfg.Files, originFile(cfg.Origin("providers")))
}

func originFile(origin string) string {
	i := strings.LastIndexByte(origin, ':')
	return origin[:max(i, 0)]
}

func (p *program) changeProviders(ctx context.Context, name string, changes ...config.Change) error {
	done, err := p.apply(ctx, changes...)
	if err != nil {
		return err
	}
	return p.show(providerChange{Provider: name, File: done.File, Changed: done.Written}, output.Layout{})
}

// providerChange is the answer of commands that change the list of providers.
type providerChange struct {
	Provider string `json:"provider"`
	File     string `json:"file"`
	Changed  bool   `json:"changed"` // false when the file said so already
}

func (p *program) providersUpdateCommand() *cobra.Command {
	var flags providerFlags
	cmd := &cobra.Command{
		Use:     "update NAME",
		Short:   "Change a provider in the configuration file",
		Example: "  ohfp providers update aws-west --region us-west-1 --enabled=false",
		Args:    one("provider"),
		RunE: func(cmd *cobra.Command, args []string) error {
			changes := flags.changes(cmd, args[0])
			if len(changes) == 0 {
				return usageErrorf("%s needs something to change; see %s --help", cmd.CommandPath(), cmd.CommandPath())
			}
			return p.changeProviders(cmd.Context(), args[0], changes...)
		},
	}
	flags.add(cmd)
	return cmd
}

func (p *program) providersRemoveCommand() *cobra.Command {
	force := false
	cmd := &cobra.Command{
		Use:   "remove NAME",
		Short: "Remove a provider from the configuration file",
		Long: `Removes a provider from the configuration file. It is refused while the provider has machines, since they could not be
followed or ended any more; --enabled=false with update keeps new requests away.`,
		Example: "  ohfp providers remove aws-west",
		Args:    one("provider"),
		RunE: func(cmd *cobra.Command, args []string) error {
			name := args[0]
			err := p.around(cmd.Context(), false, func(a *app.App) error {
				if _, ok := a.Config.Provider(name); !ok {
					return unknownProvider(name)
				}
				used, err := a.Queries.Store.Usage(cmd.Context())
				if alive := used.Providers[name]; err == nil && alive > 0 && !force {
					return ohfp.Errorf(ohfp.ErrConflict, "provider %s still has %s, alive or under way; give back what it has, or use --force", name, ohfp.Count(alive, "machine"))
				}
				return err
			})
			if err != nil {
				return err
			}
			return p.changeProviders(cmd.Context(), name, config.Change{Key: "providers[" + name + "]"})
		},
	}
	cmd.Flags().BoolVar(&force, "force", false, "even when it has machines")
	return cmd
}

func (p *program) providersDefaultCommands() []*cobra.Command {
	policy := ""
	choose := func(cmd *cobra.Command, name string) error {
		return p.changeProviders(cmd.Context(), name, config.Change{Key: "default_provider", Value: config.Text("default_provider", name)})
	}
	set := &cobra.Command{
		Use:     "set-default NAME",
		Short:   "Let a provider launch what no template claims for another",
		Example: "  ohfp providers set-default aws-primary",
		Args:    one("provider"),
		RunE:    func(cmd *cobra.Command, args []string) error { return choose(cmd, args[0]) },
	}
	pick := &cobra.Command{
		Use:   "select [NAME]",
		Short: "Choose the default provider, or how one is chosen",
		Example: `  ohfp providers select aws-primary
  ohfp providers select --strategy ROUND_ROBIN`,
		Args: optional("provider"),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case len(args) == 1 && policy == "":
				return choose(cmd, args[0])
			case len(args) == 0 && policy != "":
				return p.changeConfig(cmd.Context(), config.Change{Key: "placement.policy", Value: config.Text("placement.policy", policy)})
			default:
				return usageErrorf("%s takes a provider or --strategy; see %s --help", cmd.CommandPath(), cmd.CommandPath())
			}
		},
	}
	pick.Flags().StringVar(&policy, "strategy", "", "the `POLICY` by which placement chooses, see docs/placement.md")
	get := &cobra.Command{
		Use:     "get-default",
		Short:   "Show the default provider",
		Example: "  ohfp providers get-default",
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.around(cmd.Context(), true, func(a *app.App) error {
				name, err := usual(a, nil)
				if err != nil {
					return err
				}
				return p.show(defaultView{Provider: name, Explicit: a.Config.DefaultProvider != "", Policy: a.Config.Placement.Policy}, output.Layout{})
			})
		},
	}
	return []*cobra.Command{set, get, pick}
}

// defaultView is the answer of get-default.
type defaultView struct {
	Provider string `json:"defaultProvider"`
	Explicit bool   `json:"explicit"` // false: it is only the first
	Policy   string `json:"policy"`
}
