package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/app"
	"github.com/openhostfactory/ohfp/internal/output"
	"github.com/openhostfactory/ohfp/internal/view"
)

// operated is what a provider told.
type operated struct {
	Provider  string `json:"provider"`
	Operation string `json:"operation"`
	Result    any    `json:"result"`
}

func (p *program) providersExecCommand() *cobra.Command {
	var in payload
	var where elsewhere
	var name string
	cmd := &cobra.Command{
		Use:   "exec [NAME] OPERATION [ID...]",
		Short: "Ask a provider to tell something",
		Long:  "Asks a provider, or the default one, to tell something of its cloud. Nothing is changed. The operations:\n\n" + operationTable(),
		Example: `  ohfp providers exec aws-primary discover
  ohfp providers exec prices my-template --format table
  ohfp providers exec aws-primary describe-machines i-0123456789abcdef0
  ohfp providers exec validate-template --data '{"templateId": "my-template"}'`,
		RunE: func(cmd *cobra.Command, args []string) error {
			call, err := execOf(cmd, name, args)
			if err != nil {
				return err
			}
			if call.about, err = in.about(p, call); err != nil {
				return err
			}
			return p.aroundIn(cmd.Context(), where, call.provider, false, func(a *app.App) error {
				name, err := usual(a, []string{call.provider})
				if err != nil {
					return err
				}
				result, err := a.Operate(cmd.Context(), name, call.operation.Name, call.about)
				if err != nil {
					return err
				}
				if machines, ok := result.([]ohfp.Machine); ok {
					result = view.NewMachines(machines).Machines
				}
				return p.show(operated{Provider: name, Operation: call.operation.Name, Result: result}, output.Layout{})
			})
		},
	}
	cmd.ValidArgsFunction = cobra.FixedCompletions(app.OperationNames(), cobra.ShellCompDirectiveNoFileComp)
	in.addFlags(cmd, `{"templateId": "…"}, {"template": {…}}, {"machineIds": ["…"]} or {"features": ["…"]}`)
	cmd.Flags().StringVar(&in.Data, "params", "", "the same as --data")
	cmd.Flags().StringVar(&in.Data, "args", "", "the same as --data")
	cmd.Flags().StringVar(&name, "provider", "", "the provider of this `NAME`, where no argument names it (default: the default one)")
	where.addFlags(cmd)
	cmd.MarkFlagsMutuallyExclusive("data", "params", "args")
	return cmd
}

func operationTable() string {
	var table strings.Builder
	for _, o := range app.Operations() {
		ids := map[app.Subject]string{app.AboutTemplate: " TEMPLATE_ID", app.AboutMachines: " MACHINE_ID...", app.AboutFeatures: " [FEATURE...]"}
		fmt.Fprintf(&table, "  %-32s %s\n", o.Name+ids[o.Subject], o.Tells)
	}
	return strings.TrimSuffix(table.String(), "\n")
}

// execution is one call of providers exec.
type execution struct {
	provider  string // empty: the default one
	operation app.Operation
	ids       []string
	about     app.About
}

// execOf takes the arguments apart: a first one that is no operation is the provider.
func execOf(cmd *cobra.Command, provider string, args []string) (execution, error) {
	call := execution{provider: provider}
	rest := args
	if len(rest) > 1 && provider == "" {
		if _, ok := app.FindOperation(rest[0]); !ok {
			call.provider, rest = rest[0], rest[1:]
		}
	}
	if len(rest) == 0 {
		return call, usageErrorf("%s needs an operation: %s; see %s --help", cmd.CommandPath(), strings.Join(app.OperationNames(), ", "), cmd.CommandPath())
	}
	operation, ok := app.FindOperation(rest[0])
	if !ok {
		return call, usageErrorf("operation %q does not exist; use one of %s", rest[0], strings.Join(app.OperationNames(), ", "))
	}
	call.operation, call.ids = operation, rest[1:]
	return call, nil
}

// about is what the input and the arguments say that an operation is about.
func (in *payload) about(p *program, call execution) (app.About, error) {
	text := []byte(in.Data)
	switch {
	case in.File != "" && in.Data != "":
		return app.About{}, usageErrorf("pass the input either with --file or with --data")
	case in.File != "":
		var err error
		if text, err = p.input(in.File); err != nil {
			return app.About{}, err
		}
	case in.Data == "":
		return aboutIDs(call)
	}
	if len(call.ids) > 0 {
		return app.About{}, usageErrorf("say what %s is about once: as arguments, or in the input", call.operation.Name)
	}
	return app.ParseAbout(text)
}

func aboutIDs(call execution) (about app.About, err error) {
	switch call.operation.Subject {
	case app.AboutMachines:
		for _, id := range call.ids {
			about.MachineIDs = append(about.MachineIDs, ohfp.MachineID(id))
		}
		return about, nil
	case app.AboutFeatures:
		about.Features = call.ids
		return about, nil
	case app.AboutTemplate:
		if len(call.ids) == 1 {
			about.TemplateID = ohfp.TemplateID(call.ids[0])
		}
		if len(call.ids) <= 1 {
			return about, nil
		}
		return about, usageErrorf("operation %s takes one template, not %d", call.operation.Name, len(call.ids))
	case app.AboutNothing:
	}
	if len(call.ids) > 0 {
		err = usageErrorf("operation %s is about nothing in particular; leave out %s", call.operation.Name, strings.Join(call.ids, " "))
	}
	return about, err
}
