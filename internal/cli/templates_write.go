package cli

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/app"
	"github.com/openhostfactory/ohfp/internal/output"
	"github.com/openhostfactory/ohfp/internal/view"
)

func (p *program) templatesGenerateCommand() *cobra.Command {
	var name, api, file string
	var subnets, groups []string
	var force bool
	cmd := &cobra.Command{
		Use:   "generate",
		Short: "Write example templates",
		Long: `Writes a template for each way to launch machines, or for those of one API, into a template file of the configuration
directory. They leave out what the template defaults of the provider say already, and name an image that every account
has; without defaults, put your subnets and security groups into them. ohfp templates validate --online tells what is
missing.`,
		Example: `  ohfp templates generate
  ohfp templates generate --provider-api EC2Fleet --output - --format yaml`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.around(cmd.Context(), true, func(a *app.App) error {
				provider, err := usual(a, []string{name})
				if err != nil {
					return err
				}
				list, err := a.TemplateExamples(cmd.Context(), provider, api, map[string][]string{"subnetIds": subnets, "securityGroupIds": groups})
				if err != nil {
					return err
				}
				if file == "" {
					file = filepath.Join(a.Config.ConfDir, "templates.json")
				}
				return p.writeTemplates(list, file, force)
			})
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&name, "provider", "", "for this provider (default: the default one)")
	flags.StringVar(&api, "provider-api", "", "only for this `API`, for example EC2Fleet")
	flags.StringVar(&file, "output", "", "write to `FILE`, YAML by its name; - is standard output (default: templates.json in the configuration directory)")
	flags.StringSliceVar(&subnets, "subnet-ids", nil, "put these subnets into them (several: repeat or separate by commas)")
	flags.StringSliceVar(&groups, "security-group-ids", nil, "put these security groups into them (several: repeat or separate by commas)")
	flags.BoolVar(&force, "force", false, "replace the file when it exists")
	return cmd
}

func (p *program) templatesExportCommand() *cobra.Command {
	var file string
	var force bool
	cmd := &cobra.Command{
		Use:   "export [TEMPLATE_ID...]",
		Short: "Write templates as files hold them",
		Long: `Writes templates of files and of the store as they are written, without defaults, in the form that template files
have and ohfp templates import takes. User data is part of them.`,
		Example: `  ohfp templates export > templates.json
  ohfp templates export my-template --output my-template.yaml`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.around(cmd.Context(), true, func(a *app.App) error {
				list, err := a.TemplateDocuments(cmd.Context(), templateIDsOf(args)...)
				if err != nil {
					return err
				}
				return p.writeTemplates(list, file, force)
			})
		},
	}
	cmd.Flags().StringVar(&file, "output", "-", "write to `FILE`, YAML by its name; - is standard output")
	cmd.Flags().BoolVar(&force, "force", false, "replace the file when it exists")
	return cmd
}

// writeTemplates writes templates as a file holds them, to standard output in the format asked for, or to a file that is
// then there as a whole or not at all.
func (p *program) writeTemplates(document view.TemplateFile, path string, force bool) error {
	if path == "-" {
		return p.show(document, templatesLayout())
	}
	if _, err := os.Stat(path); err == nil && !force {
		return ohfp.Errorf(ohfp.ErrConflict, "%s exists; pass --force to replace it, or --output for another", path)
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return ohfp.Errorf(ohfp.ErrInvalid, "%s cannot be written: %w", path, err)
	}
	format := output.JSON
	if extension := strings.ToLower(filepath.Ext(path)); extension == ".yaml" || extension == ".yml" {
		format = output.YAML
	}
	var text bytes.Buffer
	if err := output.Write(&text, format, document, output.Layout{}, output.Screen{}); err != nil {
		return err
	}
	if err := replaceFile(path, text.Bytes()); err != nil {
		return ohfp.Errorf(ohfp.ErrInvalid, "%s cannot be written: %w", path, err)
	}
	p.note("wrote %s to %s", ohfp.Count(len(document.Templates), "template"), path)
	return nil
}

// replaceFile writes a file that is there as a whole or not at all.
func replaceFile(path string, data []byte) error {
	file, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	if err = errors.Join(err, file.Sync(), file.Close()); err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		_ = os.Remove(file.Name()) // it holds nothing that is needed
	}
	return err
}
