package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/config"
	"github.com/openhostfactory/ohfp/internal/output"
	"github.com/openhostfactory/ohfp/store/reference"
)

func (p *program) storageImportCommand() *cobra.Command {
	instance, dry := "", false
	cmd := &cobra.Command{
		Use:   "import FILE",
		Short: "Take over the records of the Python system",
		Long: `Reads request_database.json as the Python system keeps it in its strategy json (schema 2.0.0, and the keys of
the versions before it), and records its requests, returns and machines, under their own ids. Stop that system first.

Machines that are there are followed from then on and can be given back; a return that was under way is carried out.
Nothing is launched for what was imported. Requests that are on record already stay as they are, so that it may be done
again. What cannot be taken is listed with the reason, and the exit code is 1 then.`,
		Example: `  ohfp storage import data/request_database.json --dry-run
  ohfp storage import data/request_database.json --provider default`,
		Args: one("file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			k, path, err := p.keeperAnd(args[0])
			if err != nil {
				return err
			}
			cfg, err := p.config(wish{Global: p.global})
			if err != nil {
				return err
			}
			if _, known := cfg.Provider(instance); instance != "" && !known {
				return fmt.Errorf("provider %s does not exist; see ohfp providers list", instance)
			}
			done, err := k.Import(cmd.Context(), path, reference.Options{
				Timeout:  cfg.Requests.Timeout,
				Provider: func(name string) (string, error) { return providerFor(cfg, instance, name) },
			}, dry)
			if err != nil {
				return err
			}
			layout := output.Layout{Records: "skipped", Empty: "Nothing was left out.", Columns: []output.Column{{Key: "kind"}, {Key: "id"}, {Key: "why"}}}
			if err := p.show(done, layout); err != nil {
				return err
			}
			return unless(len(done.Skipped) == 0, "not taken: "+ohfp.Count(len(done.Skipped), "entry")+"; the answer says why")
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar(&instance, "provider", "", "the provider that all of it belongs to (default: the one of the same name, the default provider, or the only one)")
	flags.BoolVar(&dry, "dry-run", false, "only count what would be taken")
	return cmd
}

// providerFor finds the provider instance for one that the file names.
func providerFor(cfg config.Config, chosen, name string) (string, error) {
	if chosen != "" {
		return chosen, nil
	}
	if _, ok := cfg.Provider(name); ok {
		return name, nil
	}
	if cfg.DefaultProvider != "" {
		return cfg.DefaultProvider, nil
	}
	if len(cfg.Providers) == 1 {
		return cfg.Providers[0].Name, nil
	}
	return "", fmt.Errorf("its provider %q is none of those configured; choose one with --provider", name)
}
