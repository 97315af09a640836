package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/app"
	"github.com/openhostfactory/ohfp/internal/config"
	"github.com/openhostfactory/ohfp/internal/output"
)

func (p *program) configCommand() *cobra.Command {
	cmd := group(&cobra.Command{
		Use:   "config",
		Short: "The settings: what they are, where they come from, and how to change them",
		Long: `Settings come, later ones winning, from their defaults, files in the configuration directory, .env files, the
environment, and flags.`,
		Example: `  ohfp config show --origin --format table
  ohfp config set limits.max_machines 50`,
		GroupID: groupTools,
	})
	cmd.AddCommand(
		p.configShowCommand(), p.configGetCommand(), p.configSetCommand(), p.configUnsetCommand(), p.configValidateCommand(),
		p.configSchemaCommand(), p.reloadCommand("ohfp config reload"),
	)
	return cmd
}

func (p *program) configShowCommand() *cobra.Command {
	origin := false
	cmd := &cobra.Command{
		Use:   "show [KEY]",
		Short: "Show settings, or those of a section",
		Long:  "Shows every setting as it is, one of them, or those of a section. Secrets are shown as ***.",
		Example: `  ohfp config show --format table
  ohfp config show storage --origin
  ohfp config show providers[aws].config`,
		Args: optional("setting"),
		RunE: func(_ *cobra.Command, args []string) error {
			cfg, err := p.config(wish{Global: p.global})
			if err != nil {
				return err
			}
			key := ""
			if len(args) > 0 {
				key = args[0]
			}
			shown, err := cfg.Show(app.SecretSetting(p.providers), key)
			if err != nil {
				return err
			}
			columns := []output.Column{{Key: "key", Heading: "setting"}, {Key: "value"}}
			if origin {
				columns = append(columns, output.Column{Key: "origin"})
			} else {
				for i := range shown.Settings {
					shown.Settings[i].Origin = ""
				}
			}
			return p.show(shown, output.Layout{Records: "settings", Empty: "Nothing is set.", Columns: columns})
		},
	}
	cmd.Flags().BoolVar(&origin, "origin", false, "also where each value comes from")
	return cmd
}

func (p *program) configGetCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "get KEY",
		Short:   "Show one setting with its default and where it comes from",
		Example: "  ohfp config get storage.strategy",
		Args:    one("setting"),
		RunE: func(_ *cobra.Command, args []string) error {
			cfg, err := p.config(wish{Global: p.global})
			if err != nil {
				return err
			}
			values, err := config.Select(cfg.Values(app.SecretSetting(p.providers)), args[0])
			if err != nil {
				return err
			}
			if len(values) != 1 {
				return fmt.Errorf("%s is a section of %s; see ohfp config show %s", args[0], ohfp.Count(len(values), "setting"), args[0])
			}
			if values[0].Secret {
				p.note("%s is a secret and is shown to nobody", values[0].Key)
			}
			return p.show(values[0], output.Layout{})
		},
	}
}

// changeView is the answer of commands that change the configuration file.
type changeView struct {
	Key     string          `json:"key"`
	Value   json.RawMessage `json:"value"` // null when it was removed, *** for a secret
	File    string          `json:"file"`
	Changed bool            `json:"changed"` // false when the file said so already
}

func (p *program) configSetCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "set KEY VALUE",
		Short: "Change a setting in the configuration file",
		Long: `Changes a setting in the configuration file that has it, else in the one of the configuration directory, which is
made when there is none. Comments and order stay. What the file would then say is checked before it is written.

Lists are written as JSON or like search paths (a:b). Below config of a provider, a VALUE that is JSON is taken as
such. ${NAME} stands for a variable of the environment whenever the file is read.`,
		Example: `  ohfp config set limits.max_machines 50
  ohfp config set providers[aws].config.region eu-west-1
  ohfp config set storage.sql.url '${DATABASE_URL}'`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 2 {
				return usageErrorf("%s takes a setting and its value, not %s; see %s --help", cmd.CommandPath(), ohfp.Count(len(args), "argument"), cmd.CommandPath())
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.changeConfig(cmd.Context(), config.Change{Key: args[0], Value: config.Text(args[0], args[1])})
		},
	}
}

func (p *program) configUnsetCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "unset KEY",
		Short:   "Remove a setting from the configuration file",
		Long:    "Removes a setting from the configuration file, so that its default holds again. Doing it again changes nothing.",
		Example: "  ohfp config unset limits.max_machines",
		Args:    one("setting"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.changeConfig(cmd.Context(), config.Change{Key: args[0]})
		},
	}
}

func (p *program) changeConfig(ctx context.Context, change config.Change) error {
	done, err := p.apply(ctx, change)
	if err != nil {
		return err
	}
	view := changeView{Key: change.Key, Value: change.Value, File: done.File, Changed: done.Written}
	values, err := config.Select(done.Config.Values(app.SecretSetting(p.providers)), change.Key)
	if err == nil && view.Value != nil && slices.ContainsFunc(values, func(v config.Value) bool { return v.Secret }) {
		view.Value = json.RawMessage(`"***"`)
	}
	return p.show(view, output.Layout{})
}

// apply changes the configuration file, after a look at whether the caller may.
func (p *program) apply(ctx context.Context, changes ...config.Change) (config.Changed, error) {
	w := wish{Global: p.global}
	sources, err := p.sources(w)
	if err != nil {
		return config.Changed{}, err
	}
	// What is wrong already may be what is to be mended, so that only a refusal counts.
	if _, err := config.Load(sources); err == nil {
		if _, err := p.config(w); err != nil {
			return config.Changed{}, err
		}
	}
	done, err := config.Apply(sources, func(c config.Config) error {
		return app.Check(ctx, c, p.providers, c.LookupEnv(p.lookupEnv))
	}, changes...)
	for _, note := range done.Notes {
		p.note("%s", note)
	}
	return done, err
}

func (p *program) configValidateCommand() *cobra.Command {
	file := ""
	cmd := &cobra.Command{
		Use:   "validate",
		Short: "Check the configuration",
		Long: `Checks the configuration with everything that it is made of, or one FILE as if it were named by --config. It asks no
cloud. The exit code is 1 when something is wrong.`,
		Example: `  ohfp config validate
  ohfp config validate --file config.yml --format table`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			w := wish{Global: p.global}
			if file != "" {
				w.Global.Config = file
			}
			cfg, err := p.config(w)
			found, err := p.checkConfig(cmd.Context(), w, cfg, err)
			if shown := p.show(found, output.Layout{}); shown != nil {
				return shown
			}
			if err != nil {
				return errors.New("the configuration is not valid; the answer says why")
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&file, "file", "", "check this `FILE` instead")
	return cmd
}

// checkConfig tells what is wrong with a configuration that was read or failed to be, beside the error that says that
// something is.
func (p *program) checkConfig(ctx context.Context, w wish, cfg config.Config, err error) (config.Checked, error) {
	found := config.Checked{Valid: true, Files: []string{}, Errors: []string{}, Warnings: []string{}}
	if err == nil {
		found.Files, found.Warnings = append(found.Files, cfg.Files...), append(found.Warnings, cfg.Notes...)
		err = app.Check(ctx, cfg, p.providers, cfg.LookupEnv(p.lookupEnv))
	} else if w.Global.Config != "" {
		if path, bad := filepath.Abs(w.Global.Config); bad == nil {
			found.Files = append(found.Files, path)
		}
	}
	for _, problem := range problemsIn(err) {
		found.Valid, found.Errors = false, append(found.Errors, problem.Error())
	}
	return found, err
}

// problemsIn are the errors that were joined to one.
func problemsIn(err error) []error {
	var joined interface{ Unwrap() []error }
	switch {
	case err == nil:
		return nil
	case errors.As(err, &joined):
		return joined.Unwrap()
	default:
		return []error{err}
	}
}

func (p *program) configSchemaCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of configuration files",
		Long: `Prints the JSON Schema (2020-12) of configuration files, with the settings that each provider type has of its own.
Editors complete and check by it. It is always JSON, whatever --format says.`,
		Example: "  ohfp config schema > ohfp.schema.json",
		Args:    noArguments,
		RunE: func(*cobra.Command, []string) error {
			encoder := json.NewEncoder(p.out)
			encoder.SetIndent("", "  ")
			if err := encoder.Encode(app.ConfigSchema(p.providers)); err != nil {
				return fmt.Errorf("write the schema: %w", err)
			}
			return nil
		},
	}
}
